# Networks that end in one score for each pixel: two classes, however they end and whatever they are built as. The score
# is the sum of red, green and blue from 0 to 1, less 1.5: what is bright is the foreground.
{ printf 'P6 64 48 255\n'; i=0; while [ $i -lt 3072 ]; do
    if [ $((i % 64)) -lt 16 ]; then printf '\310\322\334'; else printf '\012\036\024'; fi
    i=$((i + 1))
done; } >photo.ppm
mkdir photos truth
cp photo.ppm photos/one.ppm
cp photo.ppm photos/two.ppm
echo '{"image": {"scale": 0.003921569}}' >plain.json

# A quarter of the picture is bright.
parts() {
    expect "$(json images.0.classes.#)" = 2
    expect "$(json images.0.classes.0.class)$(json images.0.classes.1.class)" = 01
    expect "$(json images.0.classes.0.pixels)" = 2304
    expect "$(json images.0.classes.1.pixels)" = 768
}

it "tells two classes apart by one score, and says how"
for ends in sigmoid "sigmoid squeeze" "sigmoid planes" "sigmoid resize" "resize sigmoid squeeze" squeeze planes resize; do
    # shellcheck disable=SC2086
    make mask mask.pb $ends
    quench ok build mask.pb -o mask.qn --config plain.json
    quench ok segment mask.qn photo.ppm -o out --json -
    parts
    quench ok inspect mask.qn
    case $ends in
    *sigmoid*) prints "^image .*'y' gives 2 classes: 1 where it is above 0.5, else 0 .the network ends in numbers from 0 to 1" ;;
    *) prints "^image .*'y' gives 2 classes: 1 where it is above 0, else 0 .scores without bounds" ;;
    esac
done
for ends in pair "pair softmax" "pair planes" "pair softmax resize"; do
    # shellcheck disable=SC2086
    make mask mask.pb $ends
    quench ok build mask.pb -o mask.qn --config plain.json
    quench ok segment mask.qn photo.ppm -o out --json -
    parts
done

it "does so in every precision"
for ends in sigmoid squeeze "sigmoid planes"; do
    # shellcheck disable=SC2086
    make mask mask.pb $ends
    for mode in force_float16 qint8_mixed_float32 qint16_mixed_float16; do
        quench ok build mask.pb -o mask.qn --config plain.json --precision $mode $(case $mode in q*) echo --calibrate photos ;; esac)
        quench ok segment mask.qn photo.ppm -o out --json -
        parts
    done
done

it "keeps contracts on what the masks say"
make mask mask.pb sigmoid squeeze
quench ok segment mask.pb photos -o truth --config plain.json --save indexed
quench ok build mask.pb -o kept.qn --config plain.json --precision qint8_mixed_float32 --calibrate photos --min-agreement 99
prints '^contract +kept'
quench ok build mask.pb -o kept.qn --config plain.json --precision qint8_mixed_float32 --calibrate photos --max-drop 1 --masks truth
prints '^contract +kept'
quench ok eval kept.qn --images photos --masks truth --json -
between "$(json miou)" 1 1
between "$(json 'iou.class 1')" 1 1

it "judges arrays by the same classes"
make array x.npy 1,2,2,3 ".9 .9 .9 .1 .1 .1"
quench ok build mask.pb -o mask.qn --config plain.json
npy labels.npy '|u1' '1, 2, 2' 0
printf '\001\000\001\000' >>labels.npy
quench ok eval mask.qn --inputs x.npy --labels labels.npy --json -
between "$(json accuracy)" 1 1
make mask mask.pb sigmoid
quench ok build mask.pb -o none.qn
quench fails eval none.qn --inputs x.npy --labels labels.npy
says 'none.qn: its first output has one score .*image block'

it "takes another threshold, and refuses what is no mask"
echo '{"image": {"scale": 0.003921569, "decode": {"foreground": 0.99}}}' >high.json
quench ok build mask.pb -o mask.qn --config high.json
quench ok inspect mask.qn
prints "'y' gives 2 classes: 1 where it is above 0.99, else 0 .the configuration says so"
quench ok segment mask.qn photo.ppm -o out --json -
expect "$(json images.0.classes.#)" = 1
echo '{"image": {"scale": 0.003921569, "decode": "labels"}}' >labels.json
quench ok build mask.pb -o mask.qn --config labels.json
quench fails segment mask.qn photo.ppm -o out
says 'photo.ppm: label 0.*is no whole number.*image.decode .foreground'
