"""What the tests of MagicMind's names share: samples as scripts for that engine write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import quench
import quench.magicmind as mm
from quench.magicmind.parser import Parser

SCENES = Path(__file__).resolve().parents[3] / "models" / "scenes"
PICTURES = sorted((SCENES / "pictures").iterdir())
Array = np.ndarray[Any, Any]


class CalibData(mm.CalibDataInterface):
    """Samples one after the other, as the lab's class has them."""

    def __init__(self, samples: list[Array]) -> None:
        super().__init__()
        self.samples = samples
        self.index = 0
        self.sample: Array = samples[0]

    def get_shape(self) -> mm.Dims:
        return mm.Dims(self.sample.shape)

    def get_data_type(self) -> mm.DataType:
        return mm.DataType[self.sample.dtype.name.upper()]

    def get_sample(self) -> Array:
        return self.sample

    def next(self) -> mm.Status:
        if self.index >= len(self.samples):
            return mm.Status(mm.Code.OUT_OF_RANGE, "data consumed")
        self.sample = self.samples[self.index]
        self.index += 1
        return mm.Status.OK()

    def reset(self) -> mm.Status:
        self.index = 0
        return mm.Status.OK()


def load_samples() -> list[Array]:
    """The bundled pictures, at most 161 x 161 of each."""
    return [np.ascontiguousarray(quench.load_image(path)[None, :161, :161]) for path in PICTURES]


def parse_scenes(name: str = "scenes.pb") -> mm.Network:
    network, parser = mm.Network(), Parser(mm.ModelKind.kTensorflow)
    assert parser.set_model_param("tf-graphdef-inputs", ["ImageTensor:0"]).ok()
    assert parser.set_model_param("tf-graphdef-outputs", ["SemanticPredictions:0"]).ok()
    status = parser.parse(network, SCENES / name)
    assert status.ok(), str(status)
    return network


def make_config(*texts: str) -> mm.BuilderConfig:
    config = mm.BuilderConfig()
    for text in texts:
        status = config.parse_from_string(text)
        assert status.ok(), str(status)
    return config


INT8 = '{"precision_config": {"precision_mode": "qint8_mixed_float16"}}'
HALF = '{"precision_config": {"precision_mode": "force_float16"}}'


def build(network: mm.Network, config: mm.BuilderConfig | None = None) -> mm.Model:
    model = mm.Builder().build_model("test", network, config)
    assert model is not None
    return model


def run(model: mm.Model, *arrays: Array) -> list[Array]:
    """Runs once, as a script does that lets the engine make the outputs."""
    engine = model.create_i_engine()
    assert engine is not None
    context = engine.create_i_context()
    assert context is not None
    inputs: list[mm.IRTTensor] = context.create_inputs()
    for tensor, array in zip(inputs, arrays):
        tensor.from_numpy(array)
    outputs: list[mm.IRTTensor] = []
    queue = mm.Device().create_queue()
    status = context.enqueue(inputs, outputs, queue)
    assert status.ok(), str(status)
    status = queue.sync()
    assert status.ok(), str(status)
    return [tensor.asnumpy() for tensor in outputs]


def make_positives() -> quench.Network:
    """The positions of true elements: how many there are depends on them."""
    network = quench.Network.create("positives")
    x = network.add_input("x", [None, 3], np.bool_)
    network.mark_output(network.add_node("where", x).output, "positions")
    return network


def make_line() -> quench.Network:
    """y = relu(conv(x)), a picture of floats, with weights that are always the same."""
    network = quench.Network.create("line")
    x = network.add_input("x", [1, 8, 8, 3])
    weights = network.add_constant("w", np.random.default_rng(5).normal(size=(3, 3, 3, 4)).astype(np.float32))
    conv = network.add_node("conv2d", x, weights, name="conv", padding="same_upper").output
    network.mark_output(network.add_node("relu", conv, name="relu").output, "y")
    return network


def make_pair() -> quench.Network:
    """y = a @ b @ 1, two inputs and a product with a constant, which may become one of integers."""
    network = quench.Network.create("pair")
    a, b = network.add_input("a", [2, 4]), network.add_input("b", [4, 3])
    product = network.add_node("matmul", a, b, name="product").output
    one = network.add_constant("one", np.eye(3, dtype=np.float32))
    network.mark_output(network.add_node("matmul", product, one).output, "y")
    return network


def make_sum() -> quench.Network:
    """y = x + x, any numbers."""
    network = quench.Network.create("sum")
    x = network.add_input("x", [1, 4])
    network.mark_output(network.add_node("add", x, x).output, "y")
    return network


def make_wide() -> quench.Network:
    """y = float(x) @ w, whole numbers of 64 bits."""
    network = quench.Network.create("wide")
    x = network.add_node("cast", network.add_input("x", [2, 4], np.int64), dtype="f32").output
    weights = network.add_constant("w", np.random.default_rng(6).normal(size=(4, 3)).astype(np.float32))
    network.mark_output(network.add_node("matmul", x, weights).output, "y")
    return network
