# `quench verify` on sound files.
quench ok build "$scenes/scenes.pb" -o a.qn
cp a.qn b.qn

it "says that a file is sound"
quench ok verify a.qn b.qn
prints '^a.qn: sound, [0-9]+ steps, 1 input, 1 output'
prints '^b.qn: sound'

it "checks the others after one that is not"
quench fails verify a.qn "$scenes/scenes.pb" missing.qn b.qn
says "scenes.pb: not a compiled model.*quench build"
says "missing.qn"
prints '^b.qn: sound'

it "says what is wrong with what a file says of itself"
while IFS='|' read -r meta words; do
    make meta m.qn "$meta"
    quench fails verify m.qn
    says "m.qn: meta: $words"
    quench ok inspect m.qn --shape 1,8,8,2
    quench ok inspect m.qn --shape 1,8,8,2 --json -
    quench ok bench m.qn --shape 1,8,8,2 --iterations 1 --warmup 0
done <<'END'
no JSON|line 1: no JSON
[1, 2]|expected a JSON object, found an array
{"quench": "1", "quench": "2"}|line 1: duplicate key 'quench'
{"source": 7}|source: expected an object, found an integer: 7
{"declared": [["x"]]}|declared.0: expected an integer from -1 on, found a text: "x"
{"config": {"precision_config": {"precision_mode": "ääääääääääääääää"}}}|config: .*precision_mode
{"pinned": [{"axis": "x"}]}|pinned.0.axis: expected the number of an axis, found a text: "x"
{"image": {"input": [], "output": "y"}}|image.input: expected a text, found an array
{"refit": {"weight_bytes": 999}}|refit: the weights are not in the constants
END

it "refuses JSON that would overflow a small stack"
deep=$(printf '%2000s' '' | tr ' ' '[')
make meta deep.qn "{\"a\": $deep"
for command in verify inspect bench; do
    quench fails $command deep.qn
    says 'deep.qn: meta: JSON nested deeper than 64 levels'
done
