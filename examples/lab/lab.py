"""The lab: a trained network becomes a model in int8, and a picture a mask.

    python lab.py [FOLDER]

The bundled network and its pictures, in the folder models/scenes; what comes of it goes to FOLDER (usual: lab-out).
"""

import sys
from pathlib import Path

import quench

scenes = Path(__file__).resolve().parents[2] / "models" / "scenes"
out = Path(sys.argv[1] if len(sys.argv) > 1 else "lab-out")
out.mkdir(exist_ok=True)

# The network, as its framework saved it.
network = quench.Network(scenes / "scenes.pb")
print(network)

# Integers need to know the ranges of values: they are measured on pictures.
calibrator = quench.Calibrator(scenes / "pictures")
model = quench.build(network, precision="int8", calibrator=calibrator)
model.save(out / "scenes.qn")
print(f"{model.const_bytes} bytes of weights, measured on {calibrator.sample_count} pictures")

# A picture in, its labels out.
segmenter = quench.Segmenter(model, palette=scenes / "palette.txt")
result = segmenter.run(scenes / "pictures" / "scene_1.jpg")
result.save(out / "scene_1.png")
quench.save_png(out / "scene_1.rgb.png", result.colors())
quench.save_png(out / "scene_1.overlay.png", result.overlay())
print(f"{result} in {result.ms:.1f} ms")

# The same by hand: arrays in and out.
context = quench.Engine(model).context()
(photo,) = segmenter.vision.inputs_of(scenes / "pictures" / "scene_1.jpg")
(labels,) = context.run(photo)
print(f"labels {labels.dtype} {labels.shape}, as in the mask: {(labels[0] == result.labels).all()}")
