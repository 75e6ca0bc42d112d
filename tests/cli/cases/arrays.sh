# Arrays of samples: what counts as one, for calibrating and for eval.
INT8="--precision qint8_mixed_float32"
fixed='{"graph_shape_mutable": false}'
echo "$fixed" >fixed.json
samples() { # FILE.pb ARGUMENTS...: how many samples a calibration has
    network=$1
    shift
    # shellcheck disable=SC2086
    quench ok build "$network" $INT8 "$@" --save-ranges ranges.json
    sed -n 's/.*"samples": \([0-9]*\).*/\1/p' ranges.json >.count
}

make rows free.pb -1 rows
make rows three.pb 3 rows
make rows mean.pb -1 mean
make rows shift.pb -1 shift
make array seven.npy 7,2 "1 2 3"
make array six.npy 6,2 "1 2 3"
make array one.npy 2 "1 2"
make array labels.npy 7 "0 1"

it "takes rows for samples where the batch is free"
samples free.pb --calibrate seven.npy
expect "$(cat .count)" = 7
samples free.pb --calibrate seven.npy --limit 3
expect "$(cat .count)" = 3
samples three.pb --calibrate seven.npy # the declared batch is free, as the graph allows it
expect "$(cat .count)" = 7
samples free.pb --calibrate seven.npy --calibrate one.npy # without a batch: one more
expect "$(cat .count)" = 8
quench ok build free.pb -o free.qn
quench ok eval free.qn --inputs seven.npy --labels labels.npy --json -
expect "$(json samples)" = 7
# shellcheck disable=SC2086
quench ok build free.pb -o int8.qn $INT8 --calibrate seven.npy --contract six.npy --min-agreement 50
prints 'over 6 samples'

it "cuts rows into batches of the size that the network takes"
samples three.pb --config fixed.json --calibrate six.npy
expect "$(cat .count)" = 2
# shellcheck disable=SC2086
quench fails build three.pb --config fixed.json $INT8 --calibrate seven.npy --save-ranges no.json
says "seven.npy: its 7 rows are no multiple of the 3 that input 'x' \(3 x 2\) takes at once"
samples free.pb --range 2,2:4,2 --calibrate six.npy
expect "$(cat .count)" = 3

it "takes rows that are no samples together"
samples mean.pb --calibrate seven.npy
expect "$(cat .count)" = 1
quench ok inspect mean.pb
# shellcheck disable=SC2086
quench fails build mean.pb $INT8 --calibrate one.npy --save-ranges no.json
says "one.npy: an array of 2 is no sample for input 'x'"

it "gives an input without a batch the same in every run"
samples shift.pb --calibrate x=seven.npy --calibrate z=one.npy
expect "$(cat .count)" = 7
# shellcheck disable=SC2086
quench fails build shift.pb $INT8 --calibrate x=seven.npy --calibrate z=six.npy --save-ranges no.json
says "7 samples for input 'x', but 6 for input 'z'"

it "benches without --shape where the source says how large an input is"
quench ok bench free.qn --iterations 1 --warmup 0
prints '^  input +x: 1x2$'
make layer layer.pb "1 0 0 1" "0 0"
quench ok bench layer.pb --iterations 1 --warmup 0
prints '^  input +x: 1x8x8x2$'

it "refuses pictures whose elements the network counts, and says why"
make rows flat.pb 1 flat
make array larger.npy 1,8,4,2 "1 2 3"
make array turned.npy 1,2,4,2 "1 2 3"
for picture in larger turned; do
    quench fails run flat.pb --input $picture.npy -o out
    says "input 'x': dim 1 is [28], must be 4 \(constant 'to' of tensorflow: node 'flat' \(Reshape\): counts elements"
done
quench ok bench flat.pb --iterations 1 --warmup 0
prints "^  input +x: 1x4x2x2$"
