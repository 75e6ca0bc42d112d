"""Runs: what goes in and out, memory, threads, processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quench

Array = np.ndarray[Any, Any]


def test_inputs_are_given_by_place_by_keyword_or_in_a_dict(context: quench.Context, picture: Array) -> None:
    expected = context.run(picture)[0]
    for outputs in (
        context.run(ImageTensor=picture),
        context.run({"ImageTensor": picture}),
        context.run({"ImageTensor:0": picture}),
    ):
        np.testing.assert_array_equal(outputs["SemanticPredictions"], expected)
        assert outputs.to_dict().keys() == {"SemanticPredictions"}


def test_results_go_where_they_are_wanted(context: quench.Context, picture: Array) -> None:
    expected = context.run(picture)[0]
    for choose in (lambda a: a, lambda a: [a], lambda a: {"SemanticPredictions": a}):
        place = np.full((1, 40, 56), -1, np.int32)
        (result,) = context.run(picture, outputs=choose(place))
        assert result is place
        np.testing.assert_array_equal(place, expected)
    assert context.run(picture, outputs=[None])[0].tobytes() == expected.tobytes()


def test_shapes_may_change_from_run_to_run(context: quench.Context) -> None:
    for height, width in ((1, 1), (40, 56), (161, 161), (40, 56)):
        (labels,) = context.run(np.zeros((1, height, width, 3), np.uint8))
        assert labels.shape == (1, height, width)
    assert context.set_shapes((1, 9, 7, 3)) == [(1, 9, 7)]


def test_memory_of_others_is_read_in_place(context: quench.Context, picture: Array) -> None:
    expected = context.run(picture)[0]
    flat = memoryview(bytearray(picture.tobytes())).cast("B", picture.shape)
    np.testing.assert_array_equal(context.run(flat)[0], expected)
    np.testing.assert_array_equal(context.run(Capsule(picture))[0], expected)
    read_only = picture.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(context.run(read_only)[0], expected)


class Capsule:
    """What has DLPack and nothing else."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


def test_tensors_of_torch_are_read_and_written_in_place(context: quench.Context, picture: Array) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    expected = context.run(picture)[0]
    place = torch.zeros((1, 40, 56), dtype=torch.int32)
    context.run(torch.from_numpy(picture.copy()), outputs=place)
    np.testing.assert_array_equal(place.numpy(), expected)


def test_lists_of_numbers_become_what_the_input_wants(small_network: quench.Network) -> None:
    context = quench.Engine(quench.build(small_network)).context()
    np.testing.assert_array_equal(context.run([[1, 2, 3, -9]])[0], [[2, 3, 4, 0]])


def test_nan_goes_through(small_network: quench.Network) -> None:
    context = quench.Engine(quench.build(small_network)).context()
    (y,) = context.run(np.array([[np.nan, np.inf, -np.inf, 0]], np.float32))
    assert y[0, 1] == np.inf


def test_eight_threads_share_an_engine(engine: quench.Engine, picture: Array) -> None:
    expected = engine.context().run(picture)[0]
    wrong: list[int] = []

    def work(number: int) -> None:
        context = engine.context()
        for _ in range(5):
            if not np.array_equal(context.run(picture)[0], expected):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_profile_trace_observer_and_costs_tell_of_runs(context: quench.Context, picture: Array, tmp_path: Path) -> None:
    steps = context.profile(picture)
    assert [step["name"] for step in steps] == [step["name"] for step in context.engine.model.steps()]
    assert sum(step["macs"] for step in steps) == context.engine.cost((1, 40, 56, 3))["macs"]
    assert context.arena()["total_bytes"] <= context.engine.arena_bytes()
    trace = quench.Trace()
    context.set_trace(trace)
    context.run(picture)
    context.set_trace(None)
    trace.save(tmp_path / "trace.json")
    assert len(trace) > 0
    seen: list[str] = []
    context.set_observer(lambda name, array: seen.append(name))
    context.run(picture)
    assert seen[0] == "ImageTensor"


def test_a_bench_tells_of_every_shape(engine: quench.Engine, picture: Array) -> None:
    small = picture[:, :20].copy()
    result = quench.bench(engine, [picture, small, picture], contexts=2, iterations=12, warmup_ms=1)
    assert (result["runs"], result["contexts"]) == (12, 2)
    assert [group["shapes"] for group in result["groups"]] == [[(1, 40, 56, 3)], [(1, 20, 56, 3)]]
    assert sum(group["runs"] for group in result["groups"]) == 12
    assert result["latency_ms"]["min"] <= result["latency_ms"]["median"] <= result["latency_ms"]["max"]
    for inputs, options in (([], {}), ([picture.astype(np.float32)], {}), ([picture], {"contexts": 0})):
        with pytest.raises(quench.InvalidArgumentError):
            quench.bench(engine, inputs, **options)


def test_a_forked_child_goes_on_with_what_was_not_in_use(context: quench.Context, picture: Array) -> None:
    expected = context.run(picture)[0]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        same = np.array_equal(context.run(picture)[0], expected)
        os.write(writer, b"same" if same else b"differs")
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 16)
    os.waitpid(child, 0)
    assert answer == b"same"


def label(engine: quench.Engine, picture: Array) -> Array:
    result: Array = engine.context().run(picture)[0]
    return result


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_a_pool_get_the_engine(method: str, engine: quench.Engine, picture: Array) -> None:
    with multiprocessing.get_context(method).Pool(2) as pool:
        for labels in pool.starmap(label, [(engine, picture)] * 3):
            np.testing.assert_array_equal(labels, label(engine, picture))
