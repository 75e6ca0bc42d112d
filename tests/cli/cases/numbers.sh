# Integer precision on strange numbers: what stands in weights, biases and samples that no sound network has, or few have.
INT8="--precision qint8_mixed_float32"
weights="1 -0.5 0.25 2" bias="0.5 -1" usual="0.5 -1 2 3 -0.25 0.75 1.5 -2 0.1 0.9 -0.3"
make layer plain.pb "$weights" "$bias"
make array usual.npy 4,1,8,8,2 "$usual"

# The model in integers, calibrated on the first array, is at least so many dB from itself in floats on the second.
keeps() { # MODEL CALIBRATION DB [ARRAY]
    # shellcheck disable=SC2086
    quench ok build "$1" -o int8.qn $INT8 --calibrate "$2"
    prints '^integer +2 of 2 layers'
    quench ok build "$1" -o float.qn
    quench ok compare float.qn int8.qn --input "${4:-$2}" --json -
    ratio=$(json values.0.sqnr_db)
    if [ "$ratio" = null ]; then
        expect "$(json values.0.equal)" = true
    else
        between "$ratio" "$3" 1000
    fi
}

it "keeps a plain layer"
keeps plain.pb usual.npy 35

it "names weights, biases and samples that are not finite"
for number in nan inf -inf; do
    make layer strange.pb "1 $number 0.25 2" "$bias"
    # shellcheck disable=SC2086
    quench fails build strange.pb -o x.qn $INT8 --calibrate usual.npy
    says "constant 'w' has elements that are not finite, and so has value 'r'"
    # shellcheck disable=SC2086
    quench fails build strange.pb -o x.qn $INT8 --fixed-range=-3,3
    says "node 'r' .*: weight 1 is $number: it cannot be an integer"
    make layer strange.pb "$weights" "$number 1"
    # shellcheck disable=SC2086
    quench fails build strange.pb -o x.qn $INT8 --calibrate usual.npy
    says "constant 'b' has elements that are not finite|bias 0 is -inf"
    # shellcheck disable=SC2086
    quench fails build strange.pb -o x.qn $INT8 --fixed-range=-3,3
    says "node 'r' .*: bias 0 is $number: it cannot be an integer"
    make array strange.npy 2,1,8,8,2 "1 2 3 $number 5 6 7"
    # shellcheck disable=SC2086
    quench fails build plain.pb -o x.qn $INT8 --calibrate strange.npy
    says "strange.npy, 1 of 2: sample 1: 18 elements of value 'x' are not finite"
done
make array huge.npy 2,1,8,8,2 "1e38 2e38 -3e38"
# shellcheck disable=SC2086
quench fails build plain.pb -o x.qn $INT8 --calibrate huge.npy
says "huge.npy, 1 of 2: sample 1: .* elements of value 'r' are not finite"
expect ! -e x.qn

it "takes zeros and constants for what they are"
make layer zeros.pb "0 0 0 0" "$bias"
keeps zeros.pb usual.npy 60
make layer zeros.pb "0 1 0 2" "0 -1"
keeps zeros.pb usual.npy 40
make array zeros.npy 4,1,8,8,2 "0 1 0 -2 0 3"
keeps plain.pb zeros.npy 35
for number in 0 3 -3; do
    make array constant.npy 4,1,8,8,2 "$number"
    keeps plain.pb constant.npy 45
done

it "takes ranges on one side of zero"
make array above.npy 4,1,8,8,2 "5 6 7 8 5.5"
keeps plain.pb above.npy 45
make layer raised.pb "$weights" "20 40"
make array below.npy 4,1,8,8,2 "-5 -6 -7 -8 -5.5"
keeps raised.pb below.npy 35

it "takes numbers next to nothing, and biases beyond int32"
make array tiny.npy 4,1,8,8,2 "1e-40 2e-40 -3e-40"
keeps plain.pb tiny.npy 55
make array tiny.npy 4,1,8,8,2 "1e-30 2e-30 -3e-30"
keeps plain.pb tiny.npy 55
make layer tiny.pb "1e-40 1e-41 -1e-40 3e-40" "1 -1"
keeps tiny.pb usual.npy 0
for large in "1e30 -1e30" "1e12 -1e10" "3e9 -3e9"; do
    make layer large.pb "$weights" "$large"
    keeps large.pb usual.npy 50
done

it "warns of ranges that a single element decides"
outlier="$usual $usual $usual $usual $usual $usual"
make array outlier.npy 4,1,8,8,2 "1e6 $outlier $outlier $outlier $outlier $outlier $outlier $outlier $outlier"
# shellcheck disable=SC2086
quench ok build plain.pb -o x.qn $INT8 --calibrate outlier.npy
says "warning: value '[xr]' is given a range up to [12]e\+06 for very few elements, where all others stay below [0-9.]+ "
# shellcheck disable=SC2086
quench ok build plain.pb -o x.qn $INT8 --calibrate usual.npy
! grep -q 'very few elements' .err || broken "usual numbers are no outliers"

it "keeps a contract on arrays"
# shellcheck disable=SC2086
quench ok build plain.pb -o x.qn $INT8 --calibrate usual.npy --min-agreement 90 --contract above.npy --contract below.npy
prints '^contract +kept: agreement .* over 8 samples'
# shellcheck disable=SC2086
quench fails build plain.pb -o y.qn $INT8 --calibrate usual.npy --min-agreement 90 --contract above.npy --contract missing.npy
says "missing.npy"
expect ! -e y.qn
