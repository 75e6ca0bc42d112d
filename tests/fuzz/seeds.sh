#!/bin/sh
# seeds.sh QUENCH FOLDER - files for each fuzz target to begin with, FOLDER/<target>/*, made from the bundled models.
set -eu
quench=$1 folder=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
scenes=$root/models/scenes

rm -rf "$folder"
mkdir -p "$folder/graph" "$folder/integer_graph" "$folder/model" "$folder/ranges" "$folder/config" "$folder/picture"
cp "$scenes/scenes.pb" "$scenes/scenes_dynamic.pb" "$folder/graph"
cp "$scenes/scenes.pb" "$folder/integer_graph"

for precision in force_float32 force_float16 qint8_mixed_float16 qint16_mixed_float32; do
    case $precision in qint*) integers="--fixed-range=-2,6" ;; *) integers= ;; esac
    # shellcheck disable=SC2086
    "$quench" build "$scenes/scenes.pb" -o "$folder/model/$precision.qn" --precision $precision $integers -q >/dev/null
done
"$quench" build "$scenes/scenes.pb" -o "$folder/calibrated.qn" --precision qint8_mixed_float16 \
    --calibrate "$scenes/pictures" --save-ranges "$folder/ranges/scenes.json" -q >/dev/null
rm "$folder/calibrated.qn"


cp "$scenes/pictures/scene_1.jpg" "$scenes/masks/scene_1.png" "$folder/picture"

cat >"$folder/config/all.json" <<'END'
{"archs": ["x86_64-avx2"], "graph_shape_mutable": true, "dim_range": {"0": {"min": [1, 8, 8, 3], "max": [2, 64, 64, 3]}},
 "precision_config": {"precision_mode": "qint8_mixed_float16", "weight_quant_granularity": "per_axis",
                      "activation_quant_algo": "asymmetric", "rounding_iterations": 3},
 "custom_ranges": {"": {"min": [0], "max": [6]}},
 "custom_nodes": {"IConvNode": {"precision": "int8", "input": {"0": {"quant_granularity": "per_axis"}}}},
 "insert_bn_before_firstnode": {"0": {"mean": [127.5], "var": [16256.25]}},
 "convert_input_layout": {"0": {"src": "NHWC", "dst": "NCHW"}}, "debug_config": {"skip_passes": ["fuse_bias"]},
 "image": {"input": "x", "color": "RGB", "mean": [1, 2, 3], "fit": "shrink", "classes": ["a", "b"]}}
END
