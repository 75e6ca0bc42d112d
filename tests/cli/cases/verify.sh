# `quench verify` on sound files.
quench ok build "$scenes/scenes.pb" -o a.qn
cp a.qn b.qn

it "says that a file is sound"
quench ok verify a.qn b.qn
prints '^a.qn: sound, [0-9]+ steps, 1 input, 1 output'
prints '^b.qn: sound'

it "checks the others after one that is not"
quench fails verify a.qn "$scenes/scenes.pb" missing.qn b.qn
says "scenes.pb: not a compiled model.*quench build"
says "missing.qn"
prints '^b.qn: sound'
