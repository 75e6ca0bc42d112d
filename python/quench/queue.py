"""Work in order, on a thread of its own: results are futures, which can be awaited too.

Behind each item of work lies a notifier of C. A thread of Python, the collector, waits for one after the other and
tells the futures; so the runs themselves follow each other without Python, and no thread of C calls Python for a run.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import queue as queues
import threading
import weakref
from collections.abc import Generator
from typing import Any, Callable, TypeVar

from ._arrays import ArrayLike
from ._handle import Handle
from ._native import ffi, lib
from ._results import Outputs
from ._status import (
    BusyError,
    ClosedError,
    Error,
    InvalidArgumentError,
    LimitError,
    bytes_of,
    check,
    make_status,
    take_error,
)
from .context import Context, OutputsLike, Tensors
from .engine import Engine
from .trace import Trace

T = TypeVar("T")
_states = {
    lib.QN_NOTIFIER_UNPLACED: "unplaced",
    lib.QN_NOTIFIER_PENDING: "pending",
    lib.QN_NOTIFIER_REACHED: "reached",
    lib.QN_NOTIFIER_FAILED: "failed",
}


class Future(concurrent.futures.Future[T]):
    """What comes of work on a queue: `result()` waits for it, `await` does so on an event loop.

    It cannot be cancelled by itself: `Queue.cancel` cancels what is in the queue.
    """

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self).__await__()


class _Work:
    """An item of work, alive until the collector has told its future."""

    def __init__(self, engine: Engine) -> None:
        self.future: Future[Any] = Future()
        self.future.set_running_or_notify_cancel()
        out = ffi.new("qn_notifier **")
        check(lib.qn_notifier_create(engine._pointer, out))
        self.notifier = ffi.gc(out[0], lib.qn_notifier_destroy)
        self.failure: BaseException | None = None

    def finish(self) -> Any:
        """The result, once the work is done."""
        return None

    def leave(self) -> None:
        """Does what has to be done however it went."""


class _Run(_Work):
    def __init__(self, context: Context, inputs: tuple[Any, ...], outputs: OutputsLike) -> None:
        super().__init__(context.engine)
        self.context = context
        self.tensors = Tensors(context.inputs, context.outputs)
        self.kept = context._bind(self.tensors, inputs)
        self.results = context._bind_outputs(self.tensors, outputs, self.kept)

    def finish(self) -> Outputs:
        return self.context._finish(self.tensors, self.results)

    def leave(self) -> None:
        with self.context._counting:
            self.context._queued -= 1
        self.kept = []


class _HostCall(_Work):
    def __init__(self, state: _State, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        super().__init__(state.engine)
        self.state, self.function, self.arguments = state, function, arguments
        self.handle = ffi.new_handle(self)
        self.result: Any = None

    def run(self) -> Any:
        self.state.thread = threading.get_ident()
        try:
            self.result = self.function(*self.arguments)
        except BaseException as error:
            self.failure = error
            return make_status(error)
        return ffi.NULL

    def finish(self) -> Any:
        return self.result


class _State:
    """What a queue and its collector share. The collector does not hold the queue, so a forgotten queue ends."""

    def __init__(self, engine: Engine, pointer: Any, length: int) -> None:
        self.engine = engine
        self.pointer = ffi.gc(pointer, lib.qn_queue_destroy)
        self.room = threading.Semaphore(length)
        self.order = threading.Lock()  # what comes into C and to the collector does so in one order
        self.items: queues.SimpleQueue[_Work | None] = queues.SimpleQueue()
        self.idle = threading.Condition()
        self.count = 0
        self.first_failure: BaseException | None = None
        self.thread = 0  # C's, once it has called Python
        self.process = os.getpid()
        self.collector = threading.Thread(target=_collect, args=(self,), name="quench queue", daemon=True)
        self.collector.start()

    def end(self) -> None:
        """Waits until everything is done."""
        if os.getpid() == self.process:
            self.items.put(None)
            if threading.current_thread() is not self.collector:
                self.collector.join()


_alive: weakref.WeakSet[_State] = weakref.WeakSet()


def _collect(state: _State) -> None:
    while True:
        work = state.items.get()
        if work is None:
            return
        status = lib.qn_notifier_wait(work.notifier)
        _tell(state, work, work.failure or (take_error(status) if status else None))
        del work


def _tell(state: _State, work: _Work, failure: BaseException | None) -> None:
    work.leave()
    state.room.release()
    with state.idle:
        state.count -= 1
        if isinstance(failure, Error) and state.first_failure is not None:
            failure = type(failure)(f"{failure}; skipped: queue.sync() makes the queue work again", failure.where)
        elif failure is not None and state.first_failure is None:
            state.first_failure = failure
        state.idle.notify_all()
    if failure is not None:
        work.future.set_exception(failure)
    else:
        work.future.set_result(work.finish())


@atexit.register
def _end_all() -> None:
    """Before the interpreter ends, what is in queues is done: nothing of C calls Python afterwards."""
    for state in list(_alive):
        state.end()


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
        self._state = _State(engine, out[0], length)
        self._cdata = self._state.pointer
        _alive.add(self._state)

    def enqueue(
        self, context: Context, *inputs: ArrayLike, outputs: OutputsLike = None, **named: ArrayLike
    ) -> Future[Outputs]:
        """Puts a run in, with the arguments of `Context.run`; arrays are held until it is done, and are not to change.

        BusyError: earlier runs of the context, with other shapes, still wait.
        """
        sorted_inputs = context._sort_inputs(inputs, named)

        def prepare() -> _Run:
            with context._exclusive():
                context._pointer  # noqa: B018 - raises when closed
                run = _Run(context, sorted_inputs, outputs)
                with context._counting:
                    context._queued += 1
                return run

        def put(run: _Run) -> Any:
            tensors, counts = run.tensors, (len(context.inputs), len(context.outputs))
            return lib.qn_queue_enqueue(
                self._pointer, context._pointer, tensors.inputs, counts[0], tensors.outputs, counts[1]
            )

        return self._put(prepare, put)

    def call(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Puts a call of a function in; what it raises is the future's, and skips what lies behind."""

        def put(work: _HostCall) -> Any:
            return lib.qn_queue_enqueue_host(self._pointer, lib.qn_python_host, work.handle)

        return self._put(lambda: _HostCall(self._state, function, arguments), put)

    def wait(self, notifier: Notifier) -> Future[None]:
        """What comes behind waits until a notifier, as it was placed last, is reached; if that failed, it fails too."""

        def put(work: _Work) -> Any:
            return lib.qn_queue_wait_notifier(self._pointer, notifier._pointer)

        return self._put(lambda: _Work(self._state.engine), put)

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
        _alive.discard(self._state)
        if threading.current_thread() is not self._state.collector:
            ffi.release(self._state.pointer)

    def __del__(self) -> None:
        # Nobody waits here: the collector does what is left, and holds what it needs.
        if self._cdata is not None and os.getpid() == self._state.process:
            self._state.items.put(None)

    # ---- Putting in ----

    def _live(self) -> _State:
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
    def _place(state: _State, work: Any, put: Callable[[Any], Any]) -> None:
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

        def put(work: _Work) -> Any:
            return lib.qn_notifier_place(self._pointer, queue._pointer)

        self._future = queue._put(lambda: _Work(self._engine), put)
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


@ffi.def_extern(error=ffi.NULL)  # type: ignore[untyped-decorator]
def qn_python_host(handle: Any) -> Any:
    work: _HostCall = ffi.from_handle(handle)
    return work.run()
