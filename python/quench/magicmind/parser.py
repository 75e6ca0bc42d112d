"""Reading trained models."""

from __future__ import annotations

import difflib
import os
from typing import Any

from .._status import InvalidArgumentError, NotFoundError, UnsupportedError
from ..network import Network as Graph
from .enums import ModelKind
from .network import Network, network_of
from .spelling import BothSpellings
from .status import Status, attempt

_texts, _flag, _text = "a list of texts", "True or False", "a text"
_parameters = {
    "tf-model-type": _text,
    "tf-graphdef-inputs": _texts,
    "tf-graphdef-outputs": _texts,
    "tf-infer-shape": _flag,
    "tf-savedmodel-tags": _texts,
    "tf-savedmodel-exported-names": _texts,
    "tf-savedmodel-main-func": _text,
    "pytorch-input-dtypes": "a list",
}
_checks = {
    _text: lambda value: isinstance(value, str),
    _texts: lambda value: isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value),
    _flag: lambda value: isinstance(value, bool),
    "a list": lambda value: isinstance(value, (list, tuple)),
}
_freeze = "freeze it: quench reads a frozen graph (tf-graphdef-file)"


class Parser(BothSpellings):
    """Reads a trained model into a `Network`. quench reads TensorFlow's frozen graphs, and says so of all else.

    Inputs and outputs need not be given where the graph tells them; shapes are inferred always (`tf-infer-shape`).

    >>> import quench.magicmind as mm
    >>> network, parser = mm.Network(), mm.Parser(mm.ModelKind.kTensorflow)
    >>> parser.set_model_param("tf-graphdef-inputs", ["ImageTensor:0"]).ok()
    True
    >>> parser.parse(network, "scenes.pb").ok(), network.get_input(0).get_dimension()
    (True, Dims([1, -1, -1, 3]))
    """

    def __init__(self, kind: ModelKind) -> None:
        if not isinstance(kind, ModelKind):
            raise InvalidArgumentError(f"Parser: expected one of ModelKind, found {kind!r}: give ModelKind.kTensorflow")
        self._kind = kind
        self._given: dict[str, Any] = {}

    def set_model_param(self, key: str, value: Any) -> Status:
        """Says something of the model: one of the keys of MagicMind."""
        return attempt(lambda: self._set(key, value))

    def _set(self, key: str, value: Any) -> None:
        if key not in _parameters:
            nearest = difflib.get_close_matches(str(key), _parameters, 1)
            raise NotFoundError(
                f"model parameter {key!r}: there is none; "
                + (f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(_parameters)}")
            )
        if not _checks[_parameters[key]](value):
            raise InvalidArgumentError(f"model parameter {key!r}: expected {_parameters[key]}, found {value!r}")
        if key == "tf-model-type" and value != "tf-graphdef-file":
            raise UnsupportedError(f"model parameter {key!r}: {value!r} is not read here: {_freeze}")
        if key.startswith("tf-savedmodel"):
            raise UnsupportedError(f"model parameter {key!r}: SavedModels are not read here: {_freeze}")
        self._given[key] = value

    def parse(self, network: Network, *files: str | os.PathLike[str]) -> Status:
        """Reads a model file into an empty network."""
        network_of(network, "parse")
        if not files:
            raise InvalidArgumentError("parse: expected a network and the path of a model")
        return attempt(lambda: self._parse(network, files))

    def _parse(self, network: Network, files: tuple[Any, ...]) -> None:
        if self._kind is not ModelKind.kTensorflow:
            raise UnsupportedError(
                f"{files[0]}: {self._kind.value} is not read by this version: quench reads TensorFlow's frozen graphs"
            )
        if len(files) > 1:
            raise InvalidArgumentError(f"parse: a frozen graph is one file, found {len(files)}")
        inputs, outputs = (self._given.get(f"tf-graphdef-{which}", ()) for which in ("inputs", "outputs"))
        path = files[0]
        network._fill(lambda: Graph(path, inputs=list(inputs), outputs=list(outputs)))
