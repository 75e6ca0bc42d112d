# Building sound models.

it "compiles the bundled model and says what came of it"
quench ok build "$scenes/scenes.pb" -o scenes.qn
prints '^scenes.qn: .*built in [0-9]+ ms'
prints '^input +ImageTensor: uint8 1 x 1\.\.161 x 1\.\.161 x 3$'
prints '^output +SemanticPredictions: int32 1 x 1\.\.161 x 1\.\.161$'
prints '^arena +at most'
prints '^ceiling .* with the scratch of [0-9]+ threads?$'
prints '^cost +smallest 1x1x1x3: [0-9.]+ million multiply-adds, [0-9.]+ MB moved, arena [0-9.]+ MB$'
prints '^cost +typical 1x81x81x3: '
prints '^cost +largest 1x161x161x3: '
prints '^cost +the smallest costs as much as the largest: the graph pads what it is given to 161x161 \(Pad\)$'
holds . .err .out scenes.qn

it "gives the same bytes every time"
quench ok build "$scenes/scenes.pb" -o again.qn --threads 1
cmp scenes.qn again.qn || broken "two builds differ"

it "says that a model without bounds has no ceiling, and takes a range"
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn
prints 'no ceiling'
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn --range 1,1,1,3:2,100,90,3
prints '^input +ImageTensor: uint8 1\.\.2 x 1\.\.100 x 1\.\.90 x 3$'
prints '^arena +at most'
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn --range ImageTensor=1,64,64,3:1,64,64,3
prints '^input +ImageTensor: uint8 1 x 64 x 64 x 3$'
prints '^cost +1x64x64x3: '

it "takes the shape of an input"
echo '{"graph_shape_mutable": false}' >fixed.json
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn --input ImageTensor=1,20,33,3 --config fixed.json
prints '^input +ImageTensor: uint8 1 x 20 x 33 x 3$'
quench fails build "$scenes/scenes_dynamic.pb" -o x.qn --input ImageTensor=1,-1,33,3 --config fixed.json
says "dim 1 of input 'ImageTensor' is free"

it "takes outputs by name"
quench ok build "$scenes/scenes.pb" -o logits.qn --output logits/semantic/BiasAdd
prints '^output +logits/semantic/BiasAdd: float32 1 x 21 x 21 x 9$'

it "merges configurations, later keys first"
echo '{"debug_config": {"fusion_enable": true}}' >a.json
echo '{"debug_config": {"fusion_enable": false}, "opt_config": {"tfu_enable": true}}' >b.json
quench ok build "$scenes/scenes.pb" -o plain.qn --config a.json --config b.json --report report.json
says "warning: .*tfu_enable"
cp report.json .out
expect "$(json meta.config.debug_config.fusion_enable)" = false
between "$(json steps.#)" 100 1000
between "$(json build_ms)" 0 100000
expect "$(json inputs.0.name)" = ImageTensor

it "prints the report on standard output, and nothing else"
quench ok build "$scenes/scenes.pb" -o scenes.qn --report - --precision force_float32
expect "$(json file)" = scenes.qn
expect "$(json meta.config.precision_config.precision_mode)" = force_float32
between "$(json cost.smallest.macs)" 1 "$(json cost.largest.macs)"
between "$(json cost.typical.moved_bytes)" "$(json cost.smallest.moved_bytes)" "$(json cost.largest.moved_bytes)"
between "$(json cost.largest.arena_bytes)" "$(json arena_bytes_max)" "$(json arena_bytes_range_max)"
expect "$(json meta.declared.0.1)" = -1

it "takes what the source declares as the typical shape, where there is no middle"
make layer layer.pb "1 0 0 1" "0 0"
quench ok build layer.pb -o layer.qn
prints '^cost +typical 1x8x8x2: '

it "prints the graph after a pass"
quench ok build "$scenes/scenes.pb" -o scenes.qn --print-after fuse_activation
prints '^# after fuse_activation'
prints 'conv2d'

it "is quiet when asked"
quench ok build "$scenes/scenes.pb" -o scenes.qn -q
expect ! -s .err

it "refuses what does not fit the model, and writes nothing"
rm -f ./*.qn
quench fails build "$scenes/scenes.pb" -o x.qn --output SemanticPredictoins
says "SemanticPredictions"
quench fails build "$scenes/scenes.pb" -o x.qn --input ImageTensr
says "ImageTensor"
quench fails build "$scenes/scenes.pb" -o x.qn --input ImageTensor=1,a,3
says "--input"
quench fails build "$scenes/scenes.pb" -o x.qn --range Image=1,1,1,3:1,9,9,3
says "no input 'Image'; there is ImageTensor"
quench fails build "$scenes/scenes.pb" -o x.qn --range 1,1,1,3
says "two shapes of one rank"
quench fails build "$scenes/scenes.pb" -o x.qn --range 1,9,9,3:1,1,1,3
says "min 9 is above max 1"
quench fails build "$scenes/scenes.pb" -o x.qn --range 1,200,200,3:1,300,300,3
says "161"
quench misused build "$scenes/scenes.pb" -o x.qn --precision qint8_mixed_float
says "qint8_mixed_float16"
quench fails build "$scenes/scenes.pb" -o x.qn --print-after fuse_activatoin
says "fuse_activation"
quench fails build "$scenes/scenes.pb" -o x.qn --format onnx
says "format 'onnx' is not known; 'tensorflow' is"
quench fails build "$scenes/scenes.pb" -o x.qn --format tensorflwo
says "did you mean 'tensorflow'"
echo '{"debug_config": {"fusion_enabled": true}}' >typo.json
quench fails build "$scenes/scenes.pb" -o x.qn --config typo.json
says "typo.json.*fusion_enable"
quench fails build "$scenes/scenes.pb" -o x.qn --config none.json
expect ! -e x.qn

it "does not overwrite what it reads"
cp "$scenes/scenes.pb" model.pb
ln model.pb link.pb
quench fails build model.pb -o ./model.pb
says "would overwrite the input model.pb"
quench fails build model.pb -o link.pb
quench fails build model.pb -o a.json --config a.json
quench fails build model.pb -o twice --report twice
says "written twice"
cmp model.pb "$scenes/scenes.pb" || broken "the model has changed"

it "leaves nothing half-written where a file cannot be made"
quench fails build model.pb -o model.pb/x.qn
quench fails build model.pb -o nowhere/x.qn
quench fails build model.pb -o .
mkdir small
command="build model.pb -o small/x.qn with files of at most 1 KiB"
(trap '' XFSZ; ulimit -f 1; exec "$program" build model.pb -o small/x.qn) >.out 2>.err
expect $? = 1
says "small/x.qn: cannot write"
holds small

it "can be interrupted, and leaves no part of a file"
mkdir stopped
for tenths in 0 1 2 3 4 6 9; do
    command="build scenes.pb -o stopped/x.qn, interrupted after 0.0$tenths s"
    rm -f stopped/x.qn
    "$program" build "$scenes/scenes.pb" -o stopped/x.qn >.out 2>.err &
    sleep "0.0$tenths"
    kill -TERM $! 2>/dev/null
    wait $! 2>/dev/null
    case $? in
    1)
        says "cancelled"
        holds stopped ;;
    0 | 143) # it was done, or had not begun
        if [ -e stopped/x.qn ]; then
            holds stopped x.qn
            quench ok verify stopped/x.qn
        else
            holds stopped
        fi ;;
    *) broken "expected another exit status" ;;
    esac
done
