"""What runs did, as a time line for chrome://tracing and ui.perfetto.dev."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ._handle import Handle
from ._native import ffi, lib
from ._status import bytes_of, check, path_of


class Trace(Handle):
    """Room for `events` events (1 to 2^24), which contexts and queues fill; what comes when it is full is counted.

    >>> import numpy as np, quench
    >>> context = quench.Engine(quench.Model("scenes.qn")).context()
    >>> trace = quench.Trace()
    >>> context.set_trace(trace)
    >>> with trace.span("the whole"):
    ...     _ = context.run(np.zeros((1, 32, 32, 3), np.uint8))
    >>> len(trace) > 10, trace.lost
    (True, 0)
    """

    def __init__(self, events: int = 65536) -> None:
        options, out = ffi.new("qn_trace_options *"), ffi.new("qn_trace **")
        lib.qn_trace_options_init(options)
        options.events = events
        check(lib.qn_trace_create(options, out))
        self._own(out[0], lib.qn_trace_destroy)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Records what the `with` block does, on the track of this thread."""
        begin = lib.qn_trace_now_ns()
        try:
            yield
        finally:
            lib.qn_trace_add_span(self._pointer, bytes_of(name), begin, lib.qn_trace_now_ns())

    @property
    def lost(self) -> int:
        """How many events came when there was no more room."""
        return int(lib.qn_trace_lost(self._pointer))

    def __len__(self) -> int:
        return int(lib.qn_trace_count(self._pointer))

    def clear(self) -> None:
        """Forgets the events. Not while anything records."""
        lib.qn_trace_clear(self._pointer)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the events as JSON. FileError."""
        check(lib.qn_trace_write_file(self._pointer, path_of(path)))
