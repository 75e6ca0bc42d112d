"""What runs did, as a file."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

from .._status import FileError, InvalidArgumentError
from ..trace import Trace
from .enums import DeviceTracerLevel, HostTracerLevel
from .spelling import BothSpellings
from .status import Code, Status, attempt


class ProfilerOptions:
    """What is recorded. quench records every step of every run, whatever the levels."""

    def __init__(
        self,
        host_tracer_level: HostTracerLevel = HostTracerLevel.kCritical,
        device_tracer_level: DeviceTracerLevel = DeviceTracerLevel.kOn,
    ) -> None:
        self.host_tracer_level = host_tracer_level
        self.device_tracer_level = device_tracer_level


no_trace: Trace | None = None
_lock = threading.Lock()
_active: list[Profiler] = []


def current_trace() -> Trace | None:
    """The trace of the profiler that is started."""
    with _lock:
        return _active[-1]._trace if _active else no_trace


class Profiler(BothSpellings):
    """Records the runs that are put into queues between `start` and `stop`: `stop` writes DIR/trace.json, which
    chrome://tracing and ui.perfetto.dev show.

    `step_begin` and `step_end` mark a step in it.
    """

    def __init__(self, options: ProfilerOptions, directory: str | os.PathLike[str]) -> None:
        if not isinstance(options, ProfilerOptions):
            raise InvalidArgumentError(f"Profiler: expected ProfilerOptions, found {options!r}")
        if not isinstance(directory, (str, os.PathLike)):
            raise InvalidArgumentError(f"Profiler: expected the path of a folder, found {directory!r}")
        self._directory = Path(directory)
        self._trace: Trace | None = None
        self._step: ExitStack | None = None
        self._steps = 0

    def start(self) -> Status:
        with _lock:
            if _active:
                return Status(Code.BUSY, "a profiler is started already: stop it first")
            self._trace = Trace()
            _active.append(self)
        return Status()

    def step_begin(self) -> Status:
        if self._trace is None:
            return Status(Code.INVALID_ARGUMENT, "the profiler is not started")
        if self._step is not None:
            return Status(Code.INVALID_ARGUMENT, "a step has begun already: step_end first")
        self._step = ExitStack()
        self._step.enter_context(self._trace.span(f"step {self._steps}"))
        self._steps += 1
        return Status()

    def step_end(self) -> Status:
        if self._step is None:
            return Status(Code.INVALID_ARGUMENT, "no step has begun: step_begin first")
        self._step.close()
        self._step = None
        return Status()

    def stop(self) -> Status:
        """Writes the file. Wait for the queues before."""
        trace = self._trace
        if trace is None:
            return Status(Code.INVALID_ARGUMENT, "the profiler is not started")
        if self._step is not None:
            self.step_end()
        with _lock:
            _active.remove(self)
        self._trace = None
        return attempt(lambda: self._save(trace))

    def _save(self, trace: Trace) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self._directory}: {error.strerror}") from None
        trace.save(self._directory / "trace.json")
