"""A bar for long work, on a terminal or in a notebook."""

from __future__ import annotations

import sys
import time

from ._call import Progress

_width = 30


class Bar:
    """Writes one line to standard error, again and again; only work that takes longer than a moment is seen at all."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()
        self._length = 0

    def __call__(self, phase: str, fraction: float) -> None:
        now = time.monotonic()
        is_done = fraction >= 1
        if now - self._begin < 0.5 or (now - self._last < 0.1 and not is_done):
            return
        self._last = now
        filled = round(_width * min(max(fraction, 0), 1))
        share = f"[{'#' * filled}{'.' * (_width - filled)}] {fraction:4.0%}" if fraction >= 0 else "..."
        line = f"{phase:12} {share}"
        end = "\n" if is_done and phase == "check" else ""
        sys.stderr.write("\r" + line.ljust(self._length) + end)
        sys.stderr.flush()
        self._length = len(line)


def choose_progress(progress: bool | Progress) -> Progress | None:
    """What a caller asks for: True is a bar, False nothing."""
    if progress is True:
        return Bar()
    return None if progress is False else progress
