# Pictures in, label maps out. Sizes come from the files' headers, so that nothing of quench judges itself.
quench ok build "$scenes/scenes.pb" -o scenes.qn
pictures=$scenes/pictures

# Width, height and kind of a PNG: 2 is RGB, 3 indexed, 0 gray.
png_kind() { od -An -tu1 -j16 -N10 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8, $10 }'; }

it "writes an indexed label map and an overlay at the picture's own size"
quench ok segment scenes.qn "$pictures/scene_1.jpg" "$pictures/scene_7.jpg" -o out/new
says "2? thread"
prints 'scene_1.jpg: 161x161, [0-9.]+ ms:'
prints 'scene_7.jpg: 320x240, [0-9.]+ ms at 161x121:'
holds out/new scene_1.png scene_1.overlay.png scene_7.png scene_7.overlay.png
expect "$(png_kind out/new/scene_1.png)" = "161x161 3"
expect "$(png_kind out/new/scene_7.png)" = "320x240 3"
expect "$(png_kind out/new/scene_7.overlay.png)" = "320x240 2"

it "takes a folder, and saves what is asked for"
quench ok segment scenes.qn "$pictures" -o all --save rgb --save gray,overlay --legend --palette "$scenes/palette.txt" -q
expect "$(ls all | wc -l)" = 32
expect "$(png_kind all/scene_8.rgb.png)" = "241x321 2"
expect "$(png_kind all/scene_8.gray.png)" = "241x321 0"
prints 'background [0-9.]+ %'
expect ! -s .err

it "warns where it is quiet, too"
echo 'background 0 0 0' >short.txt
quench ok segment scenes.qn "$pictures/scene_1.jpg" -o quiet --palette short.txt -q
says '^quench: warning: palette short.txt names 1 classes, the model has 9$'
expect "$(wc -l <.err)" = 1

it "gives figures as JSON, and nothing else on standard output"
quench ok segment scenes.qn "$pictures/scene_2.jpg" -o json --palette "$scenes/palette.txt" --json -
expect "$(json images.0.width)x$(json images.0.height)" = 121x161
expect "$(json images.0.classes.0.name)" = background
expect "$(json images.0.outputs.0)" = json/scene_2.png
between "$(json images.0.ms)" 0 100000
pixels=0 i=0
while [ $i -lt "$(json images.0.classes.#)" ]; do
    pixels=$((pixels + $(json images.0.classes.$i.pixels)))
    i=$((i + 1))
done
expect $pixels = $((121 * 161))

it "gives the same labels on every CPU path and number of threads"
quench ok segment scenes.qn "$pictures/scene_3.jpg" -o one --threads 1 --cpu generic
quench ok segment scenes.qn "$pictures/scene_3.jpg" -o two --threads 3
cmp one/scene_3.png two/scene_3.png || broken "the labels differ"

it "builds a source model in memory, and gives the same"
quench ok segment "$scenes/scenes.pb" "$pictures/scene_3.jpg" -o source
says "built in memory"
cmp one/scene_3.png source/scene_3.png || broken "the labels differ"

it "fits larger pictures in four ways"
for fit in shrink longest stretch tile; do
    quench ok segment scenes.qn "$pictures/scene_7.jpg" -o fit_$fit --fit $fit
    expect "$(png_kind fit_$fit/scene_7.png)" = "320x240 3"
done
prints 'in 6 tiles of 161x161'
quench ok segment scenes.qn "$pictures/scene_4.jpg" -o longest --fit longest
prints 'at 161x121'

it "runs a model without bounds at the picture's size"
quench ok segment "$scenes/scenes_dynamic.pb" "$pictures/scene_8.jpg" -o dynamic
prints 'scene_8.jpg: 241x321, [0-9.]+ ms:'

it "takes PPM and PGM, and names without an ending"
{ printf 'P6 4 3 255\n'; head -c 36 /dev/zero; } >small.ppm
cp small.ppm bare
{ printf 'P5 4 3 255\n'; head -c 12 /dev/zero; } >gray.PGM
quench ok segment scenes.qn small.ppm bare gray.PGM -o pnm --save indexed
holds pnm bare.png gray.png small.png
expect "$(png_kind pnm/small.png)" = "4x3 3"

it "reports a picture that cannot be read, does the others, and fails"
: >zero.jpg
head -c 3000 "$pictures/scene_1.jpg" >cut.jpg
echo "no picture" >text.png
printf 'P6 0 0 255\n' >size.ppm
ln -s nowhere dangling.png
quench fails segment scenes.qn zero.jpg cut.jpg text.png size.ppm dangling.png missing.jpg small.ppm -o some --save indexed
for name in zero.jpg cut.jpg text.png size.ppm dangling.png missing.jpg; do says "^quench: error: $name: "; done
says "6 of 7 pictures failed"
prints '^small.ppm: 4x3'
holds some small.png
quench fails segment scenes.qn zero.jpg small.ppm -o some --json -
expect "$(json failed)" = 1
expect "$(json images.#)" = 2

it "refuses to overwrite a picture, by whatever name, before anything runs"
mkdir photos
quench ok segment scenes.qn small.ppm -o photos --save rgb
mv photos/small.rgb.png photos/small.png
cp photos/small.png kept.png
quench fails segment scenes.qn photos/small.png -o photos
says "would overwrite the input photos/small.png"
ln -s photos link
quench fails segment scenes.qn photos -o ./link/../photos
ln photos/small.png other.png
quench fails segment scenes.qn other.png "$pictures" -o none --json photos/small.png
says "photos/small.png: writing it .for --json. would overwrite the input other.png"
expect ! -e none
quench fails segment missing.qn photos/small.png -o photos
says "would overwrite"
cmp photos/small.png kept.png || broken "the picture has changed"
holds photos small.png

it "refuses two pictures that would share an output, before anything runs"
mkdir a b
cp small.ppm a/x.ppm
cp small.ppm b/x.pnm
cp small.ppm b/x.overlay.ppm
quench fails segment scenes.qn a/x.ppm b/x.pnm -o shared
says "shared/x.*png: would be written twice, for [ab]/x.p.m and for [ab]/x.p.m"
quench fails segment scenes.qn a/x.ppm a/x.ppm -o shared
quench fails segment scenes.qn a/x.ppm b/x.overlay.ppm -o shared
says "shared/x.overlay.png: would be written twice"
expect ! -e shared

it "refuses a folder without pictures"
mkdir nothing
quench fails segment scenes.qn nothing -o shared
says "nothing: there is no picture in this folder"

it "refuses an output folder that it cannot write to"
: >file
quench fails segment scenes.qn small.ppm -o file
quench fails segment scenes.qn small.ppm -o file/below
says "file"
if [ "$(id -u)" != 0 ]; then
    mkdir locked
    chmod 555 locked
    quench fails segment scenes.qn small.ppm -o locked
    says "locked"
fi

it "stops at a full disk, and leaves nothing half-written"
mkdir full
command="segment with files of at most 1 KiB"
(trap '' XFSZ; ulimit -f 1; exec "$program" segment scenes.qn "$pictures" -o full) >.out 2>.err
expect $? = 1
says "full/scene_1.*cannot write"
expect "$(grep -c '^quench: error' .err)" = 1
expect -z "$(ls -A full | grep -v '^scene_1.png$')"

it "takes bytes that lead to scores as classes"
quench ok build "$scenes/scenes.pb" -o logits.qn --output logits/semantic/BiasAdd
quench ok segment logits.qn "$pictures/scene_1.jpg" -o scores --save gray
quench ok segment scenes.qn "$pictures/scene_1.jpg" -o scores/labels --save gray
cmp scores/scene_1.gray.png scores/labels/scene_1.gray.png || broken "the labels differ"

it "refuses palettes that are none"
quench fails segment scenes.qn small.ppm -o shared --palette citscapes
says "cityscapes"
printf 'sky 1 2 3\nsea 1 2 300\n' >bad.txt
quench fails segment scenes.qn small.ppm -o shared --palette bad.txt
says "bad.txt"

it "says what a model lacks that does not segment"
make mask floats.pb sigmoid
quench ok build floats.pb -o floats.qn
quench fails segment floats.qn small.ppm -o shared
says "floats.qn: .*no image block.*configuration can give it, as ..image.: .*quench build --config FILE.*quench run"
expect ! -e shared

it "runs pictures at the size that the source declares, and at their own where that is asked for"
# The bundled model with a size that its source declares, and that the graph does not need.
quench ok build "$scenes/scenes.pb" -o declared.qn --input ImageTensor=1,97,129,3
picture=$(ls "$scenes"/pictures/*.jpg | head -n 1)
quench ok segment declared.qn "$picture" -o declared --json -
expect "$(json images.0.net_height)" = 97
expect "$(json images.0.net_width)" = 129

it "enlarges scores rather than labels where smooth edges are asked for"
quench ok build "$scenes/scenes.pb" -o scores.qn --output logits/semantic/BiasAdd -q
quench ok segment scores.qn "$pictures/scene_7.jpg" -o plain --save gray -q
quench ok segment scores.qn "$pictures/scene_7.jpg" -o smooth --save gray --smooth -q
expect "$(png_kind smooth/scene_7.gray.png)" = "320x240 0"
! cmp -s plain/scene_7.gray.png smooth/scene_7.gray.png || broken "--smooth changes no edge"
quench fails segment scenes.qn "$pictures/scene_7.jpg" -o no --smooth
says "scenes.qn: --smooth needs scores, but output 'SemanticPredictions' holds labels: build the model with the scores before them.*--output NAME"
expect ! -e no
