"""Trained networks: imported, or made node by node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Union

import numpy as np
from numpy.typing import DTypeLike

from ._arrays import MAX_RANK, ArrayLike, TensorInfo, as_array, code_of, fill_tensor
from ._call import Call, sink
from ._handle import Handle, one_at_a_time
from ._native import ffi, lib
from ._status import InvalidArgumentError, bytes_of, check, path_of, text_of
from .nodes import Node, Value

Names = Union[Sequence[str], Mapping[str, Union[Sequence[Union[int, None]], None]]]
_formats = {"text": "QN_GRAPH_TEXT", "dot": "QN_GRAPH_DOT", "json": "QN_GRAPH_JSON"}


@one_at_a_time
class Network(Handle):
    """A network as a training framework saved it, before it is built.

    `Network(path)` imports a TensorFlow frozen graph, `Network.from_bytes` one in memory, `Network.create` starts an
    empty one, to which `add_input`, `add_constant`, `add_node` and `mark_output` add. `build` uses a network up: it can
    only be closed afterwards.

    `inputs` and `outputs` choose those, where what is found is not what is wanted: names, or for inputs a dict of names
    and shapes (None: a free size; no shape: as declared). What the import has to say is a `QuenchWarning`.

    Errors: NotFoundError, FileError, InvalidModelError (damaged, contradicts itself), UnsupportedError (another format;
    operators that quench does not have, all of them listed), InvalidArgumentError (no such input or output),
    LimitError. Threads: one at a time.

    >>> import quench
    >>> network = quench.Network("scenes.pb")
    >>> network.inputs
    (<ImageTensor: uint8[1, ?, ?, 3]>,)
    >>> network.parameter_count
    225813
    """

    _closed_by = "closed, or used up by a build"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        inputs: Names = (),
        outputs: Sequence[str] = (),
        format: str | None = None,
    ) -> None:
        location = path_of(path)
        self._import(lambda options, out: lib.qn_network_import_file(location, options, out), inputs, outputs, format)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        inputs: Names = (),
        outputs: Sequence[str] = (),
        format: str | None = None,
    ) -> Network:
        """The same as `Network(path)`."""
        return cls(path, inputs=inputs, outputs=outputs, format=format)

    @classmethod
    def from_bytes(
        cls,
        data: Any,
        name: str = "network",
        *,
        inputs: Names = (),
        outputs: Sequence[str] = (),
        format: str | None = None,
    ) -> Network:
        """Imports a graph from anything with the buffer protocol; `name` stands for the file in messages."""
        network = cls.__new__(cls)
        kept = bytes(data)  # borrowed as long as the network lives
        buffer, label = ffi.from_buffer(kept), bytes_of(name)
        network._data = buffer
        network._import(
            lambda options, out: lib.qn_network_import_memory(buffer, len(kept), label, options, out),
            inputs,
            outputs,
            format,
        )
        return network

    @classmethod
    def create(cls, name: str = "network") -> Network:
        """An empty network."""
        network, out = cls.__new__(cls), ffi.new("qn_network **")
        check(lib.qn_network_create(bytes_of(name), ffi.NULL, out))
        network._own(out[0], lib.qn_network_destroy)
        return network

    _data: Any = None
    _repeat: Callable[[], Network] | None = None

    def _import(
        self, function: Callable[[Any, Any], Any], inputs: Names, outputs: Sequence[str], format: str | None
    ) -> None:
        options, kept = _make_options(inputs, outputs, format)
        out = ffi.new("qn_network **")
        with Call() as call:
            call.check(function(options, out))
        del kept
        data = self._data
        # What C borrows lives as long as the object of C.
        self._own(out[0], lambda pointer, _=data: lib.qn_network_destroy(pointer))

        def repeat() -> Network:
            again = Network.__new__(Network)
            again._data = data
            again._import(function, inputs, outputs, format)
            return again

        self._repeat = repeat

    def _copy(self) -> Network | None:
        """The same network, imported again; None where it was made node by node or has been changed."""
        return None if self._repeat is None else self._repeat()

    # ---- Looking ----

    @property
    def _info(self) -> Any:
        return lib.qn_network_get_info(self._pointer)

    @property
    def name(self) -> str:
        return text_of(self._info.name)

    @property
    def parameter_count(self) -> int:
        """Elements of constants in use."""
        return int(self._info.parameter_count)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        return self._describe(lib.qn_network_get_input, self._info.input_count)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        return self._describe(lib.qn_network_get_output, self._info.output_count)

    def _describe(self, get: Any, count: int) -> tuple[TensorInfo, ...]:
        info, found = ffi.new("qn_value_info *"), []
        for index in range(count):
            get(self._pointer, index, info)
            found.append(TensorInfo(info))
        return tuple(found)

    def nodes(self, op: str | None = None) -> Iterator[Node]:
        """The nodes in order of execution; with `op` those of that operator."""
        wanted = ffi.NULL if op is None else ffi.new("char[]", bytes_of(op))
        found, node = [], lib.qn_network_first_node(self._pointer, wanted)
        while node:
            found.append(Node(self, node))
            node = lib.qn_network_next_node(node, wanted)
        return iter(found)

    def find_node(self, name: str) -> Node:
        """The node of that name. NotFoundError names the nearest."""
        out = ffi.new("qn_node **")
        check(lib.qn_network_find_node(self._pointer, bytes_of(name), out))
        return Node(self, out[0])

    def find_value(self, name: str) -> Value:
        """The value of that name. NotFoundError names the nearest."""
        out = ffi.new("qn_value **")
        check(lib.qn_network_find_value(self._pointer, bytes_of(name), out))
        return Value(self, out[0])

    def to_text(self, format: str = "text") -> str:
        """The graph as "text" (docs/text-ir.md), "dot" (Graphviz) or "json"."""
        if format not in _formats:
            raise InvalidArgumentError(f"format: expected one of {', '.join(_formats)}, found {format!r}")
        out = ffi.new("const char **")
        check(lib.qn_network_print(self._changeable, getattr(lib, _formats[format]), out))
        return text_of(out[0])

    # ---- Building node by node ----

    def add_input(self, name: str, shape: Sequence[int | None], dtype: DTypeLike = np.float32) -> Value:
        """Adds an input; None in `shape` is a free size."""
        sizes, out = _make_sizes(shape), ffi.new("qn_value **")
        code = code_of(dtype, f"input {name!r}")
        self._change(lib.qn_network_add_input(self._changeable, bytes_of(name), code, len(sizes), sizes, out))
        return Value(self, out[0])

    def add_constant(self, name: str, value: ArrayLike) -> Value:
        """Adds a constant; the elements are copied. Floats of Python become float32."""
        what = f"constant {name!r}"
        array = as_array(value, what) if hasattr(value, "dtype") else _as_constant(value)
        array = np.asarray(array, order="C")
        tensor, out = ffi.new("qn_tensor *"), ffi.new("qn_value **")
        kept = fill_tensor(tensor, array, what)
        self._change(lib.qn_network_add_constant(self._changeable, bytes_of(name), tensor, out))
        del kept
        return Value(self, out[0])

    def add_node(self, op: str, *inputs: Value | None, name: str | None = None, **attributes: Any) -> Node:
        """Adds a node after all others: an operator (`quench.operators()`), its inputs, and attributes as keywords.

        None stands for an optional input that is left out. Errors: NotFoundError (no such operator, with the nearest),
        InvalidModelError (attributes, types or shapes that the operator does not take), InvalidArgumentError.
        """
        values = ffi.new("qn_value *[]", [ffi.NULL if value is None else value._live(self) for value in inputs])
        label = ffi.NULL if name is None else ffi.new("char[]", bytes_of(name))
        text = ", ".join(f"{key}={_attribute(value)}" for key, value in attributes.items())
        out = ffi.new("qn_node **")
        self._change(
            lib.qn_network_add_node(self._changeable, bytes_of(op), label, bytes_of(text), values, len(inputs), out)
        )
        return Node(self, out[0])

    def mark_output(self, value: Value, name: str | None = None) -> None:
        """Makes a value an output, after those marked before; `name` renames it."""
        label = ffi.NULL if name is None else ffi.new("char[]", bytes_of(name))
        self._change(lib.qn_network_mark_output(self._changeable, value._live(self), label))

    def unmark_output(self, value: Value) -> None:
        """The opposite of `mark_output`."""
        self._change(lib.qn_network_unmark_output(self._changeable, value._live(self)))

    # ---- Changing ----

    def rename(self, value: Value, name: str) -> None:
        """Renames a value, and the node whose first output it is."""
        self._change(lib.qn_network_rename(self._changeable, value._live(self), bytes_of(name)))

    def set_input_shape(self, value: Value | str, shape: Sequence[int | None]) -> None:
        """Gives an input another shape; None is a free size."""
        sizes = _make_sizes(shape)
        self._change(lib.qn_network_set_input_dims(self._changeable, self._value(value), len(sizes), sizes))

    def set_input_range(self, value: Value | str, least: Sequence[int], most: Sequence[int]) -> None:
        """Bounds the sizes that an input may have: one of each for every dim, at least 1."""
        pointer, low, high = self._value(value), _make_sizes(least), _make_sizes(most)
        rank = len(Value(self, pointer).info.shape)
        if len(low) != rank or len(high) != rank:
            raise InvalidArgumentError(f"range: expected {rank} sizes twice, found {len(low)} and {len(high)}")
        self._change(lib.qn_network_set_input_range(self._changeable, pointer, low, high))

    def set_input_dtype(self, value: Value | str, dtype: DTypeLike) -> None:
        """Gives an input another element type."""
        self._change(lib.qn_network_set_input_dtype(self._changeable, self._value(value), code_of(dtype, "input")))

    def set_precision(self, target: Node | Value, dtype: DTypeLike) -> None:
        """Asks for the type in which a node stores its floats: float16, float32, or uint8 and int16 for integers."""
        code = code_of(dtype, "precision")
        if isinstance(target, Node):
            self._change(lib.qn_network_set_node_precision(self._changeable, target._live(self), code))
        else:
            self._change(lib.qn_network_set_value_precision(self._changeable, target._live(self), code))

    def _value(self, value: Value | str) -> Any:
        return (self.find_value(value) if isinstance(value, str) else value)._live(self)

    def _change(self, status: Any) -> None:
        check(status)
        self._repeat = None

    # ---- Showing ----

    def __repr__(self) -> str:
        if self.closed:
            return "<Network, closed>"
        return f"<Network {self.name}: {', '.join(map(repr, self.inputs))} -> {', '.join(map(repr, self.outputs))}>"

    def _repr_html_(self) -> str:
        from ._html import table

        kinds = (("input", self.inputs), ("output", self.outputs))
        rows = [(kind, info.name, str(info.dtype), info.shape) for kind, infos in kinds for info in infos]
        caption = f"{self.name}: {self._info.node_count} nodes, {self.parameter_count} parameters"
        return table(caption, ("", "name", "type", "shape"), rows)


def _attribute(value: Any) -> str:
    """An attribute as the text IR writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_attribute(item) for item in value) + "]"
    return json.dumps(value)


def _as_constant(value: Any) -> Any:
    array = np.array(value)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _make_sizes(shape: Sequence[int | None]) -> Any:
    if len(shape) > MAX_RANK:
        raise InvalidArgumentError(f"shape {list(shape)}: {MAX_RANK} dims are the most")
    try:
        return ffi.new("int64_t[]", [-1 if size is None else size for size in shape])
    except (TypeError, OverflowError):
        raise InvalidArgumentError(f"shape: expected whole numbers or None, found {list(shape)}") from None


def _make_options(inputs: Names, outputs: Sequence[str], format: str | None) -> tuple[Any, list[Any]]:
    """`qn_network_options` and what has to live as long."""
    options, kept = ffi.new("qn_network_options *"), []
    lib.qn_network_options_init(options)
    if isinstance(inputs, str) or isinstance(outputs, str):
        raise InvalidArgumentError("inputs and outputs: expected names in a list, found a single text: give [name]")
    shapes: dict[str, Any] = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(inputs)
    chosen = ffi.new("qn_network_input[]", max(len(shapes), 1))
    for item, (name, shape) in zip(chosen, shapes.items()):
        label = ffi.new("char[]", bytes_of(name))
        kept.append(label)
        item.name, item.rank = label, -1
        if shape is not None:
            sizes = _make_sizes(shape)
            item.rank = len(sizes)
            item.dims[0 : len(sizes)] = list(sizes)
    labels = [ffi.new("char[]", bytes_of(name)) for name in outputs]
    names = ffi.new("const char *[]", labels)
    options.inputs, options.input_count = chosen, len(shapes)
    options.outputs, options.output_count = names, len(labels)
    kind = ffi.NULL if format is None else ffi.new("char[]", bytes_of(format))
    options.format, options.log = kind, sink
    kept += [chosen, *labels, names, kind]
    return options, kept
