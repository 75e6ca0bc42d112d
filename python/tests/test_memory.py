"""Memory does not grow with what is done, errors included; python/bench/bars.py does it a hundred times as long."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

import quench

Array = np.ndarray[Any, Any]


def rss_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def refuse(work: Callable[[], Any]) -> None:
    with pytest.raises(quench.Error):
        work()


def load(data: bytes) -> None:
    quench.Engine(quench.Model.from_bytes(data), threads=1).context().set_shapes((1, 20, 20, 3))


def test_memory_is_flat(workshop: Path, engine: quench.Engine, picture: Array) -> None:
    context, segmenter = engine.context(), quench.Segmenter(engine)
    photo, data, source = quench.load_image(workshop / "photo.jpg"), (workshop / "scenes.qn").read_bytes(), "scenes.pb"
    small, wrong = picture[:, :9, :9].copy(), picture.astype(np.float32)
    works: dict[str, tuple[Callable[[], Any], int]] = {
        "runs": (lambda: context.run(small), 200),
        "refused runs": (lambda: refuse(lambda: context.run(wrong)), 500),
        "builds": (lambda: quench.build(workshop / source), 12),
        "refused builds": (lambda: refuse(lambda: quench.build(workshop / source, precision="int8")), 12),
        "loads": (lambda: load(data), 40),
        "refused loads": (lambda: refuse(lambda: quench.Model.from_bytes(data[:5000])), 100),
        "pictures": (lambda: segmenter.run(photo).overlay(), 40),
        "decoding": (lambda: quench.load_image(workshop / "photo.jpg"), 100),
    }
    for what, (work, count) in works.items():
        for _ in range(max(count // 4, 4)):
            work()
        gc.collect()
        tracemalloc.start()
        begin, before = rss_kib(), tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            work()
        gc.collect()
        grown, python = rss_kib() - begin, tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 4096, f"{what}: {grown} KiB after {count}"
        assert python < 50000, f"{what}: {python} bytes of Python after {count}"
