"""Compiled models."""

from __future__ import annotations

import json
import os
import pickle
from typing import Any, SupportsIndex

import numpy as np

from ._arrays import TensorInfo
from ._handle import Handle
from ._native import ffi, lib
from ._status import InvalidArgumentError, bytes_of, check, path_of, text_of

_locations = {
    getattr(lib, f"QN_LOCATION_{name.upper()}"): name for name in ("arena", "constant", "input", "output", "dims")
}
_roles = {
    getattr(lib, f"QN_ROLE_{name.upper()}"): name
    for name in ("computes", "layer", "view", "transpose", "pad", "crop", "scale", "move")
}


class Model(Handle):
    """A compiled model, what `quench.build` makes and a .qn file holds. It never changes.

    `Model(path)` loads a file, `Model.from_bytes` takes bytes. Files are not trusted: every byte is checked.
    Any number of engines may be made from it, on any threads; it may be closed before them. It can be pickled.

    Errors: NotFoundError, FileError, InvalidModelError (no compiled model, or damaged), IncompatibleError (made by a
    newer quench), OutOfMemoryError.

    >>> import quench
    >>> model = quench.Model("scenes.qn")
    >>> model.inputs
    (<ImageTensor: uint8[1, ?, ?, 3]>,)
    >>> model.outputs[0].name, model.outputs[0].dtype
    ('SemanticPredictions', dtype('int32'))
    """

    def __init__(self, path: str | os.PathLike[str], *, memory: str = "map") -> None:
        """Loads a file.

        `memory`: "map" (the file is mapped; it must not be changed in place meanwhile, though it may be replaced by
        rename), or "copy", for files that others may rewrite.
        """
        if memory not in ("map", "copy"):
            raise InvalidArgumentError(f"memory: expected 'map' or 'copy', found {memory!r}")
        options = ffi.new("qn_model_options *")
        lib.qn_model_options_init(options)
        options.memory = lib.QN_MEMORY_MAP if memory == "map" else lib.QN_MEMORY_COPY
        out = ffi.new("qn_model **")
        check(lib.qn_model_load_file(path_of(path), options, out))
        self._adopt(out[0])

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, memory: str = "map") -> Model:
        """The same as `Model(path)`."""
        return cls(path, memory=memory)

    @classmethod
    def from_bytes(cls, data: Any) -> Model:
        """Takes what `bytes(model)` gave: anything with the buffer protocol. The bytes are copied."""
        try:
            buffer = ffi.from_buffer(data)
        except (TypeError, ValueError, BufferError) as error:
            raise InvalidArgumentError(f"expected the bytes of a compiled model: {error}") from None
        out = ffi.new("qn_model **")
        check(lib.qn_model_load_memory(buffer, len(buffer), lib.QN_MEMORY_COPY, ffi.NULL, out))
        return cls._from_pointer(out[0])

    @classmethod
    def _from_pointer(cls, pointer: Any) -> Model:
        model = cls.__new__(cls)
        model._adopt(pointer)
        return model

    def _adopt(self, pointer: Any) -> None:
        self._own(pointer, lib.qn_model_destroy)
        info = lib.qn_model_get_info(pointer)
        self.inputs = tuple(TensorInfo(lib.qn_model_input(pointer, i)) for i in range(info.input_count))
        self.outputs = tuple(TensorInfo(lib.qn_model_output(pointer, i)) for i in range(info.output_count))
        self.report: dict[str, Any] | None = None

    report: dict[str, Any] | None
    """What `build(..., report=True)` found, in integer precision (docs/calibration-report.md); else None."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def _info(self) -> Any:
        return lib.qn_model_get_info(self._pointer)

    @property
    def name(self) -> str:
        return text_of(self._info.name)

    @property
    def meta(self) -> dict[str, Any]:
        """Where the model comes from, its configuration, and what it says of pictures."""
        meta: dict[str, Any] = json.loads(text_of(self._info.meta) or "{}")
        return meta

    @property
    def file_bytes(self) -> int:
        return int(self._info.file_bytes)

    @property
    def const_bytes(self) -> int:
        """Bytes of weights."""
        return int(self._info.const_bytes)

    @property
    def arena_bytes_max(self) -> int | None:
        """The most that values of a run need, over all shapes in range; None: there is no ceiling."""
        return int(self._info.arena_bytes_max) or None

    def steps(self) -> list[dict[str, Any]]:
        """The program, step by step: `name`, `op`, `role`, `precision`, `attributes`, `inputs` and `outputs`
        by name.

        `role` is what the operator says it does: "layer", "view", "transpose", ... ("computes": none of these).
        """
        pointer = self._pointer
        return [self._step(pointer, i) for i in range(self._info.step_count)]

    def values(self) -> list[dict[str, Any]]:
        """Every value: `info`, `location`, `bytes` (None: no ceiling) and `encoding` of integers.

        `location` is "arena", "constant", "input", "output" or "dims". `encoding` is None, or what integers stand for:
        the float `of` that name, `scale` * (q - `zero_point`), along the last axis where these hold more than one.
        """
        pointer = self._pointer
        return [self._value(lib.qn_model_value(pointer, i)) for i in range(self._info.value_count)]

    @staticmethod
    def _value(value: Any) -> dict[str, Any]:
        encoding = None
        if value.encoding:
            given, count = value.encoding, value.encoding.channels
            encoding = {
                "of": text_of(given.of),
                "scale": np.frombuffer(ffi.buffer(given.scale, 4 * count), np.float32).copy(),
                "zero_point": np.frombuffer(ffi.buffer(given.zero_point, count), np.uint8).copy(),
            }
        has_size = value.location == lib.QN_LOCATION_CONSTANT or value.bytes
        return {
            "info": TensorInfo(value),
            "location": _locations[value.location],
            "bytes": int(value.bytes) if has_size else None,
            "encoding": encoding,
        }

    @staticmethod
    def _step(pointer: Any, index: int) -> dict[str, Any]:
        step = lib.qn_model_step(pointer, index)
        length = ffi.new("size_t *")
        check(lib.qn_model_step_attributes(pointer, index, ffi.NULL, 0, length))
        text = ffi.new("char[]", length[0] + 1)
        check(lib.qn_model_step_attributes(pointer, index, text, length[0] + 1, ffi.NULL))

        def name(value: int) -> str:
            return "" if value == 2**32 - 1 else text_of(lib.qn_model_value(pointer, value).name)

        return {
            "name": text_of(step.name),
            "op": text_of(step.op),
            "role": _roles.get(step.role, "computes"),
            "precision": text_of(step.precision),
            "attributes": text_of(text),
            "inputs": [name(step.inputs[i]) for i in range(step.input_count)],
            "outputs": [name(step.outputs[i]) for i in range(step.output_count)],
        }

    def find_input(self, name: str) -> int:
        """The number of the input of that name. NotFoundError names the nearest."""
        return self._find(lib.qn_model_find_input, name)

    def find_output(self, name: str) -> int:
        """The number of the output of that name. NotFoundError names the nearest."""
        return self._find(lib.qn_model_find_output, name)

    def _find(self, find: Any, name: str) -> int:
        index = ffi.new("size_t *")
        check(find(self._pointer, bytes_of(name), index))
        return int(index[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, whole or not at all. FileError."""
        check(lib.qn_model_save_file(self._pointer, path_of(path)))

    def check(self) -> None:
        """Checks what running does not need, `meta`. InvalidModelError names what is wrong."""
        check(lib.qn_model_check_meta(self._pointer))

    def _view(self) -> Any:
        pointer, size = self._pointer, ffi.new("size_t *")
        return ffi.buffer(lib.qn_model_bytes(pointer, size), size[0])

    def __bytes__(self) -> bytes:
        return bytes(self._view())

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        if protocol.__index__() >= 5:
            return Model.from_bytes, (pickle.PickleBuffer(bytes(self)),)
        return Model.from_bytes, (bytes(self),)

    def __repr__(self) -> str:
        if self.closed:
            return "<Model, closed>"
        return f"<Model {self.name}: {', '.join(map(repr, self.inputs))} -> {', '.join(map(repr, self.outputs))}>"

    def _repr_html_(self) -> str:
        from ._html import table

        rows = [
            (kind, i.name, str(i.dtype), i.shape)
            for kind, of in (("input", self.inputs), ("output", self.outputs))
            for i in of
        ]
        text = f"{self.name}: {self._info.step_count} steps, {self.const_bytes} bytes of weights"
        return table(text, ("", "name", "type", "shape"), rows)
