# What users of other tools expect: shapes that hold, short names, outputs that need no name, help as a command.
it "keeps the shape that --input gives"
quench ok build "$scenes/scenes_dynamic.pb" -o fixed.qn --input ImageTensor=1,100,90,3
prints "^input +ImageTensor: uint8 1 x 100 x 90 x 3"
quench ok build "$scenes/scenes_dynamic.pb" -o part.qn --input ImageTensor=1,100,-1,3
prints "^input +ImageTensor: uint8 1 x 100 x \? x 3"
quench ok build "$scenes/scenes.pb" -o free.qn --input ImageTensor=1,-1,-1,3
prints "^input +ImageTensor: uint8 1 x 1\.\.161 x 1\.\.161 x 3"
quench fails build "$scenes/scenes_dynamic.pb" -o x.qn --input ImageTensor=1,100,90,3 --range 1,200,90,3:1,300,90,3
says "fixed to 100"

it "opens what the model declares, as ever"
make layer layer.pb "1 0 0 1" "0 0"
quench ok build layer.pb -o layer.qn
prints "^input +x: float32 1\.\.\? x 1\.\.\?|^input +x: float32 \?"
quench ok build layer.pb -o layer.qn --input x=1,8,8,2
prints "^input +x: float32 1 x 8 x 8 x 2"

it "names the compiled file after the model"
mkdir models
cp "$scenes/scenes.pb" models/net.v2.pb
quench ok build models/net.v2.pb
expect -s net.v2.qn
says "becomes net.v2.qn"
prints "^net.v2.qn: "
expect ! -e models/net.v2.qn
cp "$scenes/scenes.pb" plain
quench ok build plain -q
expect -s plain.qn
quench fails build net.v2.qn
says "net.v2.qn: writing it .* would overwrite the input"
quench ok build plain --print-config
holds models net.v2.pb
quench misused build plain --output small.qn
says "the compiled file is -o small.qn"
expect ! -e small.qn

it "understands short names of precisions"
for pair in fp32=force_float32 FP16=force_float16 f16=force_float16 int8=qint8_mixed_float16 INT16=qint16_mixed_float16 force_float16=force_float16; do
    case $pair in *=force*) ranges= ;; *) ranges="--fixed-range -4,4" ;; esac
    # shellcheck disable=SC2086
    quench ok build "$scenes/scenes.pb" -o x.qn --precision "${pair%%=*}" $ranges --print-config -q
    prints "\"precision_mode\": \"${pair#*=}\""
done
quench misused build "$scenes/scenes.pb" -o x.qn --precision int9
says "qint8_mixed_float16"

it "helps in either order of words"
quench ok build --help
cp .out help.txt
quench ok help build
cmp .out help.txt || broken "another help"
quench ok help
prints "quench help COMMAND"
quench ok version
prints "^quench [0-9]"
cp .out version.txt
quench ok --version
cmp .out version.txt || broken "another version"
"$program" help bild >.out 2>.err && broken "there is no such command"
says "did you mean build"

it "says that a file is no folder"
: >file
quench fails segment plain.qn "$scenes/pictures/scene_1.jpg" -o file
says "file: is no folder"
quench fails segment plain.qn "$scenes/pictures/scene_1.jpg" -o labels.png
says "labels.png: is no folder by its name"
expect ! -e labels.png
quench fails run plain.qn --input x.npy -o file
says "file: is no folder"
