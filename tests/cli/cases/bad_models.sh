# What is no model, or a damaged one: a clear error, status 1, nothing written.

refused() { # FILE PATTERN
    for c in "build $1 -o x.qn" "inspect $1" "segment $1 $scenes/pictures/scene_1.jpg -o out" "bench $1 --duration 1"; do
        # shellcheck disable=SC2086
        quench fails $c
        says "$1"
        says "$2"
    done
    expect ! -e x.qn
    expect ! -e out
}

it "refuses what is no model, and says what it is"
: >empty.pb
refused empty.pb "empty"
echo "hello, this is a text" >text.pb
refused text.pb "text"
cp "$scenes/pictures/scene_1.jpg" picture.pb
refused picture.pb "JPEG"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n' >pointer.pb
refused pointer.pb "LFS"
printf 'node {\n  name: "a"\n  op: "Placeholder"\n}\n' >graph.pbtxt
refused graph.pbtxt "text format"
refused missing.pb "No such file"
mkdir saved_model folder
: >saved_model/saved_model.pb
refused saved_model "SavedModel"
refused folder "folder"
mkfifo pipe
refused pipe "pipe"

it "refuses a compiled file where a source model is needed"
quench ok build "$scenes/scenes.pb" -o scenes.qn
quench fails build scenes.qn -o x.qn
says "compiled"

it "refuses a model that is cut short"
size=$(wc -c <"$scenes/scenes.pb")
for bytes in 1 7 100 1000 20000 300000 $((size - 1)); do
    head -c $bytes "$scenes/scenes.pb" >cut.pb
    quench fails build cut.pb -o x.qn
    says "cut.pb"
    expect ! -e x.qn
done

it "refuses a compiled file that is cut short"
size=$(wc -c <scenes.qn)
for bytes in 0 1 15 16 100 5000 $((size / 2)) $((size - 1)); do
    head -c $bytes scenes.qn >cut.qn
    quench fails verify cut.qn
    says "cut.qn"
    quench fails bench cut.qn --duration 1
done

it "says of a compiled file whose first bytes are damaged that it is"
for byte in 0 4; do
    cp scenes.qn damaged.qn
    printf Z | dd of=damaged.qn bs=1 seek=$byte conv=notrunc status=none
    for c in "bench damaged.qn --duration 1" "inspect damaged.qn"; do
        # shellcheck disable=SC2086
        quench fails $c
        says "damaged.qn looks like a file compiled by quench, but its first bytes are damaged"
    done
    quench fails verify damaged.qn
    says "damaged.qn: not a compiled model, or damaged"
done

it "refuses a compiled file with a byte too many"
{ cat scenes.qn; printf x; } >long.qn
quench fails verify long.qn
says "too long"

it "refuses a compiled file with any byte changed"
for offset in 0 3 8 12 20 40 64 100 200 1000 4000 20000 31000 100000 400000 $((size - 1)); do
    byte=$(od -An -tu1 -j$offset -N1 scenes.qn)
    cp scenes.qn flipped.qn
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' $((byte ^ 1 << offset % 8)))" | dd of=flipped.qn bs=1 seek=$offset conv=notrunc 2>/dev/null
    quench fails verify flipped.qn
    says "flipped.qn"
    quench fails inspect flipped.qn
done
