"""Where two models part, and how far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._arrays import Array
from ._samples import Reader, SamplesLike, list_items
from ._status import InvalidArgumentError
from .context import Context
from .engine import Engine
from .model import Model
from .vision import Vision


@dataclass
class _Value:
    """One name. Sums run over all elements of all runs in which both models had it."""

    name: str
    is_output: bool = False
    dtypes: dict[str, str] = field(default_factory=dict)  # of "a" and "b"
    is_float: dict[str, bool] = field(default_factory=dict)
    kept: Array | None = None  # what A had in the run at hand
    other_shape: bool = False
    elements: int = 0
    equal: int = 0
    dot: float = 0
    square_a: float = 0
    square_b: float = 0
    square_error: float = 0
    max_abs: float = 0

    @property
    def is_pair(self) -> bool:
        return self.is_float.get("a", False) and self.is_float.get("b", False) and not self.other_shape

    @property
    def is_labels(self) -> bool:
        return not self.is_pair and self.elements > 0

    def add(self, a: Array, b: Array) -> None:
        self.elements += b.size
        if not self.is_float["b"]:
            self.equal += int((a == b).sum())
            return
        x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
        with np.errstate(invalid="ignore"):
            error = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0, np.abs(x - y))
        error[np.isnan(error)] = np.inf
        self.max_abs = max(self.max_abs, float(error.max(initial=0)))
        self.square_error += float(error @ error)
        finite = np.isfinite(x) & np.isfinite(y)
        x, y = x[finite], y[finite]
        self.dot += float(x @ y)
        self.square_a += float(x @ x)
        self.square_b += float(y @ y)

    @property
    def sqnr_db(self) -> float:
        if self.square_error == 0:
            return math.inf
        return -math.inf if self.square_a == 0 else 10 * math.log10(self.square_a / self.square_error)

    @property
    def cosine(self) -> float:
        if self.square_a == 0 or self.square_b == 0:
            return 1.0 if self.square_a == self.square_b else math.nan
        return self.dot / math.sqrt(self.square_a) / math.sqrt(self.square_b)

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dtype_a": self.dtypes["a"],
            "dtype_b": self.dtypes["b"],
            "equal": self.square_error == 0,
            "sqnr_db": _real_or_none(self.sqnr_db),
            "cosine": _real_or_none(self.cosine),
            "max_abs_error": _real_or_none(self.max_abs),
            "elements": self.elements,
        }


def _real_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


class _Side:
    """One of the two models: a context, and what its values are called and stand for."""

    def __init__(self, model: Model, side: str) -> None:
        self.side, self.model = side, model
        self.context = Context(Engine(model))
        self.encodings: dict[str, Any] = {}
        values = model.values()
        names = {value["info"].name for value in values}
        # Integers go by the name of the float they stand for, unless the model has that too, or had other integers
        # for it.
        self.keys: dict[str, str] = {}
        taken: set[str] = set()
        for value in values:
            name, encoding = value["info"].name, value["encoding"]
            of = name if encoding is None else encoding["of"]
            self.encodings.setdefault(name, encoding)
            self.keys.setdefault(name, name if of in names or of in taken else of)
            if encoding is not None:
                taken.add(of)

    def decode(self, name: str, array: Array) -> Array:
        """The floats that integers stand for."""
        encoding = self.encodings.get(name)
        if encoding is None:
            return array
        floats: Array = (array.astype(np.float64) - encoding["zero_point"]).astype(np.float32) * encoding["scale"]
        return floats

    def run(self, inputs: list[Array], take: Any) -> None:
        def observe(name: str, array: Array) -> None:
            take(self.keys.get(name, name), self.decode(name, array), array.dtype)

        self.context.set_observer(observe)
        try:
            self.context.run(*inputs)
        finally:
            self.context.set_observer(None)


def compare(a: Model, b: Model, samples: SamplesLike) -> dict[str, Any]:
    """Runs two models on the same samples and compares, by name, every value that both compute. A is the reference.

    Samples are as of `Calibrator`. The answer is that of `quench compare --json` (docs/command-line.md): `runs`; in
    `values`, the worst first, `name`, `dtype_a`, `dtype_b`, `equal`, `sqnr_db`, `cosine`, `max_abs_error`, `elements`;
    in `outputs` (labels) `name`, `agreement`, `elements`. None where there is no such number.

    >>> import quench
    >>> a, b = quench.build("scenes.pb"), quench.build("scenes.pb", precision="fp16")
    >>> result = quench.compare(a, b, ["photo.jpg"])
    >>> result["runs"], result["outputs"][0]["agreement"] > 0.99
    (1, True)
    """
    for model in (a, b):
        if not isinstance(model, Model):
            raise InvalidArgumentError(f"compare: expected a Model, found {type(model).__name__}")
    if len(a.inputs) != len(b.inputs):
        raise InvalidArgumentError(f"compare: one model has {len(a.inputs)} inputs, the other {len(b.inputs)}")
    first, second = _Side(a, "a"), _Side(b, "b")
    outputs = {info.name for info in a.outputs} & {info.name for info in b.outputs}
    values = {name: _Value(name, is_output=True) for name in outputs}

    def note(side: str, name: str, array: Array, dtype: np.dtype[Any]) -> _Value:
        value = values.setdefault(name, _Value(name))
        value.dtypes[side] = str(dtype)
        value.is_float[side] = array.dtype.kind not in "iub"
        return value

    def keep(name: str, array: Array, dtype: np.dtype[Any]) -> None:
        value = note("a", name, array, dtype)
        value.kept = array if value.is_float["a"] or value.is_output else None

    def judge(name: str, array: Array, dtype: np.dtype[Any]) -> None:
        value = note("b", name, array, dtype)
        kept = value.kept
        if kept is None or value.is_float["a"] != value.is_float["b"]:
            return
        if kept.shape != array.shape:
            value.other_shape = True
            return
        value.add(kept, array)

    runs = 0
    reader = Reader(a.inputs, lambda: Vision(a))
    source = list_items(samples)
    for item in source() if callable(source) else source:
        for inputs in reader.read(item):
            first.run(inputs, keep)
            second.run(inputs, judge)
            for value in values.values():
                value.kept = None
            runs += 1
    pairs = sorted((value for value in values.values() if value.is_pair), key=lambda value: (value.sqnr_db, value.name))
    labels = sorted((value for value in values.values() if value.is_labels), key=lambda value: value.name)
    return {
        "runs": runs,
        "values": [value.describe() for value in pairs],
        "outputs": [
            {"name": value.name, "agreement": value.equal / value.elements, "elements": value.elements}
            for value in labels
        ],
    }
