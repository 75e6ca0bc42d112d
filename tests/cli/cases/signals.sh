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

it "ends segment between two files, and leaves whole ones only"
interrupts TERM '[ -e out/a11.png ]' segment scenes.qn many -o out --save indexed,overlay,rgb
expect $status = 1
expect -z "$(find out -name '*.tmp-*')"
overlays=$(find out -name '*.overlay.png' | wc -l) colours=$(find out -name '*.rgb.png' | wc -l)
expect "$overlays" -le "$colours"
expect "$colours" -le $((overlays + 1)) # the overlay of the last picture comes after its colours
expect "$(grep -c '^quench: error' .err)" = 1

it "ends eval and bench, which write nothing then"
interrupts TERM 'grep -q evaluating .err' eval scenes.qn --images many --masks masks --json figures.json
[ $status = 0 ] || expect ! -e figures.json
interrupts TERM 'grep -q thread .err && sleep 0.5' bench scenes.qn --duration 100000 --json bench.json
expect $status = 1
expect ! -e bench.json

it "ends segment as politely when the terminal goes"
rm -rf out
interrupts HUP '[ -e out/a11.png ]' segment scenes.qn many -o out --save indexed,overlay,rgb --json figures.json
expect $status = 1
expect -z "$(find . -name '*tmp*')"
expect ! -e figures.json

# What no handler hears ends the program, between two files or in one, and leaves no part of a file.
it "leaves no temporary file, whatever ends it"
seed=${QN_SEED:-$$}
echo "QN_SEED=$seed"
for signal in HUP QUIT PIPE ALRM XCPU USR1; do
    rm -rf out
    command="segment, ended by $signal, seed $seed"
    (ulimit -c 0; exec "$program" segment scenes.qn many -o out --save indexed,rgb,overlay,gray --legend -q) >.out 2>.err &
    pause=$(awk -v s="$seed" -v n="$signal" 'BEGIN { srand(s + length(n)); printf "%.3f", 0.1 + 0.5 * rand() }')
    sleep "$pause"
    seed=$((seed + 1))
    kill -$signal $! 2>/dev/null
    wait $! 2>/dev/null
    expect -z "$(find . -name '*tmp*')"
done

it "reports a limit on file sizes as an error, and leaves nothing"
mkdir limited
command="build, limited to a few blocks"
(ulimit -f 40; exec "$program" build "$scenes/scenes.pb" -o limited/x.qn --report limited/x.html) >.out 2>.err
expect $? = 1
says 'quench: error: limited/x\.(qn|html): cannot write: File too large'
expect -z "$(find limited -name '*tmp*')"
command="inspect, limited to a few blocks"
(ulimit -f 1; exec "$program" inspect scenes.qn --steps --memory) >limited/text 2>.err
expect $? = 1
says 'quench: error: cannot write to standard output'
