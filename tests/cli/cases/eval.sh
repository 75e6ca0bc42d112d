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
