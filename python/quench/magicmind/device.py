"""The machine: one device, the CPU, and queues on it."""

from __future__ import annotations

from types import TracebackType

from .._status import ClosedError
from ..engine import Engine
from ..queue import Queue as WorkQueue
from .spelling import BothSpellings
from .status import Code, Status, attempt


class System:
    """The devices there are.

    >>> import quench.magicmind as mm
    >>> with mm.System() as system:
    ...     system.device_count()
    1
    """

    def device_count(self) -> int:
        """1: the CPU, with all its cores."""
        return 1

    def __enter__(self) -> System:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Device(BothSpellings):
    """The CPU, device 0."""

    def __init__(self, id: int = 0) -> None:
        self.id = id

    def active(self) -> Status:
        """Makes it the one that work goes to."""
        if self.id != 0:
            return Status(
                Code.INVALID_ARGUMENT,
                f"there is no device {self.id!r}: the CPU is device 0, and an engine uses all its cores",
            )
        return Status()

    def create_queue(self) -> Queue:
        return Queue()

    def __repr__(self) -> str:
        return f"<Device {self.id}>"


class Queue(BothSpellings):
    """Does what is put into it in order: a `quench.Queue`, made when the first run comes."""

    def __init__(self) -> None:
        self._queue: WorkQueue | None = None
        self._closed = False

    def sync(self) -> Status:
        """Waits until everything is done; the first failure is the answer, and the queue works again."""
        if self._closed:
            raise ClosedError("this Queue has been closed: make another one")
        if self._queue is None:
            return Status()
        return attempt(self._queue.sync)

    def close(self) -> None:
        """Waits for everything and ends it."""
        queue, self._queue, self._closed = self._queue, None, True
        if queue is not None:
            queue.close()

    def _engine_queue(self, engine: Engine) -> WorkQueue:
        """The queue of quench; whose engine it was made with does not matter."""
        if self._closed:
            raise ClosedError("this Queue has been closed: make another one")
        if self._queue is None:
            self._queue = WorkQueue(engine)
        return self._queue
