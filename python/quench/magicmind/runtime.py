"""Engines, contexts and the tensors of a run."""

from __future__ import annotations

import concurrent.futures
import warnings
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._arrays import Array, ArrayLike, TensorInfo, as_array, shape_text
from .._results import Outputs
from .._status import Error, InvalidArgumentError, QuenchWarning, UnavailableError
from ..context import Context
from ..engine import Engine
from . import profiler
from .device import Device, Queue
from .spelling import BothSpellings
from .status import Code, Status, attempt, refuse
from .types import DataType, Dims, Layout, TensorLocation, from_dims, from_numpy, to_dims


class IEngine(BothSpellings):
    """A model bound to this CPU: a `quench.Engine` in `quench`. Any number of contexts share it."""

    def __init__(self, engine: Engine) -> None:
        self.quench = engine

    def create_i_context(self) -> IContext | None:
        """A context; None where there can be none, and a warning says why."""
        try:
            return IContext(self.quench.context())
        except Error as error:
            warnings.warn(f"create_i_context: {error.code}: {error}", QuenchWarning, stacklevel=2)
            return None

    def query_const_data_size(self) -> int:
        """Bytes of weights."""
        return self.quench.model.const_bytes

    def query_context_max_workspace_size(self, dims: Sequence[Dims] = ()) -> tuple[Status, int]:
        """Bytes that a context needs at these dims of the inputs, or at the largest; UNAVAILABLE: there are none."""
        found = [0]

        def work() -> None:
            shapes = [Dims(item) for item in dims]
            found[0] = self.quench.arena_bytes(*shapes)

        return attempt(work), found[0]


class IContext(BothSpellings):
    """What one thread at a time runs a model on: a `quench.Context` in `quench`."""

    def __init__(self, context: Context) -> None:
        self.quench = context
        self._pending: concurrent.futures.Future[Outputs] | None = None
        self._trace = profiler.no_trace
        self._shapes: list[tuple[int, ...]] | None = None  # of the inputs
        self._output_shapes: list[tuple[int, ...]] = []

    def create_inputs(self) -> list[IRTTensor]:
        """A tensor for each input, without data."""
        return [IRTTensor(info) for info in self.quench.inputs]

    def create_outputs(self, inputs: Sequence[IRTTensor], suppress_infer_shape_error: bool = False) -> list[IRTTensor]:
        """A tensor for each output, with memory of the size that the dims of the inputs lead to.

        Where that is known only after a run: an empty list, which `enqueue` fills, with `suppress_infer_shape_error`,
        else UnavailableError. Errors: also InvalidArgumentError (dims that the model does not take).
        """
        outputs: list[IRTTensor] = []
        if self._infer(self._need_inputs(inputs), outputs):
            return outputs
        if not suppress_infer_shape_error:
            raise UnavailableError(f"create_outputs: {_depends}")
        return []

    def infer_output_shape(self, inputs: Sequence[IRTTensor], outputs: list[IRTTensor]) -> Status:
        """Finds the dims of the outputs and gives those in `outputs` (if it is empty: all) their memory.

        UNAVAILABLE: they depend on what the inputs hold; give `enqueue` an empty list then.
        """
        given = self._need_inputs(inputs)
        self._need_outputs(outputs)
        known = [False]

        def work() -> None:
            known[0] = self._infer(given, outputs)

        status = attempt(work)
        return status if known[0] or not status.ok() else Status(Code.UNAVAILABLE, _depends)

    def enqueue(self, inputs: Sequence[IRTTensor], outputs: list[IRTTensor], queue: Queue) -> Status:
        """Puts a run into a queue. Outputs hold their results when it is done: after `queue.sync()`.

        An empty list is filled with tensors. Outputs with memory of their own are written there. What fails while it
        runs is the answer of `queue.sync()`.
        """
        given = self._need_inputs(inputs)
        self._need_outputs(outputs)
        if not isinstance(queue, Queue):
            raise InvalidArgumentError(f"enqueue: expected a Queue, found {queue!r}: device.create_queue() makes one")
        empty = [tensor.get_name() for tensor in given if tensor._array is None]
        if empty:
            raise InvalidArgumentError(f"enqueue: input {empty[0]!r} holds no data: from_numpy(array) gives it some")
        return attempt(lambda: self._enqueue([tensor._array for tensor in given], outputs, queue))

    def set_context_dump_info(self, info: Any) -> Status:
        return refuse(
            "set_context_dump_info",
            "values are had by context.quench.set_observer(function), or as files by `quench run --dump`",
        )

    # ---- Inside ----

    def _enqueue(self, arrays: list[Any], outputs: list[IRTTensor], queue: Queue) -> None:
        context = self.quench
        self._follow_profiler()
        self._set_shapes([array.shape for array in arrays])
        owned = None
        if outputs and any(tensor._is_given for tensor in outputs) and not context._has_open_sizes:
            owned = [tensor._room(shape) for tensor, shape in zip(outputs, self._output_shapes)]
        future = queue._engine_queue(context.engine).enqueue(context, *arrays, outputs=owned)
        self._pending = future
        if not outputs:
            outputs.extend(IRTTensor(info) for info in context.outputs)
        for index, tensor in enumerate(outputs):
            tensor._await(future, index)

    def _infer(self, inputs: list[IRTTensor], outputs: list[IRTTensor]) -> bool:
        """Gives the outputs their dims; False where these depend on data."""
        self._set_shapes([tensor._need_shape() for tensor in inputs])
        if self.quench._has_open_sizes:
            return False
        if not outputs:
            outputs.extend(IRTTensor(info) for info in self.quench.outputs)
        for tensor, shape in zip(outputs, self._output_shapes):
            tensor._allocate(shape)
        return True

    def _set_shapes(self, shapes: list[tuple[int, ...]]) -> None:
        if shapes == self._shapes:
            return
        self._wait()
        self._shapes = None
        self._output_shapes = self.quench.set_shapes(*shapes)
        self._shapes = shapes

    def _wait(self) -> None:
        """Shapes change when earlier runs are done."""
        if self._pending is not None:
            concurrent.futures.wait([self._pending])

    def _follow_profiler(self) -> None:
        trace = profiler.current_trace()
        if trace is not self._trace:
            self._wait()
            self.quench.set_trace(trace)
            self._trace = trace

    def _need_inputs(self, inputs: Sequence[IRTTensor]) -> list[IRTTensor]:
        return _need_tensors(inputs, self.quench.inputs, "inputs", "context.create_inputs()")

    def _need_outputs(self, outputs: list[IRTTensor]) -> None:
        if not isinstance(outputs, list):
            raise InvalidArgumentError(f"outputs: expected a list, which may be empty, found {type(outputs).__name__}")
        if outputs:
            _need_tensors(outputs, self.quench.outputs, "outputs", "context.create_outputs(inputs)")


_depends = "sizes of outputs depend on what the inputs hold: give enqueue an empty list"


class IRTTensor(BothSpellings):
    """A tensor of a run, in the memory of this machine."""

    def __init__(self, info: TensorInfo) -> None:
        self._info = info
        self._dims: Dims = to_dims(info.shape)
        self._array: Array | None = None
        self._future: concurrent.futures.Future[Outputs] | None = None
        self._index = 0
        self._is_given = False  # its memory came before the run, and results are written there

    # ---- What it is ----

    def get_name(self) -> str:
        return self._info.name

    def get_data_type(self) -> DataType:
        return from_numpy(self._info.dtype)

    def get_layout(self) -> Layout:
        """NONE: quench keeps no names of dims."""
        return Layout.NONE

    def get_memory_location(self) -> TensorLocation:
        return TensorLocation.kHost

    @property
    def shape(self) -> Dims:
        """Its dims, -1 where a size is not known yet; of results it waits for the run."""
        self._settle()
        return self._dims

    def get_dimensions(self) -> Dims:
        return self.shape

    def set_dimensions(self, dims: Dims) -> Status:
        """Gives an input its dims, for `infer_output_shape`; data of other dims goes."""
        shape = Dims(size if size is not None else -1 for size in from_dims(dims, "set_dimensions"))
        rank = len(self._info.shape)
        if len(shape) != rank or -1 in shape:
            return Status(
                Code.INVALID_ARGUMENT,
                f"set_dimensions of {self.get_name()!r}: expected {rank} sizes of at least 0, found {list(shape)}",
            )
        if self._array is None or self._array.shape != shape:
            self._array = None
        self._dims = shape
        return Status()

    resize = set_dimensions

    def get_size(self) -> int:
        """Bytes; -1 while a size is open."""
        count = self.shape.GetElementCount()
        return count if count < 0 else count * self._info.dtype.itemsize

    # ---- What it holds ----

    def from_numpy(self, array: ArrayLike) -> Status:
        """Takes a copy of an array of its type, and the array's dims."""
        found = as_array(array, f"tensor {self.get_name()!r}", self._info.dtype)
        if found.dtype != self._info.dtype:
            raise InvalidArgumentError(
                f"from_numpy: tensor {self.get_name()!r} holds {self._info.dtype}, found {found.dtype}: "
                f"give x.astype({self._info.dtype.name!r}) if that keeps what it means"
            )
        if found.ndim != len(self._info.shape):
            raise InvalidArgumentError(
                f"from_numpy: tensor {self.get_name()!r} is {shape_text(self._info.shape)}, found {list(found.shape)}"
                + (": give x[None], which has a batch" if found.ndim == len(self._info.shape) - 1 else "")
            )
        self._hold(np.array(found, order="C"))
        return Status()

    memcpy_from_host = from_numpy

    def to(self, device: Device) -> Status:
        """Nothing has to be copied: the device is this machine's CPU."""
        if not isinstance(device, Device):
            raise InvalidArgumentError(f"to: expected a Device, found {device!r}")
        return Status()

    def asnumpy(self) -> Array:
        """A copy of what it holds; of a result that is not there yet it waits. Raises what the run failed with."""
        self._settle()
        if self._array is None:
            raise InvalidArgumentError(f"tensor {self.get_name()!r} holds nothing yet: from_numpy, or enqueue and sync")
        copied: Array = self._array.copy()
        return copied

    @property
    def data_address(self) -> int:
        """Where its elements are. It stays so until other data comes."""
        self._settle()
        if self._array is None:
            raise InvalidArgumentError(f"tensor {self.get_name()!r} has no memory yet")
        _addresses[self._array.ctypes.data] = self
        return int(self._array.ctypes.data)

    def set_data_address(self, address: int) -> Status:
        """Takes the memory of another tensor of this process, of the same type, with its dims."""
        owner = _addresses.get(address)
        array = None if owner is None else owner._array
        if array is None or array.ctypes.data != address:
            return refuse(
                f"set_data_address({address!r})",
                "only memory of a tensor is taken, its data_address; from_numpy copies",
            )
        if array.dtype != self._info.dtype or array.ndim != len(self._info.shape):
            return Status(
                Code.INVALID_ARGUMENT,
                f"set_data_address: tensor {self.get_name()!r} is {self._info.dtype}{shape_text(self._info.shape)}, "
                f"found {array.dtype}{list(array.shape)}",
            )
        self._hold(array)
        return Status()

    def __repr__(self) -> str:
        return f"<IRTTensor {self._info!r}>"

    # ---- Inside ----

    def _hold(self, array: Array) -> None:
        self._array, self._dims, self._future, self._is_given = array, Dims(array.shape), None, True

    def _allocate(self, shape: tuple[int, ...]) -> None:
        if self._array is None or self._array.shape != shape or self._future is not None:
            self._hold(np.zeros(shape, self._info.dtype))

    def _room(self, shape: tuple[int, ...]) -> Array:
        """Memory for a result of that shape: its own, or where that does not fit other."""
        if self._array is None or self._array.shape != shape:
            self._hold(np.empty(shape, self._info.dtype))
        assert self._array is not None
        return self._array

    def _await(self, future: concurrent.futures.Future[Outputs], index: int) -> None:
        self._future, self._index = future, index

    def _settle(self) -> None:
        """Takes the result of the run that was put into a queue, waiting for it."""
        if self._future is not None:
            array: Array = self._future.result()[self._index]
            self._array, self._dims, self._future = array, Dims(array.shape), None

    def _need_shape(self) -> tuple[int, ...]:
        if -1 in self._dims:
            raise InvalidArgumentError(
                f"input {self.get_name()!r} has open sizes, {list(self._dims)}: "
                "from_numpy(array) or set_dimensions(dims)"
            )
        return tuple(self._dims)


# Addresses that were asked for, so that `set_data_address` takes no other.
_addresses: weakref.WeakValueDictionary[int, IRTTensor] = weakref.WeakValueDictionary()


def _need_tensors(given: Any, infos: Sequence[TensorInfo], what: str, made_by: str) -> list[IRTTensor]:
    tensors: list[IRTTensor] = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(tensors) != len(infos) or not all(isinstance(tensor, IRTTensor) for tensor in tensors):
        found = ", ".join(type(item).__name__ for item in tensors) or "none"
        raise InvalidArgumentError(f"{what}: expected {len(infos)} tensors, as {made_by} gives them, found {found}")
    for tensor, info in zip(tensors, infos):
        if tensor._info.name != info.name:
            raise InvalidArgumentError(f"{what}: expected the tensor {info.name!r}, found {tensor._info.name!r}")
    return tensors
