# Ctrl-C and a polite kill while something runs.
quench ok build "$scenes/scenes.pb" -o scenes.qn
mkdir many masks
for i in 1 2 3 4 5 6 7 8 9; do
    for s in 1 2 3 4 5 6 7 8; do
        for copy in a b c d; do
            ln -s "$scenes/pictures/scene_$s.jpg" "many/$copy$i$s.jpg"
            ln -s "$scenes/masks/scene_$s.png" "masks/$copy$i$s.png"
        done
    done
done

# interrupts SIGNAL SIGN ARGUMENT...: sends it to the program once SIGN is there, which tells that it is at work.
interrupts() {
    signal=$1 sign=$2
    shift 2
    command="$*, interrupted"
    : >.err
    "$program" "$@" >.out 2>.err &
    until eval "$sign" || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
    kill -"$signal" $! 2>/dev/null
    wait $!
    status=$?
    [ $status = 0 ] || { expect $status = 1; says "cancelled"; }
}

it "ends segment between two pictures, with whole files only"
interrupts TERM '[ -e out/a11.png ]' segment scenes.qn many -o out --save indexed,overlay,rgb
expect $status = 1
expect -z "$(find out -name '*.tmp-*')"
expect "$(ls out/*.overlay.png | wc -l)" = "$(ls out/*.rgb.png | wc -l)"
expect "$(grep -c '^quench: error' .err)" = 1

it "ends eval and bench, which write nothing then"
interrupts TERM 'grep -q evaluating .err' eval scenes.qn --images many --masks masks --json figures.json
[ $status = 0 ] || expect ! -e figures.json
interrupts TERM 'grep -q thread .err && sleep 0.5' bench scenes.qn --duration 100000 --json bench.json
expect $status = 1
expect ! -e bench.json
