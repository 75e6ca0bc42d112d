"""Scripts for MagicMind, written from what is known of it alone: only their import lines are quench's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from samples import HALF, INT8, PICTURES, SCENES, CalibData, build, load_samples, make_config, make_line, parse_scenes

import quench
import quench.magicmind as mm

SHARED = SCENES.parents[2] / "shared"
MUTABLE = '{"graph_shape_mutable": true, "dim_range": {"0": {"min": [1, 48, 48, 3], "max": [1, 161, 161, 3]}}}'

# The lab as it is written: built with calibration, saved, loaded, run with shapes of their own for each picture.
SCRIPT = """
import json
import sys

import numpy as np
from PIL import Image

import magicmind.python.runtime as mm
from magicmind.python.runtime.parser import Parser
from magicmind.python.common.types import get_datatype_by_numpy, get_numpy_dtype_by_datatype

pb, config_file, model_file, out, size = sys.argv[1:6]
pictures = sys.argv[6:]


def load(path):
    image = Image.open(path).convert("RGB")
    ratio = float(size) / max(image.size)
    if ratio < 1:
        image = image.resize((int(round(image.size[0] * ratio)), int(round(image.size[1] * ratio))), Image.LANCZOS)
    return np.expand_dims(np.asarray(image).astype(dtype=np.uint8), 0)


class FixedCalibData(mm.CalibDataInterface):
    def __init__(self, files, max_samples):
        super().__init__()
        self.files = files[:max_samples]
        self.current = 0
        self.sample = load(self.files[0])

    def get_shape(self):
        return mm.Dims(self.sample.shape)

    def get_data_type(self):
        return get_datatype_by_numpy(self.sample.dtype)

    def get_sample(self):
        return self.sample

    def next(self):
        if self.current >= len(self.files):
            return mm.Status(mm.Code.OUT_OF_RANGE, "End reached")
        self.sample = np.ascontiguousarray(load(self.files[self.current]))
        self.current += 1
        return mm.Status.OK()

    def reset(self):
        self.current = 0
        return mm.Status.OK()


network = mm.Network()
parser = Parser(mm.ModelKind.kTensorflow)
assert parser.set_model_param("tf-model-type", "tf-graphdef-file").ok()
assert parser.set_model_param("tf-graphdef-inputs", ["ImageTensor:0"]).ok()
assert parser.set_model_param("tf-graphdef-outputs", ["SemanticPredictions:0"]).ok()
assert parser.set_model_param("tf-infer-shape", True).ok()
status = parser.parse(network, pb)
assert status.ok(), str(status)
assert network.get_input(0).set_dimension(mm.Dims((1, int(size), int(size), 3))).ok()

config = mm.BuilderConfig()
assert config.parse_from_file(config_file).ok()
assert config.parse_from_string(json.dumps({"opt_config": {"conv_scale_fold": True}})).ok()

calibrator = mm.Calibrator([FixedCalibData(pictures, 10)])
assert calibrator.set_quantization_algorithm(mm.QuantizationAlgorithm.LINEAR_ALGORITHM).ok()
status = calibrator.calibrate(network, config)
assert status.ok(), str(status)
for node in network.get_all_nodes_in_network():
    if "ResizeBilinear" in node.get_node_name():
        assert node.set_precision(0, mm.DataType.FLOAT32).ok()
        assert node.set_output_type(0, mm.DataType.FLOAT32).ok()

model = mm.Builder().build_model("segmentation", network, config)
assert model is not None
assert model.serialize_to_file(model_file).ok()

model = mm.Model()
assert model.deserialize_from_file(model_file).ok()
assert get_numpy_dtype_by_datatype(model.get_input_data_types()[0]) == np.uint8
with mm.System():
    dev = mm.Device()
    dev.id = 0
    assert dev.active().ok()
    econfig = mm.Model.EngineConfig()
    econfig.device_type = "MLU"
    engine = model.create_i_engine(econfig)
    context = engine.create_i_context()
    queue = dev.create_queue()
    inputs = context.create_inputs()
    for index, picture in enumerate(pictures):
        inputs[0].from_numpy(load(picture))
        inputs[0].to(dev)
        outputs = context.create_outputs(inputs, suppress_infer_shape_error=True)
        status = mm.Status.OK()
        if not outputs:
            status = context.infer_output_shape(inputs, outputs)
        if status.code() == mm.Code.UNAVAILABLE:
            outputs = []
        status = context.enqueue(inputs, outputs, queue)
        assert status.ok(), str(status)
        status = queue.sync()
        assert status.ok(), str(status)
        np.save("%s/%d.npy" % (out, index), outputs[0].asnumpy())
"""


def run_script(
    folder: Path, pb: Path, config: dict[str, object], size: int, pictures: list[Path]
) -> list[quench.pictures.Pixels]:
    """The script, its import lines changed; its masks."""
    pytest.importorskip("PIL")
    text = SCRIPT.replace("magicmind.python.runtime", "quench.magicmind").replace(
        "magicmind.python.", "quench.magicmind."
    )
    changed = [line for line in text.splitlines() if "quench" in line]
    assert all(re.match("import |from ", line) for line in changed)
    (folder / "script.py").write_text(text)
    (folder / "config.json").write_text(json.dumps(config))
    command: list[str | Path] = [sys.executable, folder / "script.py", pb, folder / "config.json"]
    command += [folder / "model.qn", folder, str(size)]
    done = subprocess.run([*command, *pictures], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [np.load(folder / f"{index}.npy") for index in range(len(pictures))]


def read_as_script(path: Path, size: int) -> quench.pictures.Pixels:
    from PIL import Image

    image = Image.open(path).convert("RGB")
    ratio = size / max(image.size)
    if ratio < 1:
        to = (round(image.size[0] * ratio), round(image.size[1] * ratio))
        image = image.resize(to, Image.Resampling.LANCZOS)
    return np.asarray(image)[None]


def script_config(size: int, least: int) -> dict[str, object]:
    return {
        "archs": [{"mtp_372": [6, 8]}],
        "graph_shape_mutable": True,
        "dim_range": {"0": {"min": [1, least, least, 3], "max": [1, size, size, 3]}},
        "precision_config": {"precision_mode": "qint8_mixed_float16", "weight_quant_granularity": "per_tensor"},
        "opt_config": {"type64to32_conversion": True},
    }


def expect_quench_says_the_same(
    masks: list[quench.pictures.Pixels], pb: Path, config: dict[str, object], size: int, pictures: list[Path]
) -> None:
    """The same in quench's own names gives the same bytes, model and masks."""
    network = quench.Network(pb, inputs=["ImageTensor"], outputs=["SemanticPredictions"])
    network.set_input_shape("ImageTensor", [1, size, size, 3])
    settings = quench.Config(config, opt_config={"type64to32_conversion": True, "conv_scale_fold": True})
    samples = [read_as_script(path, size) for path in pictures[:10]]
    calibrator = quench.Calibrator(samples, algorithm="linear")
    calibrator.calibrate(network, settings)
    for node in network.nodes():
        if "ResizeBilinear" in node.name:
            network.set_precision(node, np.float32)
    context = quench.Engine(quench.build(network, settings, calibrator=calibrator)).context()
    for path, mask in zip(pictures, masks):
        np.testing.assert_array_equal(mask, context.run(read_as_script(path, size))[0])


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_the_lab_runs_with_its_import_lines_changed(tmp_path: Path) -> None:
    config = script_config(161, 48)
    masks = run_script(tmp_path, SCENES / "scenes.pb", config, 161, PICTURES)
    assert len({mask.shape for mask in masks}) > 1  # shapes of their own
    assert all(mask.dtype == np.int32 for mask in masks)
    expect_quench_says_the_same(masks, SCENES / "scenes.pb", config, 161, PICTURES)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_the_lab_runs_on_deeplab(tmp_path: Path) -> None:
    graph = SHARED / "models" / "tensorflow" / "deeplabv3_mnv2_pascal_float32.pb"
    photos = sorted((SHARED / "calibration").glob("*.jpg"))[:3]
    if not graph.is_file() or not photos:
        pytest.skip("DeepLab's graph and photos are not on this machine")
    config = script_config(513, 100)
    masks = run_script(tmp_path, graph, config, 513, photos)
    expect_quench_says_the_same(masks, graph, config, 513, photos)


def test_masks_are_those_of_quench_in_float(program: Path, tmp_path: Path) -> None:
    model = build(parse_scenes())
    assert model.serialize_to_file(tmp_path / "m.qn").ok()
    command: list[str | Path] = [
        program,
        "segment",
        tmp_path / "m.qn",
        PICTURES[0],
        "-o",
        tmp_path,
        "-q",
        "--fit",
        "shrink",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    photo = quench.load_image(PICTURES[0])
    engine = model.create_i_engine()
    assert engine is not None
    context = engine.create_i_context()
    assert context is not None
    inputs = context.create_inputs()
    inputs[0].from_numpy(photo[None])
    outputs = context.create_outputs(inputs)
    queue = mm.Device().create_queue()
    assert context.enqueue(inputs, outputs, queue).ok()
    assert queue.sync().ok()
    labels = outputs[0].asnumpy()[0].astype(np.uint8)
    assert labels.tobytes() == quench.load_mask(tmp_path / f"{PICTURES[0].stem}.png").tobytes()


def test_a_network_is_built_again_and_again() -> None:
    network = parse_scenes()
    full, half, again = build(network), build(network, make_config(HALF)), build(network)
    assert full.serialize_to_memory() == again.serialize_to_memory()
    assert half.get_serialized_model_size() < full.get_serialized_model_size()


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_a_build_has_what_calibration_found_and_what_was_set_later() -> None:
    network, config = parse_scenes(), make_config(INT8, MUTABLE)
    assert network.get_input(0).set_dimension(mm.Dims((1, 161, 161, 3))).ok()
    assert mm.Calibrator(CalibData(load_samples())).calibrate(network, config).ok()
    plain = build(network, config)
    nodes = network.find_nodes_by_node_type("IConvNode")
    assert nodes
    assert all(node.set_precision(0, mm.DataType.FLOAT32).ok() for node in nodes)
    changed = build(network, config)

    def precisions(model: mm.Model) -> list[str]:
        return [step["precision"] for step in model.quench.steps() if step["op"] == "conv2d_quantized"]

    assert len(precisions(changed)) < len(precisions(plain))
    assert plain.get_input_dimensions() == [mm.Dims((1, -1, -1, 3))]


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_samples_are_those_of_the_network_before_normalisation_and_layout() -> None:
    """Built with `insert_bn_before_firstnode` the model takes bytes; its samples stay floats that are normalised."""
    pixels = [np.random.default_rng(i).integers(0, 256, (1, 8, 8, 3), np.uint8) for i in range(4)]
    mean, deviation = np.array([103.9, 116.8, 123.7]), np.array([58.4, 57.1, 57.4])
    block = {"0": {"mean": list(mean), "var": list(deviation**2)}}
    text = json.dumps(
        {"insert_bn_before_firstnode": block, "convert_input_layout": {"0": {"src": "NHWC", "dst": "NCHW"}}}
    )
    network, config = mm.Network.wrap(make_line), make_config(INT8, text)
    samples = [((x - mean) / deviation).astype(np.float32) for x in pixels]
    calibrator = mm.Calibrator([CalibData(samples)])
    assert calibrator.set_quantization_algorithm(mm.QuantizationAlgorithm.LINEAR_ALGORITHM).ok()
    status = calibrator.calibrate(network, config)
    assert status.ok(), str(status)
    model = build(network, config)
    assert model.get_input_data_types() == [mm.DataType.UINT8]
    # quench measures the model as it is built: bytes, channels first.
    own = quench.Calibrator([x.transpose(0, 3, 1, 2) for x in pixels], algorithm="linear")
    assert bytes(quench.build(make_line(), config.quench, calibrator=own)) == model.serialize_to_memory()


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_ranges_set_on_tensors_stand_for_calibration() -> None:
    network = mm.Network.wrap(make_line)
    for node in network.get_all_nodes_in_network():
        assert node.get_output(0).set_dynamic_range(mm.Range(-3.0, 3.0), True).ok()
    assert network.get_input(0).set_dynamic_range(mm.Range(-1.0, 1.0)).ok()
    model = build(network, make_config(INT8))
    assert any("quantized" in step["op"] for step in model.quench.steps())
    with pytest.warns(quench.QuenchWarning, match="have no range in the simplified network"):
        build(network, make_config(INT8))
