# Figures of `quench bench`.
quench ok build "$scenes/scenes.pb" -o scenes.qn

it "gives every figure as JSON, and nothing else on standard output"
quench ok bench scenes.qn --shape 1,100,77,3 --threads 2 --iterations 5 --warmup 1 --json -
expect "$(json model)" = scenes.qn
expect "$(json precision)" = force_float32
expect "$(json threads)" = 2
expect "$(json shapes.ImageTensor)" = "[1,100,77,3]"
expect "$(json iterations)" = 5
for figure in load_ms bind_ms first_ms throughput_per_s wall_s const_bytes arena_bytes peak_rss_bytes; do between "$(json $figure)" 0.000001 1e12; done
between "$(json latency_ms.min)" 0 "$(json latency_ms.median)"
between "$(json latency_ms.median)" 0 "$(json latency_ms.p90)"
between "$(json latency_ms.p90)" 0 "$(json latency_ms.p95)"
between "$(json latency_ms.p95)" 0 "$(json latency_ms.p99)"
between "$(json latency_ms.p99)" 0 "$(json latency_ms.max)"
between "$(json latency_ms.mean)" "$(json latency_ms.min)" "$(json latency_ms.max)"
between "$(json arena_bytes)" 0 "$(json arena_bytes_range_max)"
expect "$(json cpu)" != ""

it "shows that running allocates nothing"
expect "$(json allocations_per_run)" = 0.0

it "tells of every step"
quench ok bench scenes.qn --threads 1 --iterations 2 --warmup 0 --cpu generic --layers --json bench.json
prints '^layers'
prints 'conv_f32_4x16_portable'
cp bench.json .out
between "$(json layers.#)" 20 200
between "$(json peak_gflops)" 0.001 100000
expect "$(json peak_int8_gops)" = 0.0
share=0 i=0
while [ $i -lt "$(json layers.#)" ]; do
    share=$(awk -v a="$share" -v b="$(json layers.$i.share)" 'BEGIN { print a + b }')
    i=$((i + 1))
done
between "$share" 0.999 1.001
i=0
until [ "$(json layers.$i.name)" = MobilenetV2/Conv/Relu6 ]; do i=$((i + 1)); done
for key in operator kernel ms share macs gops peak_share bytes; do expect "$(json layers.$i.$key)" != ""; done
# 3x3 convolution of 3 to 16 channels at stride 2 over 161x161.
expect "$(json layers.$i.macs)" = $((81 * 81 * 16 * 27))

it "measures for a time, and takes source models"
quench ok bench "$scenes/scenes.pb" --duration 20 --warmup 0
prints '^latency, ms'
prints 'import and build'
prints '^  input +ImageTensor: 1x161x161x3'

it "guesses a shape where nothing tells one, and says so"
quench ok bench "$scenes/scenes_dynamic.pb" --iterations 1 --warmup 0
says "input 'ImageTensor' .* has no largest shape: 1x224x224x3 is taken \(--shape gives another\)"
prints '^  input +ImageTensor: 1x224x224x3'
quench ok bench "$scenes/scenes_dynamic.pb" --shape ImageTensor=2,20,30,3 --iterations 1 --json -
expect "$(json arena_bytes_range_max)" = null

it "refuses shapes that do not fit"
quench fails bench scenes.qn --shape 1,200,200,3
says "161"
quench fails bench scenes.qn --shape 1,100,100
quench fails bench scenes.qn --shape Image=1,9,9,3
says "ImageTensor"
quench fails bench scenes.qn --shape 1,x,9,3

it "measures several shapes in turn, and tells of each"
quench ok bench scenes.qn --shape 1,40,30,3 --shape 1,50,60,3 --iterations 4 --warmup 0 --threads 1 --json -
expect "$(json groups.#)" = 2
expect "$(json groups.0.shapes.ImageTensor)" = "[1,40,30,3]"
expect "$(json groups.1.shapes.ImageTensor)" = "[1,50,60,3]"
expect "$(json groups.0.runs)" = 2
expect "$(json groups.1.runs)" = 2
expect "$(json iterations)" = 4
between "$(json shape_ms)" 0.000001 1000
quench ok bench scenes.qn --shape 1,40,30,3 --shape 1,50,60,3 --iterations 2 --warmup 0
prints '2 sets of 2 shapes, in turn'
prints ' 1x50x60x3$'

it "runs several contexts at once, and says what of the machine they use"
quench ok bench scenes.qn --threads 1 --contexts 3 --iterations 7 --warmup 0 --json -
expect "$(json contexts)" = 3
expect "$(json iterations)" = 7
expect "$(json allocations_per_run)" = 0.0
between "$(json utilisation)" 0.000001 1
between "$(json cpu_s)" 0.000001 1000
quench misused bench scenes.qn --contexts 0

it "measures batches, and counts their inputs"
quench ok bench "$scenes/scenes_dynamic.pb" --shape 1,40,30,3 --batch 3 --iterations 2 --warmup 0 --threads 1 --json -
expect "$(json shapes.ImageTensor)" = "[3,40,30,3]"
expect "$(awk -v a="$(json inputs_per_s)" -v b="$(json throughput_per_s)" 'BEGIN { print (a > 2.99 * b && a < 3.01 * b) }')" = 1

it "measures arrays and raw bytes"
{
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 40, 30, 3), }"
    head -c 3600 /dev/zero
} >x.npy
quench ok bench scenes.qn --input ImageTensor=x.npy --iterations 1 --warmup 0 --json -
expect "$(json shapes.ImageTensor)" = "[1,40,30,3]"
tail -c 3600 x.npy >x.bin
quench ok bench scenes.qn --shape 1,40,30,3 --input x.bin --input x.npy --iterations 2 --warmup 0 --json -
expect "$(json groups.#)" = 1
expect "$(json groups.0.sets)" = 2
quench fails bench scenes.qn --shape 1,40,31,3 --input x.bin
says "x.bin: no .npy file, so the bytes of an array, but input 'ImageTensor' takes 3720 bytes \(uint8 1x40x31x3\) and it holds fewer: --shape"
quench fails bench scenes.qn --shape 1,40,29,3 --input x.bin
says "holds more"
quench fails bench scenes.qn --input x.npy --shape 1,40,31,3
says "x.npy: the array is 1x40x30x3, but --shape says 1x40x31x3"
quench fails bench scenes.qn --input x.npy --batch 4
says "x.npy: the array is 1x40x30x3, but --batch says 4"
quench fails bench scenes.qn --input missing.bin
says "missing.bin: there is no such file"

it "measures pictures as segment fits them"
quench ok bench scenes.qn --images "$scenes/pictures" --limit 4 --iterations 4 --warmup 0 --json -
expect "$(json iterations)" = 4
between "$(json groups.#)" 1 4
quench fails bench scenes.qn --images "$scenes/pictures" --shape 1,9,9,3
says "leave --shape and --input out"
picture=$scenes/pictures/scene_1.jpg
quench ok bench "$scenes/scenes_dynamic.pb" --images "$picture" --images "$picture" --images "$picture" --batch 2 --iterations 2 --warmup 0 --json -
expect "$(json shapes.ImageTensor)" = "[2,161,161,3]"
expect "$(json groups.0.sets)" = 1
quench fails bench "$scenes/scenes_dynamic.pb" --images "$scenes/pictures" --batch 2
says 'batch are of one size, but after 161x161x3 comes 161x121x3'
quench fails bench "$scenes/scenes_dynamic.pb" --images "$picture" --batch 2
says 'the pictures are 1 only'

it "writes one run as a trace"
quench ok bench scenes.qn --threads 2 --iterations 2 --warmup 0 --trace trace.json --json -
cp trace.json .out
between "$(json traceEvents.#)" 20 100000
