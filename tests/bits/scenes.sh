#!/bin/sh
# scenes.sh QUENCH MODEL_BITS SCENES WORK COMMAND... - compiles the bundled networks in three precisions and compares the
# bits of what MODEL_BITS computes with all that this CPU has with those of COMMAND, model_bits run in another way: with
# fewer instructions, or built for another CPU. Labels and the scores that they are taken from.
set -u
quench=$1 model_bits=$2 scenes=$3 work=$4
shift 4
die() { printf 'FAILED: %s\n' "$*"; exit 1; }
mkdir -p "$work" || die "cannot make $work"
cd "$work" || exit 1
for program in "$quench" "$model_bits"; do
    [ -x "$program" ] || { echo "skipped: needs $program, built for this CPU"; exit 77; }
done

for precision in force_float32 force_float16 qint8_mixed_float16; do
    for output in SemanticPredictions logits/semantic/BiasAdd; do
        for network in scenes scenes_dynamic; do
            case $precision-$output in
            qint8*-SemanticPredictions) calibrate="--calibrate $scenes/pictures --save-ranges $network.json" ;;
            qint8*) calibrate="--ranges $network.json" ;;
            *) calibrate= ;;
            esac
            # shellcheck disable=SC2086
            "$quench" build "$scenes/$network.pb" -o model.qn --precision $precision --output $output $calibrate -q >log 2>&1 ||
                { cat log; die "cannot build $network in $precision"; }
            set -- "$@" model.qn 1,97,97,3 1,130,161,3
            "$model_bits" model.qn 1,97,97,3 1,130,161,3 >expected || die "$network in $precision does not run"
            "$@" >found || die "$network in $precision does not run in: $*"
            cmp expected found || { diff expected found; die "$network in $precision, $output: other bits from $*"; }
            printf '%s, %s, %s: the same bits\n' $network $precision $output
            count=$(($# - 3))
            while [ $count -gt 0 ]; do # takes the last three arguments away again
                set -- "$@" "$1"
                shift
                count=$((count - 1))
            done
            shift 3
        done
    done
done
