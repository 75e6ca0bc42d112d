# Scores over the bundled pictures.
quench ok build "$scenes/scenes.pb" -o scenes.qn
data="--images $scenes/pictures --masks $scenes/masks"

it "scores the bundled model as it deserves"
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --palette "$scenes/palette.txt" --json -
expect "$(json images)" = 8
between "$(json miou)" 0.85 1
between "$(json pixel_accuracy)" 0.93 1
between "$(json iou.star)" 0.7 1
expect "$(json iou.#)" = 9

it "agrees with itself, and less with another"
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --against scenes.qn --json eval.json
prints '^mIoU +0\.[0-9]+'
prints '^agreement +1\.0'
cp eval.json .out
expect "$(json agreement)" = 1.0
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --against "$scenes/scenes_dynamic.pb" --json -
between "$(json agreement)" 0.8 0.9999

it "takes lists as data sets have them"
printf 'scene_1\r\n\r\n  scene_3.jpg \n\nscene_8' >list.txt
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --list list.txt --json -
expect "$(json images)" = 3

it "scores a mask against itself with 1, and leaves 255 out"
mkdir photos masks
cp "$scenes/pictures/scene_1.jpg" photos/x.jpg
quench ok segment scenes.qn photos/x.jpg -o masks --save indexed
quench ok eval scenes.qn --images photos --masks masks --json -
expect "$(json miou)" = 1.0
{ printf 'P5 5 4 255\n'; head -c 20 /dev/zero | tr '\0' '\377'; } >masks/x.pgm
{ printf 'P5 5 4 255\n'; head -c 20 /dev/zero; } >photos/y.pgm
quench ok segment scenes.qn masks/x.pgm -o ignored --save gray
quench fails eval scenes.qn --images photos --masks masks
says "masks: 1 of 2 masks .png. are missing there: photos/y.pgm"

it "reports everything that is missing before it runs"
printf 'scene_1\nscene_20\nscene_30\n' >list.txt
# shellcheck disable=SC2086
quench fails eval scenes.qn $data --list list.txt
says "2 of 3 pictures .* are missing there: scene_20, scene_30"
printf '\n\r\n' >list.txt
# shellcheck disable=SC2086
quench fails eval scenes.qn $data --list list.txt
says "list.txt: the list names no picture"
# shellcheck disable=SC2086
quench fails eval scenes.qn $data --list none.txt
says "none.txt"

it "refuses masks that hold no labels, or labels that are no class"
cp "$scenes/pictures/scene_1.jpg" masks/x.png
rm photos/y.pgm
quench fails eval scenes.qn --images photos --masks masks
says "masks/x.png"
# shellcheck disable=SC2086
quench fails eval scenes.qn $data --classes 3
says "scene_1"

it "says how sure the difference to another model is"
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --against "$scenes/scenes_dynamic.pb" --json -
miou=$(json miou) against=$(json against_miou)
between "$(json miou_difference.value)" "$(awk "BEGIN { print $miou - $against - 1e-6 }")" "$(awk "BEGIN { print $miou - $against + 1e-6 }")"
between "$(json miou_difference.low)" -1 "$(json miou_difference.value)"
between "$(json miou_difference.high)" "$(json miou_difference.value)" 1
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --against scenes.qn
prints '^mIoU against it +\+0\.0000, 95 % sure between \+0\.0000 and \+0\.0000$'

printf 'scene_1\n' >one.txt
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --list one.txt --against "$scenes/scenes_dynamic.pb" --json one.json
prints '^mIoU against it +[-+]0\.[0-9]{4}, on one picture, which does not tell how sure that is$'
cp one.json .out
expect "$(json miou_difference.low)" = null
expect "$(json miou_difference.high)" = null

it "scores arrays against labels, and against another model"
refs=$scenes/refs
quench ok build "$scenes/scenes_dynamic.pb" -o dynamic.qn
quench ok eval dynamic.qn --inputs "$refs/06_4x31x97.ImageTensor.npy" --labels "$refs/06_4x31x97.SemanticPredictions.npy" \
    --against "$scenes/scenes_dynamic.pb" --json -
between "$(json accuracy)" 0.999 1
expect "$(json samples)" = 4
expect "$(json agreement)" = 1.0
quench ok eval scenes.qn --inputs "ImageTensor=$refs/06_4x31x97.ImageTensor.npy" --labels "$refs/06_4x31x97.SemanticPredictions.npy"
prints '^right +[01]\.[0-9]+ of 12028 labels$'
prints '^samples +4$'
prints '^mIoU +[01]\.[0-9]+$'
quench ok eval scenes.qn --inputs "$refs/06_4x31x97.ImageTensor.npy" --labels "$refs/06_4x31x97.SemanticPredictions.npy" \
    --against dynamic.qn --json -
between "$(json miou)" 0.1 1
between "$(json miou_difference.low)" -1 "$(json miou_difference.value)"
between "$(json miou_difference.high)" "$(json miou_difference.value)" 1
quench ok eval dynamic.qn --inputs "$refs/06_4x31x97.ImageTensor.npy" --labels "$refs/06_4x31x97.SemanticPredictions.npy" --json -
between "$(json miou)" 0.99 1
quench fails eval scenes.qn --inputs "$refs/06_4x31x97.ImageTensor.npy" --labels "$refs/06_4x31x97.SemanticPredictions.npy" --classes 2
says "expected"
quench ok build "$scenes/scenes.pb" -o logits.qn --output logits/semantic/BiasAdd
npy labels.npy '<i8' "1, 21, 21" 3528
quench ok eval logits.qn --inputs "$refs/00_1x7x5.ImageTensor.npy" --labels labels.npy --json -
between "$(json accuracy)" 0 1
quench fails eval scenes.qn --inputs "$refs/00_1x7x5.ImageTensor.npy" --labels labels.npy
says "labels.npy: 441 labels, but the samples have 35"
quench fails eval scenes.qn --inputs "$refs/06_4x31x97.ImageTensor.npy" --labels labels.npy
says "labels.npy: 441 labels are fewer than the samples have: expected 12028, if .* sample 1 of 4"
quench fails eval scenes.qn --inputs none.npy --labels labels.npy
says "none.npy"
quench misused eval scenes.qn --inputs x.npy
quench misused eval scenes.qn --inputs x.npy --labels y.npy --images "$scenes/pictures"
quench misused eval scenes.qn --images "$scenes/pictures" --masks "$scenes/masks" --labels y.npy

it "refuses labels that are no whole numbers, or no classes"
# label DTYPE BYTES BYTES_OF_ALL: the 18th label of sample 1 is of these bytes (octal), the others are 0
label() {
    npy strange.npy "$1" "35," "$3"
    printf "$2" | dd of=strange.npy bs=1 seek=$((128 + 17 * $3 / 35)) conv=notrunc 2>/dev/null
}
array=$refs/00_1x7x5.ImageTensor.npy
label '<f4' '\000\000\000\077' 140
quench fails eval scenes.qn --inputs "$array" --labels strange.npy
says "strange.npy: label 18 of sample 1: expected a whole number below 9, or 255 where it is not judged, found 0.5"
label '<f4' '\000\000\300\177' 140
quench fails eval scenes.qn --inputs "$array" --labels strange.npy
says "label 18 of sample 1: .*, found nan"
label '|u1' '\211' 35
quench fails eval scenes.qn --inputs "$array" --labels strange.npy
says "label 18 of sample 1: .*, found 137"
label '|u1' '\377' 35
quench ok eval scenes.qn --inputs "$array" --labels strange.npy
prints '^right .* of 34 labels$'
label '<f4' '\000\000\200\277' 140
quench ok eval scenes.qn --inputs "$array" --labels strange.npy
prints '^right .* of 34 labels$'

it "scores label maps that were saved before, as numbers and as colours, without a model"
# shellcheck disable=SC2086
quench ok eval scenes.qn $data --json -
miou=$(json miou)
for kind in indexed gray rgb indexed,overlay; do
    quench ok segment scenes.qn "$scenes/pictures" -o "saved_$kind" --save $kind --palette "$scenes/palette.txt"
    quench ok eval --saved "saved_$kind" --masks "$scenes/masks" --palette "$scenes/palette.txt" --json -
    expect "$(json miou)" = "$miou"
    expect "$(json images)" = 8
    between "$(json iou.star)" 0.7 1
done
printf 'scene_2\n' >one.txt
quench ok eval --saved saved_rgb --masks "$scenes/masks" --palette "$scenes/palette.txt" --list one.txt
prints '^pictures +1$'

it "reads saved maps under the limits of pictures"
quench fails eval --saved saved_rgb --masks "$scenes/masks" --palette "$scenes/palette.txt" --picture-limits pixels=100
says '--picture-limits pixels=N raises the limit'

it "says whose colours saved maps do not have"
quench fails eval --saved saved_rgb --masks "$scenes/masks"
says 'saved_rgb/scene_1.*: colour [0-9]+ [0-9]+ [0-9]+ at column [0-9]+, row [0-9]+ is no class.s in the palette'
quench fails eval --saved "$scenes/pictures" --masks "$scenes/masks" --palette "$scenes/palette.txt"
says 'label maps are saved as PNG'
quench misused eval --masks "$scenes/masks"
says 'MODEL is missing; --saved DIR scores label maps'
quench misused eval scenes.qn --saved saved_rgb --masks "$scenes/masks"
says '^quench: error: --saved and MODEL exclude each other'
quench misused eval --saved saved_rgb --masks "$scenes/masks" --smooth
says 'saved and --smooth exclude each other'
quench misused eval --saved saved_rgb
says 'masks DIR is missing'
mkdir overlays
quench ok segment scenes.qn "$scenes/pictures/scene_1.jpg" -o overlays --save overlay
quench fails eval --saved overlays --masks "$scenes/masks" --palette "$scenes/palette.txt"
says 'there is no label map but overlays'

it "tells what smooth edges gain: scores are brought to the mask's size rather than labels"
quench ok build "$scenes/scenes.pb" -o scores.qn --output logits/semantic/BiasAdd -q
for fit in shrink tile; do
    # shellcheck disable=SC2086
    quench ok eval scores.qn $data --fit $fit --smooth --against scores.qn --json -
    case $fit in
    shrink) between "$(json agreement)" 0.9 0.9999 ;;
    tile) expect "$(json agreement)" = 1.0 ;; # tiles of the picture's own size have nothing to enlarge
    esac
done
# Masks of another size than their pictures, so that what tiles give is brought to it, too.
mkdir large halves
cp "$scenes/pictures/scene_7.jpg" large
{ printf 'P5 160 120 255\n'; head -c 19200 /dev/zero; } >halves/scene_7.pgm
quench ok segment scores.qn halves/scene_7.pgm -o halves --save gray -q
mv halves/scene_7.gray.png halves/scene_7.png
quench ok eval scores.qn --images large --masks halves --fit tile --smooth --against scores.qn --json -
between "$(json agreement)" 0.9 0.9999
quench fails eval scenes.qn --images large --masks halves --smooth
says "scenes.qn: --smooth needs scores"
quench misused eval scores.qn --inputs x.npy --against scenes.qn --smooth
