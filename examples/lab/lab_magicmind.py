"""The lab in MagicMind's names, as for that engine but for its import lines: python lab_magicmind.py [FOLDER]"""

import sys
from pathlib import Path

import quench
import quench.magicmind as mm
from quench.magicmind.parser import Parser

scenes, out = Path(__file__).resolve().parents[2] / "models" / "scenes", Path((*sys.argv[1:], "lab-out")[0])
out.mkdir(exist_ok=True)
photos = [quench.load_image(scenes / "pictures" / f"scene_{i}.jpg")[None] for i in range(1, 7)]


class CalibData(mm.CalibDataInterface):
    def reset(self):
        self.samples = iter(photos)
        return mm.Status.OK()

    def next(self):
        self.sample = next(self.samples, None)
        return mm.Status.OK() if self.sample is not None else mm.Status(mm.Code.OUT_OF_RANGE, "no more photos")

    def get_sample(self):
        return self.sample

    def get_shape(self):
        return mm.Dims(self.sample.shape)

    def get_data_type(self):
        return mm.DataType.UINT8


def label_to_color_image(label):
    return quench.Palette(scenes / "palette.txt").colors[label]


network, config, calibrator = mm.Network(), mm.BuilderConfig(), mm.Calibrator([CalibData()])
assert Parser(mm.ModelKind.kTensorflow).parse(network, scenes / "scenes.pb").ok()
assert config.parse_from_string('{"precision_config": {"precision_mode": "qint8_mixed_float16"}}').ok()
assert calibrator.set_quantization_algorithm(mm.QuantizationAlgorithm.LINEAR_ALGORITHM).ok()
assert calibrator.calibrate(network, config).ok()
model = mm.Builder().build_model("scenes", network, config)
assert model.serialize_to_file(out / "scenes_magicmind.qn").ok()

context, queue = model.create_i_engine().create_i_context(), mm.Device().create_queue()
inputs, outputs = context.create_inputs(), []
inputs[0].from_numpy(photos[0])
assert context.enqueue(inputs, outputs, queue).ok()
assert queue.sync().ok()
labels = outputs[0].asnumpy()[0]
quench.save_png(out / "scene_1_magicmind.png", label_to_color_image(labels))
print(f"labels {labels.dtype} {labels.shape}, in colours in {out / 'scene_1_magicmind.png'}")
