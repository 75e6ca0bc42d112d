# What comes from outside reaches neither terminal nor files as anything but harmless text.
esc=$(printf '\033') csi=$(printf '\302\233') turn=$(printf '\342\200\256') bad=$(printf '\377')
evil="${esc}[2J${csi}31m${turn}x${bad}${esc}]0;t$(printf '\a')
quench: error: forged"

# No control character but line ends, nothing that turns the direction, and no other bytes than UTF-8: harmless FILE.
harmless() {
    iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null 2>&1 || broken "$1 is no UTF-8"
    ! LC_ALL=C grep -q "$(printf '[\001-\011\013-\037\177]\|\302[\200-\237]\|\342\200[\216\217\250-\256]\|\342\201[\246-\251]')" "$1" ||
        broken "$1 holds control characters"
    ! grep -q '^quench: error: forged' "$1" || broken "$1 holds a line that is not the program's"
}

# Both outputs of a command, whatever comes of it.
tries() {
    command=$*
    "$program" "$@" >.out 2>.err </dev/null
    [ $? -le 2 ] || broken "it crashed"
    harmless .out
    harmless .err
}

# The same of a command that must work.
shows() {
    quench ok "$@"
    harmless .out
    harmless .err
}

make relu evil.pb "${csi}31m${turn}x${bad}"
make compiled-relu evil.qn "$evil"
make array ones.npy 1,8,8,2 1

it "shows models with evil names harmlessly"
for model in evil.pb evil.qn; do
    case $model in evil.pb) name=${csi}31m${turn}x${bad} ;; *) name=$evil ;; esac
    for graph in text dot json; do shows inspect $model --graph $graph; done
    shows inspect $model -v --steps --memory
    prints '\\u009b31m\\u202ex\\xff'
    shows inspect $model --steps --memory --json -
    "$json_get" .out outputs.0.name >name || broken "the figures are no JSON"
    shows bench $model --shape 1,8,8,2 --iterations 1 --layers --json bench.json --trace trace.json
    shows compare $model $model --input ones.npy --json compare.json
    shows run $model --input x=ones.npy -o out --dump "$name" --json run.json -v
    shows run $model --input x=ones.npy -o out --json -
    tries run $model --input "$evil=ones.npy" -o out
    tries run $model --input x=ones.npy -o out --dump "$evil$evil"
    tries segment $model "$scenes/pictures" -o out
    for file in bench.json compare.json run.json trace.json; do
        harmless $file
        "$json_get" $file "" >/dev/null || broken "$file is no JSON"
        rm $file
    done
done
shows verify evil.qn
shows build evil.pb -o int8.qn --precision qint8_mixed_float16 --fixed-range -1,1 --report report.html -v
harmless report.html
tries build evil.pb -o int8.qn --precision qint8_mixed_float16 --calibrate ones.npy --save-ranges ranges.json

it "shows names of files, options and keys harmlessly"
cp evil.pb "$evil.pb"
for command in build bench inspect verify compare eval run segment; do
    tries $command "$evil"
    tries $command "--$evil"
    tries $command "-$evil"
    tries $command evil.qn ones.npy "$evil" "$evil"
done
tries "$evil"
tries inspect "$evil.pb" --steps
tries build "$evil.pb" -o "$evil.qn"
expect -e "$evil.qn"
tries build "$evil.pb" -o "$evil/x.qn"
tries build evil.pb -o x.qn --input "$evil=1,2"
tries build evil.pb -o x.qn --output "$evil"
tries bench evil.qn --cpu "$evil"
tries bench evil.qn --shape "$evil"
tries bench evil.qn --threads "$evil"
export QUENCH_CPU="$evil"
tries bench evil.qn
tries cpu
unset QUENCH_CPU

it "shows what is in configurations, ranges, arrays and lists harmlessly"
printf '{"\\u001b[2J\\u009b%s\\n": 1}' "$turn" >key.json
printf '{"precision_config": {"precision_mode": "\\u001b[2J%s"}}' "$turn" >value.json
printf '{"a": "%s"}' "$evil" >broken.json
for config in *.json; do
    tries build evil.pb -o x.qn --config $config
    tries build evil.pb -o x.qn --precision qint8_mixed_float16 --ranges $config
done
npy evil.npy "$evil" "1, 8, 8, 2" 512
tries run evil.qn --input evil.npy -o out
printf '%s\n' "$evil" >list.txt
tries build evil.pb -o x.qn --precision qint8_mixed_float16 --calibrate list.txt
says '\\x1b'

it "shows palettes and pictures harmlessly"
quench ok build "$scenes/scenes.pb" -o scenes.qn
for class in 0 1 2 3 4 5 6 7 8; do printf 'class%s%s%s%s %s 1 2\n' $class "$esc[31m" "$csi" "$bad" $class; done >palette.txt
cp "$scenes/pictures/scene_1.jpg" "$evil.jpg"
tries segment scenes.qn "$evil.jpg" --palette palette.txt -o masks --json masks.json -v
prints 'class0\\x1b\[31m\\u009b\\xff'
harmless masks.json
tries segment scenes.qn "$evil.jpg" -o masks --json -
{ printf 'name 1 2 3\n'; printf '%s\n' "$evil"; } >palette.txt
tries segment scenes.qn "$evil.jpg" --palette palette.txt -o masks
cp palette.txt "$evil.png"
tries segment scenes.qn "$evil.png" -o masks

it "leaves names in any language as they are"
make relu plain.pb "größe_日本"
quench ok inspect plain.pb
prints '^output +größe_日本: '
quench ok build plain.pb -o 日本.qn
prints '^日本.qn: '
