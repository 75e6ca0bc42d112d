"""Work on queues, and who tells what became of it.

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

from ._native import ffi, lib
from ._results import Outputs
from ._status import Error, check, make_status, take_error
from .context import Context, OutputsLike, Tensors
from .engine import Engine

T = TypeVar("T")


class Future(concurrent.futures.Future[T]):
    """What comes of work on a queue: `result()` waits for it, `await` does so on an event loop.

    It cannot be cancelled by itself: `Queue.cancel` cancels what is in the queue.
    """

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self).__await__()


class Work:
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


class Run(Work):
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


class HostCall(Work):
    def __init__(self, state: State, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
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


class State:
    """What a queue and its collector share. The collector does not hold the queue, so a forgotten queue ends."""

    def __init__(self, engine: Engine, pointer: Any, length: int) -> None:
        self.engine = engine
        self.pointer = ffi.gc(pointer, lib.qn_queue_destroy)
        self.room = threading.Semaphore(length)
        self.order = threading.Lock()  # what comes into C and to the collector does so in one order
        self.items: queues.SimpleQueue[Work | None] = queues.SimpleQueue()
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


alive: weakref.WeakSet[State] = weakref.WeakSet()


def _collect(state: State) -> None:
    while True:
        work = state.items.get()
        if work is None:
            return
        status = lib.qn_notifier_wait(work.notifier)
        _tell(state, work, work.failure or (take_error(status) if status else None))
        del work


def _tell(state: State, work: Work, failure: BaseException | None) -> None:
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
    for state in list(alive):
        state.end()


@ffi.def_extern(error=ffi.NULL)  # type: ignore[untyped-decorator]
def qn_python_host(handle: Any) -> Any:
    work: HostCall = ffi.from_handle(handle)
    return work.run()
