"""A model bound to this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._arrays import ArrayLike, as_array, dtype_of, fill_tensor, set_dims
from ._call import Call, sink
from ._handle import Handle
from ._native import ffi, lib
from ._status import InvalidArgumentError, bytes_of, check, text_of
from .model import Model

if TYPE_CHECKING:
    from .context import Context


class Engine(Handle):
    """Kernels chosen for this CPU, and threads: make one per model and process, share it, give each thread a context.

    `threads` work on a run, the calling one included (0: the environment's QUENCH_THREADS, else as many as the process
    may use); `cpu` masks CPU features ("generic", "avx2", ...; None: QUENCH_CPU, else all); `pin` binds each thread of
    the engine to a CPU. Results do not depend on any of these. What was chosen goes to the log "quench".

    After fork() the child goes on with engines and contexts that were not in use, on one thread. A pickled engine is
    made anew where it is unpickled.

    Errors: InvalidArgumentError (an option out of range, no such CPU name), OutOfMemoryError.

    >>> import quench
    >>> engine = quench.Engine(quench.Model("scenes.qn"), threads=2)
    >>> engine.threads
    2
    """

    def __init__(self, model: Model, *, threads: int = 0, cpu: str | None = None, pin: bool = False) -> None:
        if not isinstance(model, Model):
            raise InvalidArgumentError(
                f"model: expected a Model, found {type(model).__name__}: Model(path) loads a file"
            )
        self._options = {"threads": threads, "cpu": cpu, "pin": pin}
        options = ffi.new("qn_engine_options *")
        lib.qn_engine_options_init(options)
        name = ffi.NULL if cpu is None else ffi.new("char[]", bytes_of(cpu))
        try:
            options.threads = threads
        except OverflowError:
            raise InvalidArgumentError(f"threads: expected 0 to 1024, found {threads}") from None
        options.cpu, options.pin, options.log = name, int(pin), sink
        out = ffi.new("qn_engine **")
        with Call() as call:
            call.check(lib.qn_engine_create(model._pointer, options, out))
        self._own(out[0], lib.qn_engine_destroy)
        self.inputs, self.outputs = model.inputs, model.outputs

    @property
    def threads(self) -> int:
        """How many threads a run uses."""
        return int(lib.qn_engine_threads(self._pointer))

    @property
    def cpu(self) -> str:
        """The CPU features in use."""
        return text_of(lib.qn_engine_cpu(self._pointer))

    @property
    def model(self) -> Model:
        """The model whose constants are in force: the one it was made from, or the last that replaced it."""
        return Model._from_pointer(lib.qn_engine_share_model(self._pointer))

    def context(self) -> Context:
        """A context on this engine."""
        from .context import Context

        return Context(self)

    def replace_weights(self, model: Model) -> None:
        """Puts the constants of another build of the same program in force, for every run that begins afterwards.

        InvalidArgumentError: the programs differ further.
        """
        check(lib.qn_engine_replace_weights(self._pointer, model._pointer))

    def weights(self) -> dict[str, dict[str, Any]]:
        """The constants that `refit` can replace or not, by name: `dtype`, `shape`, `reason` (why not; None: it can).

        UnsupportedError: the model was not built with `enable_refit`.
        """
        refitter, info = self._make_refitter(), ffi.new("qn_weights_info *")
        found: dict[str, dict[str, Any]] = {}
        index = 0
        while lib.qn_refitter_get_weights(refitter, index, info):
            index += 1
            found[text_of(info.name)] = {
                "dtype": dtype_of(info.dtype),
                "shape": tuple(info.dims[0 : info.rank]),
                "reason": text_of(info.reason) if info.reason else None,
            }
        return found

    def _make_refitter(self) -> Any:
        out = ffi.new("qn_refitter **")
        check(lib.qn_refitter_create(self._pointer, out))
        return ffi.gc(out[0], lib.qn_refitter_destroy)

    def refit(self, weights: Mapping[str, ArrayLike]) -> None:
        """Replaces weights by the names that the source model gave them, all at once.

        The model was built with `enable_refit`. Costs a build. Errors: UnsupportedError (without `enable_refit`, or the
        program comes out differently), NotFoundError (no such weights), InvalidArgumentError (another dtype or shape).
        """
        refitter, tensor = self._make_refitter(), ffi.new("qn_tensor *")
        for name, value in weights.items():
            array = as_array(value, f"weights {name!r}")
            kept = fill_tensor(tensor, array, f"weights {name!r}")
            check(lib.qn_refitter_set_named_weights(refitter, bytes_of(name), tensor))
            del kept
        check(lib.qn_refitter_refit_engine(refitter))

    def cost(self, *shapes: Sequence[int]) -> dict[str, int]:
        """What a run costs at shapes, one for each input: `macs`, `moved_bytes`, `value_bytes`, `scratch_bytes`."""
        cost, given = ffi.new("qn_cost *"), make_shapes(shapes)
        check(lib.qn_engine_measure_cost(self._pointer, given, len(shapes), cost))
        return {name: int(getattr(cost, name)) for name in ("macs", "moved_bytes", "value_bytes", "scratch_bytes")}

    def arena_bytes(self, *shapes: Sequence[int]) -> int:
        """How much memory a context needs at these shapes; without shapes, at the largest.

        UnavailableError: there is no largest.
        """
        size = ffi.new("uint64_t *")
        given = make_shapes(shapes) if shapes else ffi.NULL
        check(lib.qn_engine_measure_arena(self._pointer, given, len(shapes), size))
        return int(size[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_engine, (self.model, self._options)

    def __repr__(self) -> str:
        return "<Engine, closed>" if self.closed else f"<Engine: {self.threads} threads, {self.cpu}>"


def _make_engine(model: Model, options: dict[str, Any]) -> Engine:
    return Engine(model, **options)


def make_shapes(shapes: Sequence[Sequence[int]]) -> Any:
    """An array of `qn_shape`."""
    made = ffi.new("qn_shape[]", len(shapes))
    for i, shape in enumerate(shapes):
        try:
            set_dims(made[i], tuple(shape), f"shape {i}")
        except (TypeError, OverflowError) as error:
            raise InvalidArgumentError(f"shape {i}: expected sizes, found {shape!r} ({error})") from None
    return made
