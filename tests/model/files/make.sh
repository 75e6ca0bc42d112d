#!/bin/sh
# Compiles network.pb in every precision with the given program, as vVERSION_PRECISION.qn beside this script. What is
# there already stays as it is: it was written by the quench of its day, which is the point of it.
set -eu
[ $# -eq 1 ] || { echo "usage: sh tests/model/files/make.sh build/release/quench" >&2; exit 2; }
quench=$1
folder=$(dirname "$0")
new=$(mktemp)
trap 'rm -f "$new" "$new.json"' EXIT

version() { od -An -tu4 -j8 -N4 "$1" | tr -d ' '; }

compile() {
    name=$1
    shift
    "$quench" build "$folder/network.pb" -o "$new" --output labels --output scores "$@" > /dev/null
    file=$folder/v$(version "$new")_$name.qn
    if [ -e "$file" ]; then
        echo "$file stays"
    else
        cp "$new" "$file"
        echo "$file is new"
    fi
}

bounded="--range pictures=1,1,1,3:1,96,96,3 --output places"
samples="--calibrate pictures=$folder/calibration.npy"
# Without a bound on the batch there is no ceiling, nor room for what depends on data.
compile force_float32_unbounded
for mode in force_float32 force_float16; do
    compile $mode $bounded --precision $mode
done
for mode in qint8_mixed_float32 qint8_mixed_float16 qint16_mixed_float32 qint16_mixed_float16; do
    compile $mode $bounded $samples --precision $mode
done
echo '{"enable_refit": true}' > "$new.json"
compile force_float32_refit $bounded --config "$new.json"
echo '{"precision_config": {"weight_type": "int8"}}' > "$new.json"
compile qint16_mixed_float32_weights8 $bounded $samples --precision qint16_mixed_float32 --config "$new.json"
