"""Running a model."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

import numpy as np

from ._arrays import Array, ArrayLike, TensorInfo, as_array, copy_tensor, pointer_to, set_dims, shape_of, shape_text
from ._call import Call, keep_failure
from ._handle import Handle
from ._native import ffi, lib
from ._results import Outputs, make_outputs, shorten
from ._status import BusyError, InvalidArgumentError, NotFoundError, check, take_error, text_of
from .engine import Engine, make_shapes
from .trace import Trace

OutputsLike = Any  # a mapping by name, a sequence in order, or one array
Observer = Callable[[str, Array], object]

_ndarray = np.ndarray
_from_buffer = ffi.from_buffer
_run = lib.qn_context_run
_own_context = "take a context of its own (engine.context())"


class Context(Handle):
    """What one thread runs a model on: shapes, and the memory of values between the steps.

    A context belongs to one thread at a time: a call that finds it in use raises `BusyError` and changes nothing. Any
    number of contexts may run at once on one engine. The interpreter's lock is released while C works.

    Errors of making one: OutOfMemoryError, UnsupportedError (the size of a value depends on data without bound).
    """

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine, Engine):
            raise InvalidArgumentError(f"engine: expected an Engine, found {type(engine).__name__}")
        out = ffi.new("qn_context **")
        check(lib.qn_context_create(engine._pointer, out))
        self._own(out[0], lib.qn_context_destroy)
        self.engine = engine
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._lock = threading.Lock()
        self._queued = 0  # runs that wait on queues; changed under `_counting`
        self._counting = threading.Lock()
        self._shapes: list[tuple[int, ...]] | None = None  # of the inputs, as set
        self._output_shapes: list[tuple[int, ...]] = []
        self._has_open_sizes = False  # an output's size depends on data
        self._tensors = Tensors(self.inputs, self.outputs)
        self._names = tuple(info.name for info in self.outputs)
        self._observer: Any = None

    def run(self, *inputs: ArrayLike, outputs: OutputsLike = None, **named: ArrayLike) -> Outputs:
        """Runs the model once.

        Inputs are given in the model's order, by name as keywords, or as one dict. Each is an array of the input's
        dtype and of a shape in its range, in C order: one of NumPy, a torch tensor or whatever else has DLPack,
        `__array__` or the buffer protocol. None is copied or converted; lists of numbers are. Shapes may differ from
        run to run.

        `outputs`: arrays to write results to, by name, in order, or the only one; what is missing or None is made.

        Errors: InvalidArgumentError (dtype, shape, layout, read-only results: the text says what was expected),
        NotFoundError (no input of that name), BusyError, CancelledError, ClosedError. After an error outputs hold
        nothing in particular and the context stays usable.
        """
        if named or len(inputs) != len(self.inputs) or any(isinstance(value, Mapping) for value in inputs):
            inputs = self._sort_inputs(inputs, named)
        if not self._lock.acquire(False):
            raise self._busy()
        try:
            pointer = self._pointer
            if self._queued:
                raise BusyError("runs of this context wait on a queue: wait (queue.sync()), or " + _own_context)
            tensors = self._tensors
            kept = self._bind(tensors, inputs)
            results = self._bind_outputs(tensors, outputs, kept)
            if self._observer is not None:
                with Call() as call:
                    call.check(_run(pointer, tensors.inputs, len(inputs), tensors.outputs, len(results)))
            else:
                status = _run(pointer, tensors.inputs, len(inputs), tensors.outputs, len(results))
                if status:
                    raise take_error(status)
            return self._finish(tensors, results)
        finally:
            self._lock.release()

    # ---- Arguments of a run ----

    def _busy(self) -> BusyError:
        return BusyError(
            "the context is in use on another thread: give each thread a context of its own (engine.context())"
        )

    def _sort_inputs(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Inputs in the model's order."""
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            named = {**inputs[0], **named}
            inputs = ()
        infos = self.inputs
        given = dict(zip((info.name for info in infos), inputs))
        for name, value in named.items():
            key = name if any(info.name == name for info in infos) else name.rpartition(":")[0] or name
            if not any(info.name == key for info in infos):
                known = ", ".join(info.name for info in infos)
                raise NotFoundError(f"no input {name!r}; the model has {known}")
            if key in given:
                raise InvalidArgumentError(f"input {key!r} is given twice: once is enough")
            given[key] = value
        missing = [info.name for info in infos if info.name not in given]
        if missing or len(inputs) > len(infos):
            raise InvalidArgumentError(
                f"expected {len(infos)} inputs ({', '.join(map(repr, infos))}), found {len(inputs) + len(named)}"
                + (f": {', '.join(missing)} missing" if missing else "")
            )
        return tuple(given[info.name] for info in infos)

    def _bind(self, tensors: Tensors, values: Sequence[Any]) -> list[Any]:
        """Points the tensors at the inputs, after setting their shapes; returns what has to live as long."""
        kept: list[Any] = []
        arrays: list[Array] = []
        shapes = self._shapes
        for value, info, tensor in zip(values, self.inputs, tensors.input_list):
            array = value if type(value) is _ndarray else as_array(value, f"input {info.name!r}", info.dtype)
            if array.dtype != info.dtype:
                raise InvalidArgumentError(
                    f"input {info.name!r}: expected elements of {info.dtype}, found {array.dtype}: "
                    f"give x.astype({info.dtype.name!r}) if that keeps what they mean"
                )
            data = _from_buffer(array) if array.flags.c_contiguous and array.dtype.isbuiltin == 1 else None
            tensor.data = data = pointer_to(array, f"input {info.name!r}") if data is None else data
            kept.append(data)
            arrays.append(array)
        wanted = [array.shape for array in arrays]
        if wanted != shapes:
            self._set_shapes(wanted)
        if wanted != tensors.shapes:
            tensors.set_input_shapes(wanted)
        return kept

    def _bind_outputs(self, tensors: Tensors, given: OutputsLike, kept: list[Any]) -> list[Array]:
        results: list[Array] = []
        choice = [None] * len(self.outputs) if given is None else self._sort_outputs(given)
        if self._has_open_sizes or tensors.output_shapes != self._output_shapes:
            tensors.set_output_shapes(self._output_shapes)
        for value, info, shape, tensor in zip(choice, self.outputs, self._output_shapes, tensors.output_list):
            if value is None:
                array: Array = np.empty(shape, info.dtype)
                data = _from_buffer(array) if array.dtype.isbuiltin == 1 else pointer_to(array, info.name, True)
            else:
                what = f"output {info.name!r}"
                array = as_array(value, what)
                if array.dtype != info.dtype or array.shape != shape:
                    raise InvalidArgumentError(
                        f"{what}: expected {info.dtype}{shape_text(shape)}, "
                        f"found {array.dtype}{shape_text(array.shape)}"
                    )
                data = pointer_to(array, what, writable=True)
            tensor.data = data
            kept.append(data)
            results.append(array)
        return results

    def _sort_outputs(self, given: OutputsLike) -> list[Any]:
        infos = self.outputs
        if isinstance(given, Mapping):
            unknown = [name for name in given if name not in self._names]
            if unknown:
                raise NotFoundError(f"no output {unknown[0]!r}; the model has {', '.join(self._names)}")
            return [given.get(name) for name in self._names]
        chosen = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(chosen) != len(infos):
            raise InvalidArgumentError(
                f"outputs: expected {len(infos)} arrays, found {len(chosen)}: None where one is to be made"
            )
        return chosen

    def _finish(self, tensors: Tensors, results: list[Array]) -> Outputs:
        if self._has_open_sizes:
            results = [shorten(array, shape_of(tensor)) for array, tensor in zip(results, tensors.output_list)]
        return make_outputs(results, self._names)

    # ---- Shapes ----

    def _set_shapes(self, shapes: Sequence[Sequence[int]]) -> None:
        if self._queued:
            raise BusyError(
                "runs of this context wait on a queue with other shapes: wait for them (queue.sync()), or "
                + _own_context
            )
        self._shapes = None
        made = make_shapes(shapes)
        check(lib.qn_context_set_input_shapes(self._pointer, made, len(shapes)))
        self._output_shapes, self._has_open_sizes = self._read_output_shapes()
        self._shapes = [tuple(shape) for shape in shapes]

    def _read_output_shapes(self) -> tuple[list[tuple[int, ...]], bool]:
        rank, dims = ffi.new("int *"), ffi.new("int64_t[]", lib.QN_MAX_RANK)
        shapes, has_open = [], False
        for index in range(len(self.outputs)):
            status = lib.qn_context_get_output_shape(self._pointer, index, rank, dims)
            if lib.qn_status_code(status) == lib.QN_UNAVAILABLE:
                lib.qn_status_free(status)
                has_open = True
            else:
                check(status)
            shapes.append(tuple(dims[0 : rank[0]]))
        return shapes, has_open

    def _exclusive(self) -> _Exclusive:
        return _Exclusive(self)

    def set_shapes(self, *shapes: Sequence[int]) -> list[tuple[int, ...]]:
        """Sets the shapes of all inputs, so that the next run finds everything ready; returns the shapes of the
        outputs.

        Sizes that depend on data are upper bounds. `run` does this by itself. InvalidArgumentError says what bounds a
        size; the shapes then stay as they were.
        """
        with self._exclusive():
            self._set_shapes(shapes)
            return list(self._output_shapes)

    # ---- Looking ----

    def cancel(self) -> None:
        """Asks the run in progress to stop: it raises CancelledError. From any thread."""
        lib.qn_context_cancel(self._pointer)

    def arena(self) -> dict[str, int]:
        """Its memory: `total_bytes`, `value_bytes`, `scratch_bytes`, `table_bytes`, `ceiling_bytes` (0: none)."""
        with self._exclusive():
            info = ffi.new("qn_arena_info *")
            lib.qn_context_get_arena(self._pointer, info)
            names = ("total_bytes", "value_bytes", "scratch_bytes", "table_bytes", "ceiling_bytes")
            return {name: int(getattr(info, name)) for name in names}

    def profile(self, *inputs: ArrayLike, **named: ArrayLike) -> list[dict[str, Any]]:
        """Runs once with clocks; for each step `name`, `op`, `kernel`, `ns`, `macs`, `bytes`, `tasks`."""
        with self._exclusive():
            check(lib.qn_context_set_profiling(self._pointer, 1))
        try:
            self.run(*inputs, **named)
            with self._exclusive():
                return self._read_profile()
        finally:
            with self._exclusive():
                check(lib.qn_context_set_profiling(self._pointer, 0))

    def _read_profile(self) -> list[dict[str, Any]]:
        profile, steps = ffi.new("qn_step_profile *"), []
        model = self.engine.model
        for step in range(model._info.step_count):
            check(lib.qn_context_get_step_profile(self._pointer, step, profile))
            texts = {name: text_of(getattr(profile, name)) for name in ("name", "op", "kernel")}
            steps.append({**texts, **{name: int(getattr(profile, name)) for name in ("ns", "macs", "bytes", "tasks")}})
        return steps

    def set_trace(self, trace: Trace | None) -> None:
        """Records the following runs into a trace; None: no longer."""
        with self._exclusive():
            check(lib.qn_context_set_trace(self._pointer, ffi.NULL if trace is None else trace._pointer))

    def set_observer(self, observer: Observer | None) -> None:
        """Calls a function with the name and a copy of every value of the following runs; None: no longer.

        What it raises ends the run and comes out of `run`.
        """
        with self._exclusive():
            handle = None if observer is None else ffi.new_handle(observer)
            function = ffi.NULL if handle is None else lib.qn_python_observe
            check(lib.qn_context_set_observer(self._pointer, function, ffi.NULL if handle is None else handle))
            self._observer = handle

    def close(self) -> None:
        """Frees it. BusyError while a run is active."""
        with self._exclusive():
            super().close()

    def __repr__(self) -> str:
        return "<Context, closed>" if self.closed else f"<Context: {self.inputs} -> {self.outputs}>"


class _Exclusive:
    """Nobody else uses the context meanwhile."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        if not self._context._lock.acquire(False):
            raise self._context._busy()

    def __exit__(self, *unused: object) -> None:
        self._context._lock.release()


class Tensors:
    """The arguments of a run in C. Types are set once, shapes where they change, pointers for each run."""

    def __init__(self, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        self.inputs = ffi.new("qn_tensor[]", max(len(inputs), 1))
        self.outputs = ffi.new("qn_tensor[]", max(len(outputs), 1))
        self.input_list = [self.inputs[i] for i in range(len(inputs))]
        self.output_list = [self.outputs[i] for i in range(len(outputs))]
        self.shapes: list[tuple[int, ...]] = []
        self.output_shapes: list[tuple[int, ...]] = []
        for infos, tensors in ((inputs, self.input_list), (outputs, self.output_list)):
            for info, tensor in zip(infos, tensors):
                tensor.dtype = info._code

    def set_input_shapes(self, shapes: Iterable[tuple[int, ...]]) -> None:
        self.shapes = list(shapes)
        for tensor, shape in zip(self.input_list, self.shapes):
            set_dims(tensor, shape, "input")

    def set_output_shapes(self, shapes: Iterable[tuple[int, ...]]) -> None:
        self.output_shapes = list(shapes)
        for tensor, shape in zip(self.output_list, self.output_shapes):
            set_dims(tensor, shape, "output")
            tensor.capacity_bytes = 0


@ffi.def_extern(error=1, onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_observe(handle: Any, name: Any, tensor: Any) -> int:
    observer: Observer = ffi.from_handle(handle)
    observer(text_of(name), copy_tensor(tensor))
    return 0
