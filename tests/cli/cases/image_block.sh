# Models whose way with pictures is configured. The bundled model is cut behind its own preprocessing and before its own
# labels, so that the program does both.
data="--images $scenes/pictures --masks $scenes/masks"
quench ok build "$scenes/scenes.pb" -o scenes.qn

it "normalises pixels, pads small pictures and labels by the best score"
cat >logits.json <<'END'
{"graph_shape_mutable": false,
 "image": {"decode": {"logits": 3}, "mean": [127.5], "std": 127.5, "pad_value": 128,
           "classes": ["background", "disc", "square", "triangle", "star", "ring", "cross", "striped", "checkered"],
           "palette": [[0,0,0],[200,10,20],[1,1,1],[2,2,2],[3,3,3],[4,4,4],[5,5,5],[6,6,6],[7,7,7]]}}
END
quench ok build "$scenes/scenes.pb" -o logits.qn --input sub_7=1,161,161,3 --output logits/semantic/BiasAdd --config logits.json
# shellcheck disable=SC2086
quench ok eval logits.qn $data --against scenes.qn --json -
between "$(json miou)" 0.9 1
between "$(json agreement)" 0.999 1
between "$(json iou.checkered)" 0.8 1

it "takes names and colours from the file"
quench ok segment logits.qn "$scenes/pictures/scene_3.jpg" -o out --save rgb,indexed
prints 'disc [0-9.]+ %'
# The palette's second entry: PLTE begins behind the signature and IHDR.
expect "$(od -An -tu1 -j44 -N3 out/scene_3.png | tr -s ' ')" = " 200 10 20"
quench ok segment logits.qn "$scenes/pictures/scene_3.jpg" -o out --palette "$scenes/palette.txt"
expect "$(od -An -tu1 -j44 -N3 out/scene_3.png | tr -s ' ')" != " 200 10 20"

it "fits as the file says unless told otherwise"
sed 's/"image": {/&"fit": "tile", /' logits.json >tile.json
quench ok build "$scenes/scenes.pb" -o tile.qn --input sub_7=1,161,161,3 --output logits/semantic/BiasAdd --config tile.json
quench ok segment tile.qn "$scenes/pictures/scene_7.jpg" -o out
prints 'in 6 tiles of 161x161'
quench ok segment tile.qn "$scenes/pictures/scene_7.jpg" -o out --fit shrink
prints 'at 161x121'

it "knows blue before red"
sed 's/"image": {/&"color": "BGR", /' logits.json >bgr.json
quench ok build "$scenes/scenes.pb" -o bgr.qn --input sub_7=1,161,161,3 --output logits/semantic/BiasAdd --config bgr.json
# The same picture with red and blue exchanged, as binary PPM: three bytes a pixel in the other order.
{ printf 'P6 64 48 255\n'; i=0; while [ $i -lt 3072 ]; do printf '\372\144\012'; i=$((i + 1)); done; } >rgb.ppm
{ printf 'P6 64 48 255\n'; i=0; while [ $i -lt 3072 ]; do printf '\012\144\372'; i=$((i + 1)); done; } >bgr.ppm
quench ok segment logits.qn rgb.ppm -o a --save gray
quench ok segment bgr.qn bgr.ppm -o b --save gray
cmp a/rgb.gray.png b/bgr.gray.png || broken "the labels differ"

it "shows the block"
quench ok inspect logits.qn --json -
expect "$(json meta.image.decode)" = logits
expect "$(json meta.image.axis)" = 3

it "refuses a block that does not fit the model"
echo '{"image": {"input": "ImageTenso"}}' >wrong.json
quench fails build "$scenes/scenes.pb" -o wrong.qn --config wrong.json
says "image.input.*ImageTensor"
echo '{"image": {"mean": 3}}' >wrong.json
quench fails build "$scenes/scenes.pb" -o wrong.qn --config wrong.json
says "image.mean"
expect ! -e wrong.qn

it "calibrates a classifier on pictures, and does not segment with it"
# x [1, 8, 8, 3] -> Conv2D of four channels -> Relu -> Mean: scores [1, 4].
base64 -d >classifier.pb <<'END'
CjoKAXgSC1BsYWNlaG9sZGVyKgsKBWR0eXBlEgIwASobCgVzaGFwZRISOhASAggBEgIICBICCAgSAggDCmoKAWsSBUNvbnN0KgsKBWR0eXBlEgIwASpRCgV2
YWx1ZRJIQkYIARIQEgIIARICCAESAggDEgIIBCIwSOE6v9ejMD8Urgc/SOH6vgrXI7zNzMy9mpmZPuF6FD8pXE+/16Nwvx+FKz+4HgW+CkMKAWMSBkNvbnYy
RBoBeBoBayoHCgFUEgIwASoTCgdzdHJpZGVzEggKBhoEAQEBASoSCgdwYWRkaW5nEgcSBVZBTElEChUKAXISBFJlbHUaAWMqBwoBVBICMAEKOQoEYXhlcxIF
Q29uc3QqCwoFZHR5cGUSAjADKh0KBXZhbHVlEhRCEggDEgQSAggCIggBAAAAAgAAAAo9CgZzY29yZXMSBE1lYW4aAXIaBGF4ZXMqBwoBVBICMAEqCgoEVGlk
eBICMAMqDwoJa2VlcF9kaW1zEgIoAA==
END
cat >classifier.json <<'END'
{"image": {"mean": 127.5, "std": 127.5, "fit": "stretch"}, "custom_nodes": {"conv2d": {"precision": "int8"}}}
END
quench ok build classifier.pb -o classifier.qn --precision qint8_mixed_float32 --config classifier.json --calibrate "$scenes/pictures"
prints '^calibrated +8 samples'
quench ok inspect classifier.qn
prints "^image +pictures go into 'x', 'scores' gives scores of 4 classes"
quench ok build classifier.pb -o kept.qn --precision qint8_mixed_float32 --config classifier.json --calibrate "$scenes/pictures" \
    --min-agreement 50 --report report.html
for tried in "segment classifier.qn $scenes/pictures/scene_1.jpg -o none" "eval classifier.qn $data"; do
    # shellcheck disable=SC2086
    quench fails $tried
    says "classifier.qn: it classifies: output 'scores' holds scores of the whole picture"
done
quench fails build classifier.pb -o none.qn --precision qint8_mixed_float32 --config classifier.json --calibrate "$scenes/pictures" \
    --max-drop 1 --masks "$scenes/masks"
says "it classifies"

it "reads no file that a compiled one names"
cp "$scenes/palette.txt" names.txt
for key in palette classes; do
    make meta named.qn "{\"image\": {\"input\": \"x\", \"output\": \"y\", \"color\": \"GRAY\", \"decode\": \"logits\", \"$key\": \"names.txt\"}}"
    quench fails segment named.qn "$scenes/pictures/scene_1.jpg" -o named
    says "image block has $key 'names.txt', expected voc, ade20k, cityscapes or a list"
    quench fails verify named.qn
    says "named.qn: meta: image.$key: expected voc, ade20k, cityscapes or an array"
done
