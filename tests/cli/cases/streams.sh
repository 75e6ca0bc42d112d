# Standard input and output, pipes and process substitutions wherever a file is named.
picture=$scenes/pictures/scene_1.jpg
array=$scenes/refs_scenes/06_4x31x97.ImageTensor.npy
[ -e "$array" ] || array=$(find "$scenes" -name '*ImageTensor.npy' | head -n 1)
quench ok build "$scenes/scenes.pb" -o scenes.qn
quench ok run scenes.qn --input "$array" -o arrays
output=$(find arrays -name '*.npy')

# Runs the program with a pipe as its standard input; the exit status is in $status.
piped() {
    file=$1
    shift
    command="$* (from $file)"
    cat "$file" | "$program" "$@" >.out 2>.err
    status=$?
}

it "reads any file from standard input"
for name in - /dev/stdin /dev/fd/0; do
    piped scenes.qn verify "$name"
    expect $status = 0
    prints "sound, "
done
"$program" verify - <scenes.qn >.out 2>.err || broken "a file as standard input"
prints "sound, "
piped "$scenes/scenes.pb" inspect -
expect $status = 0
piped scenes.qn inspect - --json -
expect "$(json kind)" = compiled
piped "$array" run scenes.qn --input - -o again
expect $status = 0
cmp "$output" again/* || broken "another result"
piped "$array" run scenes.qn --input ImageTensor=- -o named
cmp "$output" named/* || broken "another result"
printf '{"precision_config": {"precision_mode": "force_float16"}}' >half.json
piped half.json build "$scenes/scenes.pb" --config - -o half.qn
expect $status = 0
quench ok inspect half.qn
prints "force_float16"
ls "$scenes/pictures" | grep 'scene_1' >list.txt
piped list.txt build "$scenes/scenes.pb" -o int8.qn --precision int8 --calibrate - --images "$scenes/pictures"
expect $status = 0
piped scenes.qn compare scenes.qn - --input "$array"
expect $status = 0

it "reads what is behind where standard input stands"
{ printf 'a line\n' && cat scenes.qn; } >line.qn
{ read -r line && "$program" verify - >.out 2>.err; } <line.qn || broken "a file that was read from"
prints "sound, "

it "writes results to standard output and text elsewhere"
"$program" build "$scenes/scenes.pb" -o - >out.qn 2>.err || broken "build -o -"
cmp out.qn scenes.qn || broken "another file"
says "built in"
"$program" build "$scenes/scenes.pb" -o /dev/stdout 2>.err | cat >out.qn
cmp out.qn scenes.qn || broken "another file"
"$program" build "$scenes/scenes.pb" -o /dev/fd/7 7>out.qn >.out 2>.err || broken "build -o /dev/fd/7"
cmp out.qn scenes.qn || broken "another file"
prints "built in"
printf 'kept\n' >log
"$program" build "$scenes/scenes.pb" -o - >>log 2>.err || broken "appending"
{ printf 'kept\n' && cat scenes.qn; } | cmp - log || broken "not appended"
piped "$array" run scenes.qn --input - -o -
expect $status = 0
cmp .out "$output" || broken "another array"
says "output 'SemanticPredictions'"
quench ok segment scenes.qn "$picture" -o folder --save gray
piped "$picture" segment scenes.qn - -o - --save gray
expect $status = 0
cmp .out folder/scene_1.gray.png || broken "another picture"
says "161x161"
quench ok segment scenes.qn "$picture" -o folder
quench ok segment scenes.qn "$picture" -o -
cmp .out folder/scene_1.png || broken "not the label map"
quench ok build "$scenes/scenes.pb" --precision int8 --calibrate "$picture" --save-ranges -
prints "channel_mean"
quench ok bench scenes.qn --iterations 1 --warmup 1 --trace -
says "latency|ms"
"$program" build "$scenes/scenes.pb" -o - --report report.json 2>/dev/null | cmp - scenes.qn || broken "another file"
expect -s report.json

it "pipes one command into the next"
"$program" build "$scenes/scenes.pb" -q -o - 2>/dev/null | "$program" run - --input "$array" -o - 2>/dev/null | cmp - "$output" ||
    broken "another array"

it "refuses what standard input or output cannot serve"
quench misused verify - -
says "standard input can be read once only"
quench misused run - --input ImageTensor=- -o x
says "once only, here for --input and for -"
quench misused build "$scenes/scenes.pb" -o - --report -
says "standard output can take one result only, not those of -o and of --report"
quench misused run scenes.qn --input "$array" -o - --json -
says "one result only"
quench fails segment scenes.qn "$picture" -o - --save gray,rgb
says "one picture can go there, of one kind"
quench fails segment scenes.qn "$scenes/pictures" -o -
says "one picture can go there"
quench misused build -
says "from a pipe has no name"
quench fails verify -
says "/dev/stdin: "

it "reads and writes pipes that have names"
mkfifo in out
cat scenes.qn >in &
quench ok verify in
prints "^in: sound"
wait
{ sleep 7 && cat scenes.qn; } >in & # whoever takes long is waited for
sleep 1
quench ok verify in
wait
cat "$picture" >in &
quench ok segment scenes.qn in -o pipes --save indexed
wait
cmp pipes/in.png folder/scene_1.png || broken "another picture"
cat out >out.qn &
quench ok build "$scenes/scenes.pb" -o out
wait
cmp out.qn scenes.qn || broken "another file"
expect -p out

it "waits for nobody at a pipe for ever"
quench fails verify in
says "in: cannot be read: nobody writes to this pipe"
quench fails build "$scenes/scenes.pb" -o out
says "out: cannot be written: nobody reads this pipe"

it "leaves pipes in folders alone"
mkdir mixed
mkfifo mixed/a.jpg
cp "$picture" mixed/b.jpg
quench fails segment scenes.qn mixed -o from_mixed
says "a.jpg: is not a regular file"
expect -s from_mixed/b.png
