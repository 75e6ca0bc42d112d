# What cannot be written is found before the work: no model here exists, or is opened before.
mkdir folder empty
scene=$scenes/pictures/scene_1.jpg

it "refuses outputs that are folders, devices or in no folder before anything is read"
for bad in folder /dev/null nodir/x.json; do
    quench fails build none.pb -o "$bad"
    says "$bad: "
    quench fails build none.pb -o x.qn --report "$bad"
    says "$bad: "
    quench fails build none.pb --precision qint8_mixed_float16 --fixed-range 0,1 --save-ranges "$bad"
    says "$bad: "
    quench fails bench none.qn --json "$bad"
    says "$bad: "
    quench fails bench none.qn --trace "$bad"
    says "$bad: "
    quench fails inspect "$scenes/scenes.pb" --steps --json "$bad"
    says "$bad: "
    quench fails eval none.qn --images "$scenes/pictures" --masks "$scenes/masks" --json "$bad"
    says "$bad: "
    quench fails eval none.qn --inputs x.npy --labels y.npy --json "$bad"
    says "$bad: "
    quench fails compare none.qn other.qn --input x.npy --json "$bad"
    says "$bad: "
    quench fails segment none.qn "$scene" -o empty --json "$bad"
    says "$bad: "
    quench fails run none.qn --input x.npy -o empty --trace "$bad"
    says "$bad: "
    quench fails run none.qn --input x.npy -o empty --json "$bad"
    says "$bad: "
done
holds empty
holds folder

it "finds out what permissions do not tell"
if [ -d /proc/self ]; then
    quench fails build none.pb -o /proc/z.qn
    says "/proc/z.qn: cannot create a file there"
fi
if [ "$(id -u)" != 0 ]; then
    chmod 555 folder
    quench fails bench none.qn --json folder/x.json
    says "folder/x.json: cannot create a file there"
fi

it "refuses a label map's name that a folder has, and folders that take no files"
mkdir -p maps/scene_1.png
: >file
quench fails segment none.qn "$scene" -o maps
says "maps/scene_1.png: a folder is there"
quench fails segment none.qn "$scene" -o file/below
says "file/below: "
quench fails run none.qn --input x.npy -o file
says "file: "

it "makes a folder when there is something to put into it"
quench ok build "$scenes/scenes.pb" -o scenes.qn
quench fails segment none.qn "$scene" -o new
quench fails segment scenes.qn missing.jpg -o new
expect ! -e new
quench fails segment scenes.qn missing.jpg -o new --json new/x.json
holds new x.json
quench ok segment scenes.qn "$scene" -o new/deep/ --save gray --json new/deep/x.json
holds new/deep scene_1.gray.png x.json

it "keeps the permissions of what it replaces, and writes to where a link leads"
quench ok build "$scenes/scenes.pb" -o kept.qn
chmod 600 kept.qn
quench ok build "$scenes/scenes.pb" -o kept.qn
expect "$(stat -c %a kept.qn)" = 600
cmp -s kept.qn scenes.qn || broken "the build is another one"
mkdir store
ln -s store/real.qn link.qn
for mode in 644 600; do
    quench ok build "$scenes/scenes.pb" -o link.qn
    expect -L link.qn
    cmp -s store/real.qn scenes.qn || broken "the file behind the link is no build"
    chmod 600 store/real.qn
done
expect "$(stat -c %a store/real.qn)" = 600
holds store real.qn

it "sees through links that two outputs would write one file"
ln -s nothing.html first.html
ln -s ./nothing.html second.qn
quench fails build "$scenes/scenes.pb" -o second.qn --report first.html
says "would be written twice"
quench fails build "$scenes/scenes.pb" -o store/../both --report both
says "would be written twice"
ln -s circle circle
quench fails build "$scenes/scenes.pb" -o circle
says "circle: cannot create a file there: Too many levels"
