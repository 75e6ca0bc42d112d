"""Prints what the Python package promises, measured here and now.

    python python/bench/bars.py [--quick]

Overhead of a run over C (at most 15 us), how eight threads on one engine compare with eight contexts in C, side by
side, and memory over many runs, builds and loads, errors included (flat).
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import numpy as np

import quench
from quench._native import ffi, lib

SCENES = Path(__file__).resolve().parents[2] / "models" / "scenes"
failed: list[str] = []


def median_us(work: Callable[[], Any], count: int) -> float:
    """The median time of a call in microseconds."""
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def rss_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


def tell(what: str, text: str, is_met: bool) -> None:
    print(f"  {what:44} {text}{'' if is_met else '  NOT MET'}")
    if not is_met:
        failed.append(what)


def make_small_model() -> quench.Model:
    """A model whose run takes next to nothing, so that a difference of times can be seen."""
    network = quench.Network.create("small")
    x = network.add_input("x", [None, 4])
    network.mark_output(network.add_node("relu", x).output, "y")
    return quench.build(network)


def bench_overhead(count: int) -> None:
    context = quench.Engine(make_small_model(), threads=1).context()
    x, place = np.ones((1, 4), np.float32), np.empty((1, 4), np.float32)
    context.run(x, outputs=place)
    tensors, pointer = context._tensors, context._pointer
    kept = [ffi.from_buffer(x), ffi.from_buffer(place)]
    tensors.inputs[0].data, tensors.outputs[0].data = kept

    def run_c() -> None:
        lib.qn_context_run(pointer, tensors.inputs, 1, tensors.outputs, 1)

    plain = median_us(run_c, count)
    over = median_us(lambda: context.run(x), count) - plain
    tell("overhead of a run (at most 15 us)", f"{over:.2f} us", over <= 15)
    over = median_us(lambda: context.run({"x": x}, outputs={"y": place}), count) - plain
    tell("with names and results in place (15 us)", f"{over:.2f} us", over <= 15)


def bench_threads(seconds: float) -> None:
    engine = quench.Engine(quench.build(SCENES / "scenes.pb"), threads=1)
    x = np.zeros((1, 161, 161, 3), np.uint8)

    def rate(count: int) -> float:
        runs, stop = [0] * count, time.monotonic() + seconds

        def work(number: int) -> None:
            context = engine.context()
            while time.monotonic() < stop:
                context.run(x)
                runs[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(runs) / seconds

    def rate_of_c(count: int) -> float:
        duration_ms = int(1000 * seconds)
        return float(quench.bench(engine, [x], contexts=count, warmup_ms=0, duration_ms=duration_ms)["runs_per_s"])

    rounds = [(rate(1), rate(8), rate_of_c(1), rate_of_c(8)) for _ in range(3)]
    one, eight, c_one, c_eight = (statistics.median(column) for column in zip(*rounds))
    share = eight / c_eight
    tell("runs a second, 1 and 8 threads", f"{one:.0f} and {eight:.0f}, in C {c_one:.0f} and {c_eight:.0f}", True)
    tell("eight threads beside C (at least 0.95)", f"{share:.3f}", share >= 0.95)


def expect_flat(what: str, work: Callable[[], Any], count: int) -> None:
    """Memory does not grow with the number of calls: by less than 1 MiB (0.1 MiB of Python's own) in one half of them.

    What leaks grows in both halves; the C library's heap may take another turn once.
    """
    for _ in range(max(count // 10, 20)):
        work()
    gc.collect()
    tracemalloc.start()
    before, sizes = tracemalloc.get_traced_memory()[0], [rss_kib()]
    for _ in range(2):
        for _ in range(count // 2):
            work()
        gc.collect()
        sizes.append(rss_kib())
    grown, python = min(sizes[1] - sizes[0], sizes[2] - sizes[1]), tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    tell(f"{what}, {count} times", f"{grown} KiB, {python / 1024:.0f} KiB of Python", grown < 1024 and python < 102400)


def refuse(work: Callable[[], Any]) -> None:
    try:
        work()
    except quench.Error:
        return
    raise AssertionError("an error was expected")


def bench_memory(runs: int, builds: int) -> None:
    context = quench.Engine(make_small_model(), threads=1).context()
    x, wrong = np.ones((1, 4), np.float32), np.ones((1, 4), np.float64)
    source, data = SCENES / "scenes.pb", bytes(quench.build(SCENES / "scenes.pb"))
    damaged = data[: len(data) // 2]
    shapes = [np.ones((1 + number % 7, 4), np.float32) for number in range(7)]

    def load() -> None:
        model = quench.Model.from_bytes(data)
        quench.Engine(model, threads=1).context().set_shapes((1, 20, 20, 3))

    expect_flat("runs", lambda: context.run(x), runs)
    expect_flat("runs of other shapes", lambda: [context.run(one) for one in shapes], runs // 7)
    expect_flat("refused runs", lambda: refuse(lambda: context.run(wrong)), runs)
    expect_flat("builds", lambda: quench.build(source), builds)
    expect_flat("refused builds", lambda: refuse(lambda: quench.build(source, precision="int8")), builds)
    expect_flat("loads with engine and context", load, builds)
    expect_flat("refused loads", lambda: refuse(lambda: quench.Model.from_bytes(damaged)), builds)
    with quench.Queue(context.engine) as queue:
        expect_flat("runs on a queue", lambda: queue.enqueue(context, x).result(), runs // 10)


def main() -> int:
    parser = argparse.ArgumentParser(description="prints what the Python package promises, measured here and now")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    scale = 10 if parser.parse_args().quick else 1
    print(f"quench for Python {sys.version.split()[0]}, numpy {np.__version__}")
    bench_overhead(20000 // scale)
    bench_threads(5 / scale)
    bench_memory(100000 // scale, 1000 // scale)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
