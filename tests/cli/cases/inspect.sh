# What `quench inspect` shows.
quench ok build "$scenes/scenes.pb" -o scenes.qn

it "shows a source model as it was found"
quench ok inspect "$scenes/scenes.pb"
prints "tensorflow model 'scenes', [0-9]+ operations, 22[0-9]+ parameters"
prints '^input +ImageTensor: uint8 1 x 1\.\.161 x 1\.\.161 x 3'
prints '^operators .* [0-9]+ conv2d'
quench ok inspect "$scenes/scenes.pb" --json -
expect "$(json kind)" = source
expect "$(json outputs.0.name)" = SemanticPredictions

it "shows a compiled model: what bounds it, its memory, where it comes from"
quench ok inspect scenes.qn
prints 'dim 1: .*Slice'
prints "^source +tensorflow model 'scenes' of [0-9]+ bytes, hash [0-9a-f]{16}; built by quench"
prints '^image .*labels of 9 classes'
prints '^arena .*at 1x161x161x3'
prints '^ceiling .*for every shape in range'
prints '^cost +typical 1x81x81x3: '
quench ok inspect scenes.qn --shape 1,20,30,3
prints '^arena .*at 1x20x30x3'

it "shows steps and memory"
quench ok inspect scenes.qn --steps --memory
prints '^ +[0-9]+  logits/semantic/BiasAdd: conv2d \{.*\}; f32.*; kernel conv_f32'
prints '^  arena +[0-9]+ +[0-9]+ +[0-9]+\.\.[0-9]+ +'
quench ok inspect scenes.qn --steps --memory --json -
expect "$(json kind)" = compiled
between "$(json cost.largest.arena_bytes)" 1 "$(json arena_bytes_range_max)"
between "$(json arena_bytes)" 1 "$(json arena_bytes_range_max)"
expect "$(json steps.#)" = "$(json step_count)"
between "$(json values.#)" "$(json step_count)" 100000
expect "$(json meta.image.class_count)" = 9

it "shows what integers stand for, and why conversions make them"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --calibrate "$scenes/pictures"
quench ok inspect int8.qn --steps
prints '^ +to .*/u8 \(uint8 [0-9 x.]+, scale [0-9.e-]+\.\.[0-9.e-]+, zero point [0-9]+'
prints ': quantize_linear; u8: qint8_mixed_float16; '
quench ok inspect int8.qn --memory --json -
"$json_get" .out values | grep -q '"encoding": *{' || broken "no value tells what it stands for"

it "says that weights can be replaced"
echo '{"enable_refit": true}' >refit.json
quench ok build "$scenes/scenes.pb" -o refit.qn --config refit.json
quench ok inspect refit.qn
prints '^refit +weights can be replaced: the constants hold [0-9.]+ kB'
quench ok inspect refit.qn --json -
between "$(json meta.refit.weight_bytes)" 800000 1000000

it "builds a source model where the plan is asked for"
quench ok inspect "$scenes/scenes_dynamic.pb" --shape 2,20,30,3
prints 'no ceiling'
prints '^arena .*at 2x20x30x3'

it "prints graphs, of both kinds, in three forms"
for model in scenes.qn "$scenes/scenes.pb"; do
    quench ok inspect "$model" --graph text
    prints 'conv2d'
    quench ok inspect "$model" --graph dot
    prints '^digraph'
    prints '^}'
    quench ok inspect "$model" --graph json
    "$json_get" .out "" >/dev/null || broken "no JSON"
done

it "refuses shapes that do not fit"
quench fails inspect scenes.qn --shape 1,162,1,3
says "161"

it "counts transposes: those at the ends stay"
quench ok inspect scenes.qn --json -
expect "$(json transposes.inputs),$(json transposes.outputs),$(json transposes.inside)" = 0,0,0
echo '{"convert_input_layout": {"0": {"src": "NHWC", "dst": "NCHW"}}}' >nchw.json
quench ok build "$scenes/scenes.pb" -o nchw.qn --config nchw.json
quench ok inspect nchw.qn
prints '^transposes 1 of inputs, 0 of outputs, 0 inside'
