"""Calls into C that call back: what they say, what fails in them, and Ctrl-C.

While a `Call` is entered it is the one of its thread. Exceptions that callbacks raise - KeyboardInterrupt too, which
Python raises in whatever Python code the main thread comes to run next - are kept, end the work by way of its `cancel`,
and are raised again when C has returned. Warnings are kept likewise, so that they name the line of the caller.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Callable

from ._native import ffi, lib
from ._status import QuenchWarning, raise_status

logger = logging.getLogger("quench")
logger.addHandler(logging.NullHandler())

Progress = Callable[[str, float], object]

_active = threading.local()
_folder = os.path.dirname(__file__) + os.sep


def current_call() -> Call | None:
    """The innermost call of this thread."""
    call: Call | None = getattr(_active, "call", None)
    return call


class Call:
    """One call into C. `handle` is the `self` of its callbacks; it is good as long as the call is entered."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.handle = ffi.new_handle(self)
        self.progress = progress
        self.after_pass: Callable[[str, str], object] | None = None
        self.failure: BaseException | None = None
        self.warnings: list[str] = []
        self.reports: list[str] = []
        self._outer: Call | None = None

    def __enter__(self) -> Call:
        self._outer = current_call()
        _active.call = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _active.call = self._outer
        texts, self.warnings = self.warnings, []
        if texts:
            level = _level_of_caller()
            for text in texts:
                warnings.warn(text, QuenchWarning, stacklevel=level)

    def check(self, status: Any) -> None:
        """Raises what a callback raised, else what the status says."""
        failure, self.failure = self.failure, None
        if failure is not None:
            lib.qn_status_free(status)
            raise failure
        if status:
            raise_status(status)


def _level_of_caller() -> int:
    """The `stacklevel` at which `warnings.warn`, called by our caller, names the first line outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_folder):
        level, frame = level + 1, frame.f_back
    return level


def call_of(handle: Any) -> Call:
    call: Call = ffi.from_handle(handle)
    return call


def keep_failure(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Keeps what a callback raised for the call of this thread; where there is none, tells it as a destructor would."""
    call = current_call()
    if call is None:
        logger.error("a function that quench called failed", exc_info=(kind, error, trace))
    elif call.failure is None:
        call.failure = error


_levels = {lib.QN_LOG_DEBUG: logging.DEBUG, lib.QN_LOG_INFO: logging.INFO, lib.QN_LOG_NOTICE: logging.INFO}


@ffi.def_extern(onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_log(_self: Any, level: int, text: Any) -> None:
    line = ffi.string(text).decode("utf-8", "backslashreplace")
    call = current_call()
    if level == lib.QN_LOG_WARNING and call is not None:
        call.warnings.append(line)
    else:
        logger.log(_levels.get(level, logging.WARNING), "%s", line)


@ffi.def_extern(error=1, onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_cancel(handle: Any) -> int:
    # That Python code runs is what lets a signal come: KeyboardInterrupt is raised here and kept by `keep_failure`.
    return int(call_of(handle).failure is not None)


@ffi.def_extern(onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_progress(handle: Any, phase: Any, fraction: float) -> None:
    call = call_of(handle)
    if call.progress is not None and call.failure is None:
        call.progress(ffi.string(phase).decode(), fraction)


@ffi.def_extern(onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_report(handle: Any, json: Any) -> None:
    call_of(handle).reports.append(ffi.string(json).decode("utf-8", "replace"))


@ffi.def_extern(onerror=keep_failure)  # type: ignore[untyped-decorator]
def qn_python_after_pass(handle: Any, name: Any, graph: Any) -> None:
    call = call_of(handle)
    if call.after_pass is not None and call.failure is None:
        call.after_pass(ffi.string(name).decode(), ffi.string(graph).decode("utf-8", "backslashreplace"))


# One sink for everything: it knows nothing of the objects that use it, so it outlives them all.
sink = ffi.new("qn_log *", {"self": ffi.NULL, "write": lib.qn_python_log})
