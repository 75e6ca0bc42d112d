# What a picture may cost, and how that is raised. A PGM of 60 x 40 takes 2400 bytes, and 9600 while it becomes colours.
quench ok build "$scenes/scenes.pb" -o scenes.qn
{ printf 'P5 60 40 255 '; head -c 2400 /dev/zero; } >photo.pgm

it "names picture, limit and option"
quench fails segment scenes.qn photo.pgm -o out --picture-limits pixels=2K
says 'photo.pgm: 60 x 40 pixels are above the limit of 2048 pixels.*--picture-limits pixels=N raises'
quench fails segment scenes.qn photo.pgm -o out --picture-limits memory=9599
says 'photo.pgm: reading 60 x 40 pixels takes 1 MiB.*--picture-limits memory=N raises'
quench fails segment scenes.qn photo.pgm -o out --picture-limits bytes=2412
says 'photo.pgm: 2413 bytes are above the limit of 2412 bytes.*--picture-limits bytes=N raises'
quench fails segment scenes.qn "$scenes/pictures/scene_1.jpg" photo.pgm -o out --picture-limits pixels=4K,scans=1
says 'scene_1.jpg: .*--picture-limits pixels=N raises'
expect -f out/photo.png
quench ok segment scenes.qn photo.pgm -o out --picture-limits pixels=2400,memory=9600,bytes=2413,scans=1

it "holds for calibrating, evaluating and comparing too"
quench fails build "$scenes/scenes.pb" -o none.qn --precision qint8_mixed_float32 --calibrate photo.pgm --picture-limits pixels=1K
says 'photo.pgm: 60 x 40 pixels.*--picture-limits pixels=N'
quench fails eval scenes.qn --images "$scenes/pictures" --masks "$scenes/masks" --picture-limits memory=1K
says 'memory=N'
quench fails compare scenes.qn scenes.qn --image photo.pgm --picture-limits pixels=1K
says 'photo.pgm: .*pixels=N'

it "refuses limits that are none"
for text in 5 pixels pixels= pixels=0 pixels=-1 pixels=1T scans=1, scans=99999999999 memory=9999999999G rows=3 pixels=1G; do
    quench misused segment scenes.qn photo.pgm -o out --picture-limits $text
done
