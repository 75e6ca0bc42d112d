"""Compiled models."""

from __future__ import annotations

import os
import warnings
from typing import Any

from .._status import Error, InvalidArgumentError, QuenchWarning
from ..engine import Engine
from ..model import Model as Compiled
from .network import pick
from .runtime import IEngine
from .spelling import BothSpellings
from .status import Status, attempt
from .types import DataType, Dims, from_numpy, to_dims


class _EngineConfig:
    """`device_type` is "MLU" in scripts for the card, and here the CPU whatever it says.

    `threads`, `cpu` and `pin` are those of `quench.Engine`.
    """

    def __init__(self) -> None:
        self.device_type = "CPU"
        self.const_data_init = True
        self.threads = 0
        self.cpu: str | None = None
        self.pin = False


class Model(BothSpellings):
    """A compiled model, empty until it is deserialised or built: a `quench.Model` in `quench`."""

    EngineConfig = _EngineConfig

    def __init__(self) -> None:
        self._model: Compiled | None = None

    @classmethod
    def _from(cls, compiled: Compiled) -> Model:
        model = cls()
        model._model = compiled
        return model

    @property
    def quench(self) -> Compiled:
        """The model of quench."""
        if self._model is None:
            raise InvalidArgumentError("the model is empty: model.deserialize_from_file(path) fills it")
        return self._model

    # ---- Files ----

    def serialize_to_file(self, path: str | os.PathLike[str]) -> Status:
        """Writes the model, whole or not at all."""
        model = self.quench
        return attempt(lambda: model.save(path))

    def deserialize_from_file(self, path: str | os.PathLike[str]) -> Status:
        """Takes a file of quench's; those of MagicMind are for its cards."""
        return attempt(lambda: self._take(Compiled(path)))

    def serialize_to_memory(self) -> bytes:
        return bytes(self.quench)

    def deserialize_from_memory(self, data: Any, size: int | None = None) -> Status:
        """Takes what `serialize_to_memory` gave, or the first `size` bytes of a buffer."""
        try:
            view = memoryview(data)[:size]
        except TypeError as error:
            raise InvalidArgumentError(f"deserialize_from_memory: expected bytes, found {data!r} ({error})") from None
        return attempt(lambda: self._take(Compiled.from_bytes(view)))

    def get_serialized_model_size(self) -> int:
        return self.quench.file_bytes

    def _take(self, compiled: Compiled) -> None:
        self._model = compiled

    # ---- What goes in and comes out ----

    def get_input_num(self) -> int:
        return len(self.quench.inputs)

    def get_output_num(self) -> int:
        return len(self.quench.outputs)

    def get_input_names(self) -> list[str]:
        return [info.name for info in self.quench.inputs]

    def get_output_names(self) -> list[str]:
        return [info.name for info in self.quench.outputs]

    def get_input_dimensions(self) -> list[Dims]:
        """The dims of all inputs, -1 where a size is open."""
        return [to_dims(info.shape) for info in self.quench.inputs]

    def get_output_dimensions(self) -> list[Dims]:
        return [to_dims(info.shape) for info in self.quench.outputs]

    def get_input_dimension(self, index: int) -> Dims:
        return to_dims(pick(self.quench.inputs, index, "input").shape)

    def get_output_dimension(self, index: int) -> Dims:
        return to_dims(pick(self.quench.outputs, index, "output").shape)

    def get_input_data_types(self) -> list[DataType]:
        return [from_numpy(info.dtype) for info in self.quench.inputs]

    def get_output_data_types(self) -> list[DataType]:
        return [from_numpy(info.dtype) for info in self.quench.outputs]

    def get_input_data_type(self, index: int) -> DataType:
        return from_numpy(pick(self.quench.inputs, index, "input").dtype)

    def get_output_data_type(self, index: int) -> DataType:
        return from_numpy(pick(self.quench.outputs, index, "output").dtype)

    def get_input_index_by_name(self, name: str) -> int:
        return self.quench.find_input(name)

    def get_output_index_by_name(self, name: str) -> int:
        return self.quench.find_output(name)

    # ---- Running ----

    def create_i_engine(self, config: _EngineConfig | None = None) -> IEngine | None:
        """An engine on this CPU; None where there can be none, and a warning says why."""
        settings = _EngineConfig() if config is None else config
        if not isinstance(settings, _EngineConfig):
            raise InvalidArgumentError(f"create_i_engine: expected Model.EngineConfig(), found {config!r}")
        model = self.quench
        try:
            return IEngine(Engine(model, threads=settings.threads, cpu=settings.cpu, pin=settings.pin))
        except Error as error:
            warnings.warn(f"create_i_engine: {error.code}: {error}", QuenchWarning, stacklevel=2)
            return None

    def __repr__(self) -> str:
        return "<Model, empty>" if self._model is None else repr(self._model)
