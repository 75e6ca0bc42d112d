"""Queues: order, futures, failures, and the end of the interpreter."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quench

Array = np.ndarray[Any, Any]


def test_runs_and_functions_come_in_order(engine: quench.Engine, picture: Array) -> None:
    expected = engine.context().run(picture)[0]
    context = engine.context()
    seen: list[int] = []
    with quench.Queue(engine) as queue:
        futures = []
        for number in range(5):
            futures.append(queue.enqueue(context, picture))
            queue.call(seen.append, number)
        for future in futures:
            np.testing.assert_array_equal(future.result()[0], expected)
        queue.sync()
        assert queue.pending == 0
    assert seen == list(range(5))


def test_results_go_where_they_are_wanted(engine: quench.Engine, picture: Array) -> None:
    place = np.zeros((1, 40, 56), np.int32)
    with quench.Queue(engine) as queue:
        (result,) = queue.enqueue(engine.context(), ImageTensor=picture, outputs=place).result()
    assert result is place
    np.testing.assert_array_equal(place, engine.context().run(picture)[0])


def test_futures_can_be_awaited(engine: quench.Engine, picture: Array) -> None:
    async def work() -> list[quench.Outputs]:
        with quench.Queue(engine) as one, quench.Queue(engine) as two:
            return list(
                await asyncio.gather(one.enqueue(engine.context(), picture), two.enqueue(engine.context(), picture))
            )

    one, two = asyncio.run(work())
    np.testing.assert_array_equal(one[0], two[0])


def test_a_failure_skips_what_lies_behind_and_is_told_by_each(engine: quench.Engine, picture: Array) -> None:
    gate = threading.Event()

    def fail() -> None:
        gate.wait()
        raise LookupError("mine")

    with quench.Queue(engine) as queue:
        failed = queue.call(fail)
        skipped = queue.enqueue(engine.context(), picture)
        gate.set()
        with pytest.raises(LookupError, match="mine"):
            failed.result()
        with pytest.raises(quench.Error, match=r"mine.*queue\.sync"):
            skipped.result()
        with pytest.raises(quench.Error, match=r"mine.*queue\.sync"):
            queue.call(int).result()
        with pytest.raises(LookupError, match="mine"):
            queue.sync()
        queue.sync()
        assert queue.call(lambda: 7).result() == 7


def test_notifiers_order_queues_and_hand_failures_on(engine: quench.Engine) -> None:
    seen: list[str] = []

    def decode() -> None:
        time.sleep(0.05)
        seen.append("decoded")

    with quench.Queue(engine) as first, quench.Queue(engine) as second:
        begin, end = quench.Notifier(engine), quench.Notifier(engine)
        assert begin.state == "unplaced"
        with pytest.raises(quench.InvalidArgumentError, match="place"):
            begin.wait()
        begin.place(first)
        first.call(decode)
        end.place(first)
        second.wait(end)
        second.call(seen.append, "segmented").result()
        assert seen == ["decoded", "segmented"]
        assert end.elapsed_since(begin) >= 0.04
        first.call(lambda: 1 // 0)
        end.place(first)
        second.wait(end)
        with pytest.raises(quench.Error, match="ZeroDivisionError"):
            second.call(seen.append, "never").result()
        with pytest.raises(quench.Error, match="ZeroDivisionError"):
            end.wait()
    assert seen == ["decoded", "segmented"]


def test_cancelling_tells_every_future(engine: quench.Engine, picture: Array) -> None:
    gate, started = threading.Event(), threading.Event()
    with quench.Queue(engine) as queue:
        queue.call(started.set)
        queue.call(gate.wait)
        skipped = queue.enqueue(engine.context(), picture)
        started.wait()
        queue.cancel()
        gate.set()
        with pytest.raises(quench.CancelledError):
            skipped.result()


def test_a_full_queue_refuses_or_waits(engine: quench.Engine) -> None:
    gate = threading.Event()
    with quench.Queue(engine, length=1, refuse=True) as queue:
        queue.call(gate.wait)
        with pytest.raises(quench.BusyError, match="full"):
            queue.call(gate.wait)
        gate.set()
        queue.sync()
        assert queue.call(lambda: 3).result() == 3
    with quench.Queue(engine, length=1) as queue:
        for _ in range(20):
            queue.call(int)
        with pytest.raises(quench.LimitError, match="full"):
            queue.call(lambda: queue.call(int)).result()


def test_a_context_in_a_queue_is_not_used_otherwise(engine: quench.Engine, picture: Array) -> None:
    gate, context = threading.Event(), engine.context()
    with quench.Queue(engine) as queue:
        queue.call(gate.wait)
        run = queue.enqueue(context, picture)
        again = queue.enqueue(context, picture)
        with pytest.raises(quench.BusyError, match="a context of its own"):
            context.run(picture)
        with pytest.raises(quench.BusyError, match="other shapes"):
            queue.enqueue(context, picture[:, :20].copy())
        gate.set()
        np.testing.assert_array_equal(run.result()[0], again.result()[0])
        assert queue.enqueue(context, picture[:, :20].copy()).result()[0].shape == (1, 20, 56)


def test_wrong_arguments_are_told_at_once(engine: quench.Engine, picture: Array) -> None:
    context = engine.context()
    with quench.Queue(engine) as queue:
        with pytest.raises(quench.InvalidArgumentError, match="expected elements of uint8"):
            queue.enqueue(context, picture.astype(np.float32))
        with pytest.raises(quench.NotFoundError):
            queue.enqueue(context, x=picture)
        assert context.run(picture)[0].shape == (1, 40, 56)
        with pytest.raises(quench.InvalidArgumentError, match="cannot"):
            queue.call(queue.sync).result()
        with pytest.raises(quench.InvalidArgumentError, match="cannot"):
            queue.call(queue.close).result()
    for use in (lambda: queue.call(int), queue.sync, queue.cancel, lambda: queue.pending):
        with pytest.raises(quench.ClosedError):
            use()
    queue.close()
    with pytest.raises(quench.InvalidArgumentError, match="length"):
        quench.Queue(engine, length=0)


def test_a_forgotten_queue_does_its_work_and_ends(engine: quench.Engine, picture: Array) -> None:
    queue = quench.Queue(engine)
    state = weakref.ref(queue._state)
    collector = queue._state.collector
    future = queue.enqueue(engine.context(), picture)
    del queue
    assert future.result()[0].shape == (1, 40, 56)
    collector.join(10)
    assert not collector.is_alive()
    del future
    gc.collect()
    assert state() is None


def test_a_child_after_fork_is_told_to_make_its_own(engine: quench.Engine) -> None:
    with quench.Queue(engine) as queue:
        queue.call(int).result()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                queue.call(int)
            except quench.InvalidArgumentError as error:
                os.write(writer, str(error).encode())
            queue.close()
            os._exit(0)
        os.close(writer)
        assert b"make another one" in os.read(reader, 200)
        assert os.waitpid(child, 0)[1] == 0


ENDS: dict[str, str] = {
    "nobody waits": "",
    "the script fails": "raise SystemExit(3)",
    "a function is running": "queue.call(time.sleep, 0.2); queue.call(print, 'done')",
    "a failure nobody asks for": "queue.call(lambda: 1 // 0)",
}


@pytest.mark.parametrize("case", ENDS)
def test_the_interpreter_may_end_while_a_queue_works(case: str, workshop: Path) -> None:
    script = f"""
import time, numpy as np, quench
engine = quench.Engine(quench.Model({str(workshop / "scenes.qn")!r}))
queue, context = quench.Queue(engine), engine.context()
x = np.zeros((1, 161, 161, 3), np.uint8)
runs = [queue.enqueue(context, x) for _ in range(20)]
{ENDS[case]}
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == (3 if "SystemExit" in ENDS[case] else 0), result.stderr
    assert result.stderr == ""
    assert ("done" in result.stdout) == ("done" in ENDS[case])
