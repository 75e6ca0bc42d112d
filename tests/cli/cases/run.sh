# Arrays in, arrays out.
quench ok build "$scenes/scenes.pb" -o scenes.qn
refs=$scenes/refs_scenes

it "gives TensorFlow's labels"
for name in 00_1x1x1 01_1x161x161 02_1x100x77 03_1x47x161; do
    quench ok run scenes.qn --input ImageTensor="$refs/$name.ImageTensor.npy" --output-dir $name
    holds $name SemanticPredictions.npy
    npy_values "$refs/$name.SemanticPredictions.npy" 1 >want
    npy_values $name/SemanticPredictions.npy 4 >found
    cmp want found || broken "the labels of $name differ"
done
prints '^03_1x47x161/SemanticPredictions.npy: int32 1x47x161, output'

it "does not need the name of a single input"
cp "$refs/02_1x100x77.ImageTensor.npy" a=b.npy
quench ok run scenes.qn --input a=b.npy -o unnamed --json -
expect "$(json outputs.0.name)" = SemanticPredictions
expect "$(json outputs.0.shape)" = "[1,100,77]"
cmp unnamed/SemanticPredictions.npy 02_1x100x77/SemanticPredictions.npy || broken "the labels differ"

it "saves intermediate values under safe names"
quench ok run scenes.qn --input a=b.npy -o dumped --dump logits/semantic/BiasAdd --dump SemanticPredictions --dump ImageTensor
holds dumped ImageTensor.npy SemanticPredictions.npy logits_semantic_BiasAdd.npy
tail -c +129 dumped/ImageTensor.npy >x
tail -c +129 a=b.npy >y
cmp x y || broken "the input was not dumped as it is"
prints "dumped/logits_semantic_BiasAdd.npy: float32 1x21x21x9, value 'logits/semantic/BiasAdd'"

it "saves floats that the model holds as integers, and the integers themselves"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float32 --calibrate "$scenes/pictures"
quench ok inspect int8.qn --steps
value=$(sed -nE 's/^ *to +(.*)\/u8 \(uint8 .*, scale 0\.[0-9.]+, zero point [0-9.]+\)$/\1/p' .out | head -n 1)
[ -n "$value" ] || broken "no value of integers is shown with its scale"
quench ok run int8.qn --input a=b.npy -o integers --dump "$value" --dump "$value/u8" --dump "$value"
name=$(printf '%s' "$value" | tr / _)
holds integers "$name.npy" "${name}_u8.npy" SemanticPredictions.npy
prints "integers/$name.npy: float32 .*, value '$value'"
prints "integers/${name}_u8.npy: uint8 .*, value '$value/u8'"

it "writes the run as a trace"
quench ok run scenes.qn --input a=b.npy -o traced --threads 2 --trace trace.json
cp trace.json .out
between "$(json traceEvents.#)" 20 100000
quench fails run scenes.qn --input a=b.npy -o traced --trace a=b.npy
says "would overwrite the input a=b.npy"

it "answers an array outside the range with the graph's reason"
npy large.npy '|u1' '1, 162, 100, 3' $((162 * 100 * 3))
quench fails run scenes.qn --input large.npy -o failed
says "ImageTensor.*162"
says "Slice"
expect ! -e failed

it "refuses arrays that do not fit"
npy float.npy '<f4' '1, 5, 5, 3' 300
quench fails run scenes.qn --input float.npy -o failed
says "float32 elements, but input 'ImageTensor' takes uint8"
npy rank.npy '|u1' '5, 5, 3' 75
quench fails run scenes.qn --input rank.npy -o failed
npy channels.npy '|u1' '1, 5, 5, 4' 100
quench fails run scenes.qn --input channels.npy -o failed
npy cut.npy '|u1' '1, 5, 5, 3' 74
quench fails run scenes.qn --input cut.npy -o failed
says "cut.npy"
npy empty.npy '|u1' '1, 0, 5, 3' 0
quench fails run scenes.qn --input empty.npy -o failed
cp "$scenes/pictures/scene_1.jpg" picture.npy
quench fails run scenes.qn --input picture.npy -o failed
says "picture.npy"
quench fails run scenes.qn --input missing.npy -o failed
says "missing.npy"

it "refuses names that the model does not have, and suggests the nearest"
quench fails run scenes.qn --input ImageTenso=a=b.npy -o failed
says "did you mean 'ImageTensor'"
quench fails run scenes.qn --input a=b.npy -o failed --dump logits/semantic/BiasAd
says "did you mean 'logits/semantic/BiasAdd'"
quench fails run scenes.qn --input a=b.npy --input a=b.npy -o failed
says "given twice"
quench fails run scenes.qn -o failed
says "input 'ImageTensor' \(uint8 1 x 1\.\.161 x 1\.\.161 x 3\) is not given"
expect ! -e failed

it "does not overwrite its inputs"
cp a=b.npy SemanticPredictions.npy
quench fails run scenes.qn --input SemanticPredictions.npy -o .
says "would overwrite the input SemanticPredictions.npy"
cmp SemanticPredictions.npy a=b.npy || broken "the input has changed"

it "fails where it cannot write"
: >file
quench fails run scenes.qn --input a=b.npy -o file/below

it "runs source models, any batch, any size"
quench ok run "$scenes/scenes_dynamic.pb" --input "$scenes/refs/06_4x31x97.ImageTensor.npy" -o dynamic --threads 2
npy_values "$scenes/refs/06_4x31x97.SemanticPredictions.npy" 1 >want
npy_values dynamic/SemanticPredictions.npy 4 >found
cmp want found || broken "the labels differ"
