# Integer precision: where the ranges of values come from, and what is refused. CALIBRATE is what most builds have.
model=$scenes/scenes.pb pictures=$scenes/pictures
CALIBRATE="--precision qint8_mixed_float16 --calibrate $pictures"

it "builds an integer model from a folder of pictures, and says what came of it"
# shellcheck disable=SC2086
quench ok build "$model" -o int8.qn $CALIBRATE --save-ranges ranges.json --report report.json
prints '^calibrated +8 samples in [0-9.]+ s, linear$'
prints '^integer +[0-9]+ of [0-9]+ layers, [0-9.]+ % of [0-9.]+ million multiply-adds at 1x161x161x3$'
holds . .err .out int8.qn ranges.json report.json
cp report.json .out
expect "$(json calibration.samples)" = 8
expect "$(json meta.config.precision_config.precision_mode)" = qint8_mixed_float16
between "$(json integer.mac_share)" 0.8 1
between "$(json calibration.peak_rss_bytes)" 1000000 300000000
quench ok inspect int8.qn
prints '^integer +[0-9]+ of'
quench ok verify int8.qn

it "labels as the float model does, next to always"
quench ok build "$model" -o float.qn
quench ok segment int8.qn "$pictures/scene_1.jpg" -o out --save indexed
holds out scene_1.png
quench ok eval int8.qn --images "$pictures" --masks "$scenes/masks" --against float.qn --json -
between "$(json agreement)" 0.99 1
between "$(json miou_difference.value)" -0.002 1
between "$(json miou_difference.low)" -0.1 "$(json miou_difference.value)"
between "$(json miou_difference.high)" "$(json miou_difference.value)" 0.1

it "gives the same bytes every time, from pictures or from the ranges that were kept"
# shellcheck disable=SC2086
quench ok build "$model" -o again.qn $CALIBRATE --save-ranges ranges2.json --threads 1
cmp int8.qn again.qn || broken "two calibrations differ"
cmp ranges.json ranges2.json || broken "two files of ranges differ"
# shellcheck disable=SC2086
quench ok build "$model" -o nearest.qn $CALIBRATE --rounding 0
quench ok build "$model" -o again.qn --precision qint8_mixed_float16 --ranges ranges.json --rounding 0
prints '^ranges +from ranges.json'
cmp nearest.qn again.qn || broken "a build from kept ranges differs"

it "rounds weights by what they change, the same way every time"
# shellcheck disable=SC2086
quench ok build "$model" -o learned.qn $CALIBRATE --rounding 3 --save-ranges ranges2.json
# shellcheck disable=SC2086
quench ok build "$model" -o learned2.qn $CALIBRATE --rounding 3 --threads 1
cmp learned.qn learned2.qn || broken "two builds differ"
cmp ranges.json ranges2.json || broken "the ranges differ"
cmp learned.qn int8.qn || broken "three sweeps are not the default"
! cmp -s learned.qn nearest.qn || broken "nothing was learned"
quench ok build "$model" -o learned.qn --precision qint8_mixed_float16 --ranges ranges.json --rounding 3
says "warning: rounding_iterations: weights are rounded to the nearest"
quench ok build "$model" -o learned.qn --precision qint8_mixed_float16 --ranges ranges.json
says "note: rounding_iterations: weights are rounded to the nearest"

it "saves ranges without building anything"
# shellcheck disable=SC2086
quench ok build "$model" $CALIBRATE --save-ranges only.json
cmp ranges.json only.json || broken "the ranges differ"

it "takes lists as data sets have them"
{ printf '\357\273\277scene_1.jpg\r\n\r\n  scene_3.jpg \n\n%s shape[1,100,80,3]\n' "$pictures/scene_5.jpg"; printf 'scene_8'; } >list.txt
quench ok build "$model" --precision qint8_mixed_float16 --calibrate list.txt --images "$pictures" --save-ranges list.json
grep -q '"samples": 4,' list.json || broken "expected 4 samples"
cp "$pictures"/scene_[1358].jpg .
quench ok build "$model" --precision qint8_mixed_float16 --calibrate list.txt --save-ranges list2.json
cmp list.json list2.json || broken "beside the list other pictures were found"

it "uses at most as many samples as it is told"
# shellcheck disable=SC2086
quench ok build "$model" $CALIBRATE --limit 3 --save-ranges few.json
grep -q '"samples": 3,' few.json || broken "expected 3 samples"
says "warning: calibrated on 3 samples only"

it "warns of 1 and 2 samples, and of duplicates"
mkdir two
cp "$pictures/scene_2.jpg" two/a.jpg
quench ok build "$model" --precision qint8_mixed_float16 --calibrate two/a.jpg --save-ranges one.json
says "warning: calibrated on 1 sample only"
cp two/a.jpg two/b.jpg
quench ok build "$model" --precision qint8_mixed_float16 --calibrate two --save-ranges two.json -v
says "warning: calibrated on 2 samples only"
says "warning: 1 of 2 samples"
says "two/b.jpg is the same picture as two/a.jpg"

it "refuses sets without a picture"
mkdir nothing
: >empty.txt
printf '\r\n \n' >blank.txt
for set in nothing nowhere empty.txt blank.txt; do
    quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate "$set"
    says "--calibrate $set: $set"
done
printf 'scene_1.jpg\nscene_20.jpg\n' >missing.txt
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate missing.txt
says "missing.txt names 'scene_20.jpg', which is neither"

it "names pictures that cannot be read, and leaves them out where it is told to"
head -c 3000 two/a.jpg >two/c.jpg
cp "$model" two/d.png
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate two
says "two/c.jpg"
quench ok build "$model" --precision qint8_mixed_float16 --calibrate two --skip-unreadable --save-ranges two.json
says "warning: left out: two/c.jpg"
says "warning: left out: two/d.png"
says "2 of 4 pictures were left out"
printf 'two/c.jpg\ntwo/d.png\n' >bad.txt
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate bad.txt --skip-unreadable
says "none of the 2 pictures can be read"

it "waits for no pipe"
mkfifo pipe.jpg
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate pipe.jpg
says "pipe.jpg: (is not a regular file|cannot be read: nobody writes to this pipe)"
printf 'scene_1.jpg\npipe.jpg\n' >pipes.txt
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate pipes.txt -v
says "pipe.jpg: (is not a regular file|cannot be read: nobody writes to this pipe)"
rm pipe.jpg

it "refuses shapes that the model cannot have"
for shape in 1,900,80,3 1,80,80,1 2,80,80,3 80,80 1,-1,2,3; do
    printf 'scene_1.jpg shape[%s]\n' "$shape" >shape.txt
    quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate shape.txt
    says "scene_1.jpg"
done

it "takes arrays: one sample each, or several"
refs=$scenes/refs
quench ok build "$model" --precision qint8_mixed_float16 --calibrate "$refs/09_1x149x83.ImageTensor.npy" \
    --calibrate "ImageTensor=$refs/06_4x31x97.ImageTensor.npy" --save-ranges arrays.json
grep -q '"samples": 5,' arrays.json || broken "expected 5 samples"
npy float.npy '<f4' "1, 5, 5, 3" 300
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate float.npy
says "float.npy: float32 elements, but input 'ImageTensor' takes uint8"
npy gray.npy '|u1' "1, 5, 5, 1" 25
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate gray.npy
says "gray.npy: an array of 1x5x5x1 is no sample for input 'ImageTensor'"
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate gray.npy --calibrate two
says "either pictures or arrays"
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --calibrate "Image=gray.npy"
says "ImageTensor"

it "reads arrays sample by sample, however many there are"
npy huge.npy '|u1' "100000, 161, 161, 3" 0
truncate -s 7776300128 huge.npy
quench ok build "$model" -o x.qn --precision qint8_mixed_float16 --rounding 0 --calibrate huge.npy --limit 3 --report huge.json
cp huge.json .out
expect "$(json calibration.samples)" = 3
between "$(json calibration.peak_rss_bytes)" 1000000 600000000
truncate -s -1 huge.npy
quench fails build "$model" -o y.qn --precision qint8_mixed_float16 --calibrate huge.npy --limit 3
says "huge.npy: the shape needs 7776300000 bytes of data, the file has 7776299999"
rm huge.npy x.qn
{ printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 5, 5, 3), }"; head -c 150 /dev/zero; } >fortran.npy
quench fails build "$model" -o y.qn --precision qint8_mixed_float16 --calibrate fortran.npy
says "fortran.npy: is in Fortran order, .*ascontiguousarray"

it "advances all inputs together"
a=MobilenetV2/expanded_conv_10/project/BatchNorm/FusedBatchNorm b=MobilenetV2/expanded_conv_9/project/BatchNorm/FusedBatchNorm
INPUTS="--input $a=1,21,21,64 --input $b=1,21,21,64 --output aspp0/Relu --precision qint8_mixed_float16"
npy five.npy '<f4' "5, 1, 21, 21, 64" 564480
npy four.npy '<f4' "4, 1, 21, 21, 64" 451584
# shellcheck disable=SC2086
quench ok build "$model" -o two.qn $INPUTS --calibrate $a=five.npy --calibrate $b=five.npy
prints '^calibrated +5 samples'
# shellcheck disable=SC2086
quench fails build "$model" -o x.qn $INPUTS --calibrate $a=five.npy --calibrate $b=four.npy
says "5 samples for input '$a', but 4 for input '$b'"
# shellcheck disable=SC2086
quench fails build "$model" -o x.qn $INPUTS --calibrate $a=five.npy
says "input '$b' is given no samples"
# shellcheck disable=SC2086
quench fails build "$model" -o x.qn $INPUTS --calibrate five.npy
says "the model has 2 inputs: write NAME=five.npy"

it "says how to give ranges where there are none"
quench fails build "$model" -o x.qn --precision qint8_mixed_float16
says "--calibrate DIR.*--ranges FILE.*--fixed-range"
quench ok build "$model" -o fixed.qn --precision qint8_mixed_float16 --fixed-range -6,6
prints '^ranges +all -6,6'

it "warns of ranges that were measured on another file"
sed 's/"hash": "[0-9a-f]*"/"hash": "0123456789abcdef"/' ranges.json >other.json
quench ok build "$model" -o again.qn --precision qint8_mixed_float16 --ranges other.json
says "another file: 'scenes(_dynamic)?' of [0-9]+ bytes, hash 0123456789abcdef; this is 'scenes"
quench ok build "$model" -o again.qn --precision qint8_mixed_float16 --ranges ranges.json
! grep -q "another file" .err || broken "its own ranges are called another's"

it "refuses ranges of another model, and files that hold none"
sed 's/^    "/    "other_/' ranges.json >other.json
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --ranges other.json
says "the ranges are those of another network"
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --ranges "$scenes/classes.txt"
says "classes.txt"
quench fails build "$model" -o x.qn --precision qint8_mixed_float16 --ranges none.json
says "none.json"

it "refuses what contradicts itself"
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --ranges ranges.json
quench misused build "$model" -o x.qn --precision qint8_mixed_float16 --fixed-range 1,1
quench misused build "$model" -o x.qn --save-ranges x.json
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --masks "$scenes/masks"
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --max-drop 0.1
says "--masks DIR"
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --min-agreement 99 --metric miou
quench misused build "$model" -o x.qn --precision qint8_mixed_float16 --ranges ranges.json --min-agreement 99
says "--contract DIR or --calibrate DIR"
quench fails build "$model" -o x.qn --calibrate "$pictures"
says "the precision is force_float32, which needs no calibration"
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --algorithm eqn
says "--algorithm: .*linear, eqnm, .*; did you mean 'eqnm'"
for samples in "--algorithm linear" "--limit 3" --skip-unreadable "--images $pictures"; do
    # shellcheck disable=SC2086
    quench misused build "$model" -o x.qn --precision qint8_mixed_float16 --ranges ranges.json $samples
    says "${samples%% *} means nothing without --calibrate"
done
quench misused build "$model" -o x.qn --precision int4
says "--precision: .*'int4' is not possible, allowed: .*qint8_mixed_float16.*in short fp32, fp16, int8, int16"
quench misused bench "$model" --precision int4
# shellcheck disable=SC2086
quench misused build "$model" -o x.qn $CALIBRATE --rounding -1
says "--rounding: .*expected an integer from 0 to 1000000, found -1"
quench fails build "$model" -o x.qn --rounding 5
says "the precision is force_float32: --rounding is of weights that become integers"
# shellcheck disable=SC2086
# shellcheck disable=SC2086
quench fails build "$model" -o list.txt $CALIBRATE --calibrate list.txt
says "would overwrite the input list.txt"
expect ! -e x.qn

it "builds source models in integers for other commands too"
quench ok segment "$model" "$pictures/scene_1.jpg" -o out2 --save indexed --precision qint8_mixed_float16 --calibrate "$pictures"
cmp out/scene_1.png out2/scene_1.png || broken "the labels differ"
quench ok inspect "$model" --precision qint8_mixed_float16 --ranges ranges.json
prints '^integer '
quench fails bench int8.qn --precision force_float16
says "int8.qn: is compiled already: --precision is for source models"

it "can be interrupted, and leaves no part of a file"
mkdir stopped many
for i in 1 2 3 4 5 6 7 8 9; do for s in 1 2 3 4 5 6 7 8; do cp "$pictures/scene_$s.jpg" "many/$i$s.jpg"; done; done
command="build --calibrate many, interrupted"
"$program" build "$model" -o stopped/x.qn --precision qint8_mixed_float16 --calibrate many --save-ranges stopped/r.json >.out 2>.err &
sleep 0.2
kill -TERM $! 2>/dev/null
wait $!
case $? in
1)
    says "cancelled"
    holds stopped ;;
0) holds stopped r.json x.qn ;;
143) holds stopped ;;
*) broken "expected exit status 0 or 1" ;;
esac

it "keeps contracts, and says how sure that is"
# shellcheck disable=SC2086
quench ok build "$model" -o kept.qn $CALIBRATE --rounding 0 --min-agreement 99.9 --report kept.json \
    --contract "$pictures/scene_2.jpg" --contract "$pictures/scene_4.jpg"
prints '^contract +kept: agreement [0-9.]+ %, at least [0-9.]+ % with 95 % confidence over 2 samples'
cp kept.json .out
kept=$(json integer.mac_share)
# shellcheck disable=SC2086
quench ok build "$model" -o kept.qn $CALIBRATE --max-drop 2 --masks "$scenes/masks" --confidence 90
prints '^contract +kept: mIoU 0\.[0-9]+, .* with 90 % confidence'
between "$kept" 0.1 0.9999
# shellcheck disable=SC2086
quench fails build "$model" -o none.qn $CALIBRATE --max-drop 1 --masks "$pictures"
says "there is no mask .png. for 8 of 8 pictures"
