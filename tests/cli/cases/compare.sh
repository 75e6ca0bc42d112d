# Two models, value by value.
quench ok build "$scenes/scenes.pb" -o scenes.qn
quench ok build "$scenes/scenes.pb" -o half.qn --precision force_float16
array=$scenes/refs_scenes/02_1x100x77.ImageTensor.npy

it "finds a model equal to itself"
quench ok compare scenes.qn scenes.qn --input "$array" --top 100
prints '^ +equal +1\.000000 +0 +logits/semantic/BiasAdd$'
prints "^output 'SemanticPredictions': 100\.0000 % of 7700 elements are equal$"
prints '^not compared: 0 only in scenes.qn, 0 only in scenes.qn, [0-9]+ not floats in both, 0 of different shapes$'

it "shows the worst values first, as many as asked for"
quench ok compare scenes.qn half.qn --input ImageTensor="$array" --top 3
expect "$(grep -cE '^ +[0-9]+\.[0-9]{2} +[01]\.[0-9]{6} ' .out)" = 3
awk '/^ +[0-9]+\.[0-9][0-9] /{ if ($1 < last) exit 1; last = $1 }' .out || broken "not the worst first"
prints '^  \.\.\. [0-9]+ more \(--top\)$'

it "gives all figures as JSON, and nothing else on standard output"
quench ok compare scenes.qn half.qn --input "$array" --top 3 --json -
between "$(json values.#)" 40 100
between "$(json values.0.sqnr_db)" 30 "$(json values.9.sqnr_db)"
between "$(json values.0.cosine)" 0.999 1
between "$(json values.0.max_abs_error)" 0.000001 1
between "$(json outputs.0.agreement)" 0.99 1
expect "$(json outputs.0.name)" = SemanticPredictions
expect "$(json only_in_a)" = 0

it "compares a source model with itself in another precision"
quench ok compare "$scenes/scenes.pb" --precision force_float16 --input "$array" --json same.json
cp .out shown
quench ok compare scenes.qn half.qn --input "$array" --json files.json
cp same.json .out
worst=$(json values.0.sqnr_db)
cp files.json .out
expect "$(json values.0.sqnr_db)" = "$worst"
grep -q '^force_float16 against ' shown || broken "the precision is not named"

it "adds up over pictures"
quench ok compare scenes.qn half.qn --image "$scenes/pictures/scene_1.jpg" --image "$scenes/pictures/scene_7.jpg" --json -
expect "$(json runs)" = 2
between "$(json outputs.0.agreement)" 0.99 1

it "adds up over arrays of several samples"
several=$scenes/refs/06_4x31x97.ImageTensor.npy
quench ok compare scenes.qn half.qn --input "$several" --json -
expect "$(json runs)" = 4
expect "$(json outputs.0.elements)" = 12028
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn
quench ok compare dynamic.qn dynamic.qn --input "$several" --json -
expect "$(json runs)" = 4
quench ok compare scenes.qn dynamic.qn --input "$several" --json -
expect "$(json runs)" = 4
printf '%s\r\n\n%s' "$array" "$several" >arrays.txt
quench ok compare scenes.qn half.qn --input ImageTensor=arrays.txt --json -
expect "$(json runs)" = 5

it "counts what only one model has, and names it where that is asked for"
echo '{"debug_config": {"fusion_enable": false}}' >plain.json
quench ok build "$scenes/scenes.pb" -o plain.qn --config plain.json
quench ok compare plain.qn scenes.qn --input "$array" --json -
between "$(json only_in_a)" 20 1000
quench ok compare plain.qn scenes.qn --input "$array" -v
prints "^not compared: $(grep -c '^  only in plain.qn: ' .out) only in plain.qn, "
prints '^  only in plain.qn: .* \(float32\)$'
quench ok compare plain.qn scenes.qn --input "$array" --json -
between "$(json outputs.0.agreement)" 0.99 1

it "refuses what it cannot compare"
quench misused compare scenes.qn --input "$array"
says "B is missing"
quench misused compare scenes.qn half.qn --precision force_float16 --input "$array"
quench misused compare scenes.qn half.qn --image a.png --input "$array"
quench fails compare scenes.qn --precision force_float16 --input "$array"
says "scenes.qn: is compiled already"
quench misused compare "$scenes/scenes.pb" --precision force_float61 --input "$array"
says "force_float61"
quench misused compare scenes.qn half.qn
says "--input NAME=x.npy or --image FILE is missing"
quench fails compare scenes.qn half.qn --input "Image=$array"
says "ImageTensor"
quench fails compare scenes.qn missing.qn --input "$array"
says "missing.qn"
quench fails compare scenes.qn half.qn --image "$array"
cp scenes.qn kept.qn
quench fails compare scenes.qn half.qn --input "$array" --json half.qn
says "would overwrite the input half.qn"

it "compares a source model with itself in integers"
quench ok compare "$scenes/scenes.pb" --precision qint8_mixed_float32 --calibrate "$scenes/pictures" --input "$array" --json -
expect "$(json b)" = qint8_mixed_float32
between "$(json outputs.0.agreement)" 0.98 1

it "compares integers as the floats they stand for, every layer"
for bits in 8 16; do
    quench ok build "$scenes/scenes.pb" -o int$bits.qn --precision qint${bits}_mixed_float32 --calibrate "$scenes/pictures"
done
quench ok inspect scenes.qn --steps
sed -nE 's/^ *[0-9]+  (.*): (conv2d|matmul) .*/\1/p' .out >layers
between "$(wc -l <layers)" 15 100
for bits in 8 16; do
    quench ok compare scenes.qn int$bits.qn --image "$scenes/pictures/scene_1.jpg" --top 1000
    while read -r layer; do
        grep -qE "^ .*  $layer( \(float32, u?int$bits\))?\$" .out || broken "'$layer' is not compared"
    done <layers
    between "$(grep -cE " \(float32, u?int$bits\)\$" .out)" 10 100
    quench ok compare int$bits.qn scenes.qn --image "$scenes/pictures/scene_1.jpg" --json -
    expect "$(json values.0.dtype_b)" = float32
    between "$(json values.0.sqnr_db)" $((bits * 7 / 2)) 90
done
quench ok compare int8.qn int8.qn --input "$array" --json -
expect "$(json only_in_a),$(json only_in_b),$(json values.0.equal)" = 0,0,true
quench ok compare int16.qn int8.qn --input "$array" --top 1000
prints ' \(int16, uint8\)$'
