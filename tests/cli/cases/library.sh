# What the program says and what libquench-vision says to somebody else's program are the same, byte for byte: masks and
# colours of every way to fit, every way to decode, and the options that choose how the network runs.

# picture WIDTH HEIGHT: colours that change at different paces, as plain PPM.
picture() {
    awk -v w="$1" -v h="$2" 'BEGIN {
        print "P3", w, h, 255
        for (y = 0; y < h; y++) for (x = 0; x < w; x++)
            print int(255 * x / w), int(255 * y / h), (x * 37 + y * 101 + int(x * y / 7)) % 256
    }'
}
mkdir pictures
picture 5 3 >pictures/small.ppm
picture 1 90 >pictures/line.ppm
picture 57 41 >pictures/middle.ppm
picture 100 37 >pictures/wide.ppm
picture 61 230 >pictures/large.ppm

# alike MODEL "PROGRAM'S OPTIONS" SETTING...: of all pictures.
alike() {
    model=$1 given=$2
    shift 2
    # shellcheck disable=SC2086
    quench ok segment "$model" pictures -o results --save indexed,rgb $given -q
    "$label" "$model" results "$@" -- pictures/*.ppm >.out || broken "$model $given: the library's labels are others than the program's"
    rm -r results
}
every_fit() {
    alike "$1" ""
    for fit in shrink longest stretch tile; do alike "$1" "--fit $fit" fit=$fit; done
}
every_smooth_fit() {
    alike "$1" "--smooth" smooth=1
    for fit in shrink longest stretch tile; do alike "$1" "--smooth --fit $fit" smooth=1 fit=$fit; done
}

quench ok build "$scenes/scenes.pb" -o scenes.qn
echo '{"image": {"scale": 0.003921569}}' >plain.json
make mask one.pb sigmoid squeeze
make mask pair.pb pair planes

it "labels alike by classes that the network chooses"
every_fit scenes.qn

it "labels alike by the greatest score, with scores that are fewer than pixels, and padding"
cat >logits.json <<'END'
{"graph_shape_mutable": false,
 "image": {"decode": {"logits": 3}, "mean": [127.5], "std": 127.5, "pad_value": 128, "fit": "tile",
           "classes": ["background", "disc", "square", "triangle", "star", "ring", "cross", "striped", "checkered"],
           "palette": [[0,0,0],[200,10,20],[1,1,1],[2,2,2],[3,3,3],[4,4,4],[5,5,5],[6,6,6],[7,7,7]]}}
END
quench ok build "$scenes/scenes.pb" -o logits.qn --input sub_7=1,161,161,3 --output logits/semantic/BiasAdd --config logits.json
every_fit logits.qn
every_smooth_fit logits.qn

it "labels alike by scores in planes, in a range that has both ends"
quench ok build pair.pb -o pair.qn --config plain.json --range 1,24,24,3:1,48,64,3
every_fit pair.qn
every_smooth_fit pair.qn

it "labels alike by one score and a threshold, at one size and at any"
quench ok build one.pb -o one.qn --config plain.json --input x=1,40,56,3
every_fit one.qn
every_smooth_fit one.qn
quench ok build one.pb -o any.qn --config plain.json
every_fit any.qn

it "labels alike on other CPU paths, threads and palettes, and from memory"
alike scenes.qn "--threads 1 --cpu generic" threads=1 cpu=generic
alike scenes.qn "--threads 3 --palette cityscapes" threads=3 palette=cityscapes
alike scenes.qn "--palette $scenes/palette.txt" "palette=$scenes/palette.txt" memory=1

it "tells masks that are not alike"
quench ok segment scenes.qn pictures -o results --save indexed,rgb --fit tile -q
! "$label" scenes.qn results fit=stretch -- pictures/*.ppm >.out || broken "other labels are taken for the same"
prints '^label: results/.*png: byte [0-9]+ is [0-9]+, the library gives [0-9]+$'

it "refuses alike what gives no labels"
quench fails segment scenes.qn pictures -o none --smooth
! "$label" scenes.qn results smooth=1 -- pictures/*.ppm >.out || broken "labels are made smooth"
prints '^label: scenes.qn: is_smooth needs scores'
quench fails segment scenes.qn pictures -o none --palette nothing.txt
! "$label" scenes.qn results palette=nothing.txt -- pictures/*.ppm >.out || broken "a palette that is none is taken"
prints 'nothing.txt'
