"""Work in order, on a thread of its own: results are futures, which can be awaited too."""

from __future__ import annotations

import os
import threading
from typing import Any, Callable, TypeVar

from ._arrays import ArrayLike
from ._handle import Handle
from ._native import ffi, lib
from ._results import Outputs
from ._status import BusyError, ClosedError, InvalidArgumentError, LimitError, bytes_of, check, take_error
from ._work import Future, HostCall, Run, State, Work, alive
from .context import Context, OutputsLike
from .engine import Engine
from .trace import Trace

T = TypeVar("T")
_states = {
    lib.QN_NOTIFIER_UNPLACED: "unplaced",
    lib.QN_NOTIFIER_PENDING: "pending",
    lib.QN_NOTIFIER_REACHED: "reached",
    lib.QN_NOTIFIER_FAILED: "failed",
}


class Queue(Handle):
    """Does what is put into it in the order in which it was put there, on a thread of its own; queues run side by side.

    `enqueue` puts a run in, `call` a function of Python, `wait` makes what comes behind wait for a `Notifier` of
    another queue. Each answers at once with a `Future`. `length` items may wait or run at a time; where there is no
    room the call waits, or with `refuse` raises BusyError. `name` and `trace` are for traces of functions.

    When something fails, what lies behind it is skipped, and its futures fail with the same, until `sync` has told the
    failure. `close`, the end of a `with` block and the end of the interpreter wait for everything. A child after fork()
    can close a queue only.

    >>> import numpy as np, quench
    >>> engine = quench.Engine(quench.Model("scenes.qn"))
    >>> with quench.Queue(engine) as queue:
    ...     context = engine.context()
    ...     photo = np.zeros((1, 32, 32, 3), np.uint8)
    ...     runs = [queue.enqueue(context, photo) for _ in range(3)]
    ...     shapes = [run.result()[0].shape for run in runs]
    >>> shapes
    [(1, 32, 32), (1, 32, 32), (1, 32, 32)]
    """

    def __init__(
        self,
        engine: Engine,
        *,
        length: int = 256,
        refuse: bool = False,
        name: str | None = None,
        trace: Trace | None = None,
    ) -> None:
        if not 1 <= length <= 16384:
            raise InvalidArgumentError(f"length: expected 1 to 16384, found {length}")
        options, out = ffi.new("qn_queue_options *"), ffi.new("qn_queue **")
        lib.qn_queue_options_init(options)
        # Each item is two in C, with its notifier. Whether there is room is decided here: C always has some.
        options.length = 2 * length + 2
        label = ffi.NULL if name is None else ffi.new("char[]", bytes_of(name))
        options.name, options.trace = label, ffi.NULL if trace is None else trace._pointer
        check(lib.qn_queue_create(engine._pointer, options, out))
        self._refuses = refuse
        self._state = State(engine, out[0], length)
        self._cdata = self._state.pointer
        alive.add(self._state)

    def enqueue(
        self, context: Context, *inputs: ArrayLike, outputs: OutputsLike = None, **named: ArrayLike
    ) -> Future[Outputs]:
        """Puts a run in, with the arguments of `Context.run`; arrays are held until it is done, and are not to change.

        BusyError: earlier runs of the context, with other shapes, still wait.
        """
        sorted_inputs = context._sort_inputs(inputs, named)

        def prepare() -> Run:
            with context._exclusive():
                context._pointer  # noqa: B018 - raises when closed
                run = Run(context, sorted_inputs, outputs)
                with context._counting:
                    context._queued += 1
                return run

        def put(run: Run) -> Any:
            tensors, counts = run.tensors, (len(context.inputs), len(context.outputs))
            return lib.qn_queue_enqueue(
                self._pointer, context._pointer, tensors.inputs, counts[0], tensors.outputs, counts[1]
            )

        return self._put(prepare, put)

    def call(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Puts a call of a function in; what it raises is the future's, and skips what lies behind."""

        def put(work: HostCall) -> Any:
            return lib.qn_queue_enqueue_host(self._pointer, lib.qn_python_host, work.handle)

        return self._put(lambda: HostCall(self._state, function, arguments), put)

    def wait(self, notifier: Notifier) -> Future[None]:
        """What comes behind waits until a notifier, as it was placed last, is reached; if that failed, it fails too."""

        def put(work: Work) -> Any:
            return lib.qn_queue_wait_notifier(self._pointer, notifier._pointer)

        return self._put(lambda: Work(self._state.engine), put)

    def sync(self, timeout: float | None = None) -> None:
        """Waits until everything is done, and raises the first failure since the last sync; the queue works again then.

        TimeoutError: it is not done after so many seconds.
        """
        state = self._live()
        if threading.get_ident() == state.thread:
            raise InvalidArgumentError("sync: what a queue runs cannot wait for the queue")
        with state.idle:
            if not state.idle.wait_for(lambda: state.count == 0, timeout):
                raise TimeoutError(f"{state.count} items are still in the queue")
            failure, state.first_failure = state.first_failure, None
        error = lib.qn_queue_sync(state.pointer)
        if failure is not None:
            lib.qn_status_free(error)
            raise failure
        check(error)

    @property
    def pending(self) -> int:
        """How much is in the queue."""
        return self._live().count

    def cancel(self) -> None:
        """Cancels what is in the queue: a run in progress stops soon, a function goes on, the rest is skipped."""
        lib.qn_queue_cancel(self._live().pointer)

    def close(self) -> None:
        """Waits for everything and ends the thread."""
        if self._cdata is None:
            return
        if threading.get_ident() == self._state.thread and self._state.count:
            raise InvalidArgumentError("close: what a queue runs cannot end the queue")
        if os.getpid() == self._state.process:
            with self._state.order:  # nobody is putting anything in at this moment
                self._cdata = None
            self._state.end()
        self._cdata = None
        alive.discard(self._state)
        self._state.pointer = ffi.NULL  # freed here, or when the calls of other threads that use it have returned

    def __del__(self) -> None:
        # Nobody waits here: the collector does what is left, and holds what it needs.
        if self._cdata is not None and os.getpid() == self._state.process:
            self._state.items.put(None)

    # ---- Putting in ----

    def _live(self) -> State:
        self._pointer  # noqa: B018 - raises when closed
        state = self._state
        if os.getpid() != state.process:
            raise InvalidArgumentError("the queue belongs to the process before fork(): make another one here")
        return state

    def _put(self, prepare: Callable[[], Any], put: Callable[[Any], Any]) -> Future[Any]:
        state = self._live()
        is_own_thread = threading.get_ident() == state.thread
        if not state.room.acquire(blocking=not (self._refuses or is_own_thread)):
            if is_own_thread:
                raise LimitError("the queue is full, and what it runs itself cannot wait for room")
            raise BusyError("the queue is full: wait for what is in it (sync), or make it longer")
        try:
            with state.order:
                if self.closed:
                    raise ClosedError("this Queue has been closed: make another one")
                work = prepare()
                self._place(state, work, put)
        except BaseException:
            state.room.release()
            raise
        future: Future[Any] = work.future
        return future

    @staticmethod
    def _place(state: State, work: Any, put: Callable[[Any], Any]) -> None:
        """Puts work and its notifier into C and hands it to the collector; `state.order` is held."""
        try:
            check(put(work))
        except BaseException:
            work.leave()
            raise
        status = lib.qn_notifier_place(work.notifier, state.pointer)
        if status:  # nothing else will tell when the work is done, and until then C uses its memory
            lib.qn_status_free(lib.qn_queue_sync(state.pointer))
            work.leave()
            raise take_error(status)
        with state.idle:
            state.count += 1
        state.items.put(work)


class Notifier(Handle):
    """A mark in queues, which is reached when everything before it is done.

    >>> import quench
    >>> engine = quench.Engine(quench.Model("scenes.qn"))
    >>> with quench.Queue(engine) as decoding, quench.Queue(engine) as segmenting:
    ...     decoded = quench.Notifier(engine)
    ...     photo = decoding.call(quench.load_image, "photo.jpg")
    ...     _ = decoded.place(decoding)
    ...     _ = segmenting.wait(decoded)
    ...     size = segmenting.call(lambda: photo.result().shape).result()
    >>> size, decoded.state
    ((161, 161, 3), 'reached')
    """

    def __init__(self, engine: Engine) -> None:
        out = ffi.new("qn_notifier **")
        check(lib.qn_notifier_create(engine._pointer, out))
        self._own(out[0], lib.qn_notifier_destroy)
        self._engine = engine
        self._future: Future[None] | None = None

    def place(self, queue: Queue) -> Future[None]:
        """Puts it into a queue; placing it again forgets the last time."""

        def put(work: Work) -> Any:
            return lib.qn_notifier_place(self._pointer, queue._pointer)

        self._future = queue._put(lambda: Work(self._engine), put)
        return self._future

    @property
    def state(self) -> str:
        """Of the last placing: "unplaced", "pending", "reached", or "failed" where what came before it did."""
        return _states[lib.qn_notifier_query(self._pointer)]

    def wait(self, timeout: float | None = None) -> None:
        """Waits until it is reached; raises what failed before it. TimeoutError."""
        self._pointer  # noqa: B018 - raises when closed
        if self._future is None:
            raise InvalidArgumentError("the notifier was never placed: place(queue) first")
        self._future.result(timeout)

    def elapsed_since(self, begin: Notifier) -> float:
        """Seconds from another notifier to this one, negative where this one was reached first. UnavailableError."""
        out = ffi.new("int64_t *")
        check(lib.qn_notifier_elapsed(begin._pointer, self._pointer, out))
        return float(out[0]) / 1e9
