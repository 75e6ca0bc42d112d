"""How fast a model runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._arrays import fill_tensor
from ._call import Call
from ._native import ffi, lib
from ._samples import Reader
from ._status import InvalidArgumentError
from .engine import Engine
from .vision import Vision

_stats = ("min", "max", "mean", "median", "p90", "p95", "p99")


def bench(
    engine: Engine,
    inputs: Iterable[Any],
    *,
    contexts: int = 1,
    warmup_ms: int = 200,
    duration_ms: int = 2000,
    iterations: int = 0,
) -> dict[str, Any]:
    """Runs an engine's model again and again, without Python in between.

    `inputs` are sets of inputs, each as a sample of `Calibrator` (arrays, dicts, tuples, paths, pictures); they are
    taken in turn and may differ in shape. `contexts` run at the same time, each on a thread of its own: for throughput
    take an engine of one thread and as many contexts as there are CPUs. It measures for `duration_ms`, or exactly
    `iterations` runs. Ctrl-C ends it between runs.

    The answer: `runs`, `contexts`, `wall_s`, `runs_per_s`, `cpu_s`, `utilisation` (0 to 1), `first_ms`, `shape_ms`,
    `latency_ms` (`min`, `max`, `mean`, `median`, `p90`, `p95`, `p99`), and in `groups` for each set of shapes `shapes`,
    `sets`, `runs` and `latency_ms`.

    >>> import numpy as np, quench
    >>> engine = quench.Engine(quench.Model("scenes.qn"), threads=1)
    >>> result = quench.bench(engine, [np.zeros((1, 32, 32, 3), np.uint8)], iterations=5, warmup_ms=0)
    >>> result["runs"], result["groups"][0]["shapes"]
    (5, [(1, 32, 32, 3)])
    """
    reader = Reader(engine.inputs, lambda: Vision(engine.model))
    sets = [row for item in inputs for row in reader.read(item)]
    if not sets:
        raise InvalidArgumentError("bench: expected at least one set of inputs, found none")
    width = len(engine.inputs)
    tensors, kept = ffi.new("qn_tensor[]", max(len(sets) * width, 1)), []
    for number, row in enumerate(sets):
        for index, array in enumerate(row):
            what = f"input {engine.inputs[index].name!r} of set {number}"
            kept.append(fill_tensor(tensors[number * width + index], array, what))
    options, out = ffi.new("qn_bench_options *"), ffi.new("qn_bench **")
    lib.qn_bench_options_init(options)
    chosen = {"contexts": contexts, "warmup_ms": warmup_ms, "duration_ms": duration_ms, "iterations": iterations}
    for name, value in chosen.items():
        try:
            setattr(options, name, value)
        except (TypeError, OverflowError):
            raise InvalidArgumentError(f"{name}: expected a whole number, found {value!r}") from None
    with Call() as call:
        options.cancel, options.self = lib.qn_python_cancel, call.handle
        call.check(lib.qn_bench_run(engine._pointer, tensors, len(sets), options, out))
    del kept
    return _describe(ffi.gc(out[0], lib.qn_bench_destroy), width)


def _describe(bench: Any, width: int) -> dict[str, Any]:
    info = lib.qn_bench_get_info(bench)
    names = ("runs", "contexts", "wall_s", "runs_per_s", "cpu_s", "utilisation", "first_ms", "shape_ms")
    groups = [lib.qn_bench_get_group(bench, index) for index in range(info.group_count)]
    return {
        **{name: getattr(info, name) for name in names},
        "latency_ms": _describe_stats(info.latency),
        "groups": [
            {
                "shapes": [tuple(group.shapes[i].dims[0 : group.shapes[i].rank]) for i in range(width)],
                "sets": group.sets,
                "runs": group.runs,
                "latency_ms": _describe_stats(group.latency),
            }
            for group in groups
        ],
    }


def _describe_stats(stats: Any) -> dict[str, float]:
    return {name: getattr(stats, name) for name in _stats}
