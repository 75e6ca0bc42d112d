# Folders of pictures as they are found: with kinds that are not read, with results of earlier runs, with pictures that fail.
quench ok build "$scenes/scenes.pb" -o scenes.qn
picture=$scenes/pictures/scene_2.jpg

it "says which pictures of a folder it leaves out"
mkdir mixed
cp "$picture" mixed/a.jpg
cp "$picture" mixed/b.JFIF
printf 'RIFF\020\000\000\000WEBPVP8 ' >mixed/c.webp
printf 'GIF89a' >mixed/d.gif
printf '\000\000\000\030ftypheic\000' >mixed/e.heic
printf 'II*\000' >mixed/f
: >mixed/g.bmp
cp "$picture" mixed/h.backup
echo 'not a picture' >mixed/notes.txt
echo '{}' >mixed/BMW.json
quench ok segment scenes.qn mixed -o out -q
says '^quench: warning: mixed: left out 6 pictures: c.webp .WebP., d.gif .GIF., e.heic .HEIC., f .TIFF., g.bmp .bmp. and 1 more'
holds out a.png a.overlay.png b.png b.overlay.png
quench ok compare scenes.qn scenes.qn --image mixed
says 'left out 6 pictures'
rm mixed/a.jpg mixed/b.JFIF
quench fails segment scenes.qn mixed -o out
says 'mixed: there is no picture in this folder .* but those that are left out'

it "says of a file what it is"
quench fails segment scenes.qn mixed/c.webp -o out
says 'mixed/c.webp: .*this is a WebP picture; convert it'
quench fails segment scenes.qn mixed/e.heic -o out
says 'mixed/e.heic: .*this is a HEIC picture'

it "does not take its own results for pictures"
mkdir photos
cp "$picture" photos/a.jpg
cp "$scenes/masks/scene_2.png" photos/other.png
quench fails segment scenes.qn photos -o photos
says 'photos/other.png: writing it .* would overwrite the input photos/other.png'
rm photos/other.png
quench ok segment scenes.qn photos -o photos --save indexed,rgb,gray,overlay --legend
cp -r photos once
quench ok segment scenes.qn photos -o photos --save indexed,rgb,gray,overlay --legend
says '^quench: photos: left out 5 results of .quench segment.: a.gray.png, a.legend.png, a.overlay.png, a.png, a.rgb.png$'
diff -r once photos || broken "the second run gave something else"
quench ok segment scenes.qn photos -o elsewhere
holds elsewhere a.png a.overlay.png
mv photos/a.overlay.png photos/by_another_name.png
quench ok segment scenes.qn photos -o again
holds again a.png a.overlay.png
quench ok segment scenes.qn photos/by_another_name.png -o named
holds named by_another_name.png by_another_name.overlay.png

it "does not overwrite masks that it has not made"
cp "$scenes/masks/scene_2.png" photos/a.png
quench fails segment scenes.qn photos -o photos
says 'photos/a.png: writing it .* would overwrite the input photos/a.png'
cmp "$scenes/masks/scene_2.png" photos/a.png || broken "the mask has changed"

it "names the picture whose legend does not fit, and does the others"
mkdir large
{ printf 'P5 2 40000 255 '; head -c 80000 /dev/zero; } >large/a.pgm # so high that the letters beside it are huge
cp "$picture" large/b.jpg
quench fails segment scenes.qn large -o legends --legend --save gray
says '^quench: error: large/a.pgm: legend: .*above the limit'
says '^quench: error: 1 of 2 pictures failed'
holds legends a.gray.png b.gray.png b.legend.png
