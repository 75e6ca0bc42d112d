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
quench fails bench scenes.qn --shape 1,9,9,3 --shape 1,8,8,3
says "has a shape already"

it "writes one run as a trace"
quench ok bench scenes.qn --threads 2 --iterations 2 --warmup 0 --trace trace.json --json -
cp trace.json .out
between "$(json traceEvents.#)" 20 100000
