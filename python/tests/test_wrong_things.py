"""Whatever is wrong is an exception that says what to do."""

from __future__ import annotations

import logging
import pickle
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

import quench
from quench._handle import Handle
from quench._native import lib
from quench._status import _classes, text_of

Array = np.ndarray[Any, Any]


def test_every_code_has_a_class_with_a_way_out() -> None:
    names = {text_of(lib.qn_code_name(code)) for code in range(1, lib.QN_INTERNAL + 1)}
    assert names == set(_classes)
    for kind in _classes.values():
        assert issubclass(kind, quench.Error)
        assert kind.way_out
        assert kind.__name__ in quench.__all__
        error = kind("text", "line")
        error.option, error.sample = "pixels_max", 3
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.where) == (kind, "text", "line")
        assert (again.option, again.node, again.sample) == ("pixels_max", None, 3)


WRONG_INPUTS: dict[str, tuple[Callable[[Array], Any], type[Exception], str]] = {
    "dtype": (lambda x: x.astype(np.float32), quench.InvalidArgumentError, r"expected elements of uint8.*astype"),
    "byte order": (lambda x: x.astype(">i4"), quench.InvalidArgumentError, r"expected elements of uint8"),
    "rank": (lambda x: x[0], quench.InvalidArgumentError, "rank|dims"),
    "size": (lambda x: np.zeros((1, 500, 500, 3), np.uint8), quench.InvalidArgumentError, "161"),
    "too many dims": (lambda x: np.zeros((1,) * 9, np.uint8), quench.InvalidArgumentError, "9 dims, 8"),
    "strides": (lambda x: x[:, ::2], quench.InvalidArgumentError, "ascontiguousarray"),
    "order": (lambda x: np.asfortranarray(x), quench.InvalidArgumentError, "ascontiguousarray"),
    "no array": (lambda x: object(), quench.InvalidArgumentError, "expected an array, found object"),
    "objects": (lambda x: x.astype(object), quench.InvalidArgumentError, "expected elements of uint8"),
    "ragged": (lambda x: [[1], [2, 3]], quench.InvalidArgumentError, "expected an array"),
    "name": (lambda x: {"Image": x}, quench.NotFoundError, "no input 'Image'.*ImageTensor"),
    "none": (lambda x: {}, quench.InvalidArgumentError, "ImageTensor missing"),
}


@pytest.mark.parametrize("case", WRONG_INPUTS)
def test_a_wrong_input_is_refused_and_the_context_stays_usable(
    case: str, context: quench.Context, picture: Array
) -> None:
    make, kind, text = WRONG_INPUTS[case]
    expected = context.run(picture)[0]
    with pytest.raises(kind, match=text):
        context.run(make(picture))
    np.testing.assert_array_equal(context.run(picture)[0], expected)


def test_inputs_too_many_or_twice_are_refused(context: quench.Context, picture: Array) -> None:
    with pytest.raises(quench.InvalidArgumentError, match="expected 1 inputs"):
        context.run(picture, picture)
    with pytest.raises(quench.InvalidArgumentError, match="given twice"):
        context.run(picture, ImageTensor=picture)


def read_only(place: Array) -> Array:
    place.flags.writeable = False
    return place


WRONG_OUTPUTS: dict[str, tuple[Callable[[], Any], str]] = {
    "read-only": (lambda: read_only(np.zeros((1, 40, 56), np.int32)), "read-only.*writable"),
    "dtype": (lambda: np.zeros((1, 40, 56), np.int64), "expected int32"),
    "shape": (lambda: np.zeros((1, 40, 57), np.int32), r"expected int32\[1, 40, 56\]"),
    "strides": (lambda: np.zeros((1, 56, 40), np.int32).transpose(0, 2, 1), "ascontiguousarray"),
    "count": (lambda: [None, None], "expected 1 arrays"),
    "bytes": (lambda: memoryview(bytes(40 * 56 * 4)).cast("i", (1, 40, 56)), "read-only"),
}


@pytest.mark.parametrize("case", WRONG_OUTPUTS)
def test_a_wrong_place_for_results_is_refused(case: str, context: quench.Context, picture: Array) -> None:
    make, text = WRONG_OUTPUTS[case]
    with pytest.raises(quench.InvalidArgumentError, match=text):
        context.run(picture, outputs=make())
    with pytest.raises(quench.NotFoundError, match="no output 'labels'"):
        context.run(picture, outputs={"labels": None})


def test_results_over_inputs_are_refused(small_network: quench.Network) -> None:
    context = quench.Engine(quench.build(small_network)).context()
    x = np.ones((2, 4), np.float32)
    with pytest.raises(quench.InvalidArgumentError, match="overlap"):
        context.run(x, outputs=x)


def test_unaligned_memory_is_refused(small_network: quench.Network) -> None:
    context = quench.Engine(quench.build(small_network)).context()
    x = np.frombuffer(bytes(17), np.float32, 4, 1).reshape(1, 4)
    with pytest.raises(quench.InvalidArgumentError, match="align"):
        context.run(x)


def test_closed_objects_say_so(workshop: Path, small_network: quench.Network, picture: Array) -> None:
    model = quench.Model(workshop / "scenes.qn")
    engine = quench.Engine(model)
    context = engine.context()
    value = small_network.find_value("x")
    config, calibrator, trace = quench.Config(), quench.Calibrator(), quench.Trace()
    for thing in (model, engine, context, small_network, config, calibrator, trace):
        assert isinstance(thing, Handle)
        thing.close()
        thing.close()
        assert "closed" in repr(thing) or thing.closed
    for use in (
        lambda: model.save("x"),
        lambda: bytes(model),
        lambda: quench.Engine(model),
        lambda: engine.threads,
        lambda: engine.context(),
        lambda: context.run(picture),
        lambda: context.cancel(),
        lambda: small_network.inputs,
        lambda: quench.build(small_network),
        lambda: value.name,
        lambda: config.to_dict(),
        lambda: calibrator.ranges,
        lambda: len(trace),
        lambda: trace.__enter__(),
    ):
        with pytest.raises(quench.ClosedError, match=r"closed|used up"):
            use()


def test_a_network_is_used_up_by_its_build(workshop: Path) -> None:
    network = quench.Network(workshop / "scenes.pb")
    node = next(network.nodes())
    quench.build(network)
    with pytest.raises(quench.ClosedError, match="used up by a build"):
        quench.build(network)
    with pytest.raises(quench.ClosedError, match="used up by a build"):
        node.name  # noqa: B018


def test_values_of_another_network_are_refused(small_network: quench.Network) -> None:
    other = quench.Network.create("other")
    with pytest.raises(quench.InvalidArgumentError, match="another network"):
        other.add_node("relu", small_network.find_value("x"))


def test_files_that_are_not_there_or_damaged_are_named(tmp_path: Path, model: quench.Model) -> None:
    with pytest.raises(quench.NotFoundError, match=r"nothing\.qn"):
        quench.Model(tmp_path / "nothing.qn")
    with pytest.raises(quench.NotFoundError, match=r"nothing\.pb"):
        quench.build(tmp_path / "nothing.pb")
    data = bytearray(bytes(model))
    data[len(data) // 2] ^= 1
    with pytest.raises(quench.InvalidModelError):
        quench.Model.from_bytes(data)
    with pytest.raises(quench.InvalidModelError):
        quench.Model.from_bytes(b"")
    with pytest.raises(quench.InvalidArgumentError, match="bytes"):
        quench.Model.from_bytes("text")
    with pytest.raises(quench.FileError):
        model.save(tmp_path / "no" / "folder.qn")


def test_a_context_on_two_threads_raises(workshop: Path) -> None:
    context = quench.Engine(quench.Model(workshop / "scenes.qn"), threads=1).context()
    x = np.zeros((1, 161, 161, 3), np.uint8)
    context.run(x)
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        while not stop.is_set():
            try:
                context.run(x)
            except quench.BusyError as error:
                failures.append(error)
            except BaseException as error:
                failures.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while not failures and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures
    assert all(isinstance(error, quench.BusyError) for error in failures)
    assert "context of its own" in str(failures[0])
    context.run(x)


# ---- Samples ----


def test_what_samples_raise_comes_out(workshop: Path) -> None:
    def samples() -> Iterator[Array]:
        yield np.zeros((1, 40, 40, 3), np.uint8)
        raise KeyError("my own")

    with pytest.raises(KeyError, match="my own"):
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(samples()))


def test_samples_that_do_not_fit_are_named(workshop: Path) -> None:
    def calibrate(*samples: Any) -> None:
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(list(samples)))

    good = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(quench.InvalidArgumentError, match="2"):
        calibrate(good, good.astype(np.float32))
    with pytest.raises(quench.InvalidArgumentError, match="2"):
        calibrate(good, np.zeros((1, 900, 40, 3), np.uint8))
    with pytest.raises(quench.InvalidArgumentError, match="no samples"):
        calibrate()
    with pytest.raises(quench.NotFoundError, match=r"ImageTensor.*found x"):
        calibrate({"x": good})
    with pytest.raises(quench.NotFoundError, match=r"gone\.npy"):
        calibrate("gone.npy")
    with pytest.raises(quench.InvalidArgumentError, match="iterate"):
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(5))  # type: ignore[arg-type]


def test_nan_in_samples_is_refused() -> None:
    network = quench.Network.create("product")
    x, w = network.add_input("x", [None, 4]), network.add_constant("w", np.ones((4, 4), np.float32))
    network.mark_output(network.add_node("matmul", x, w).output, "y")
    calibrator = quench.Calibrator([np.full((1, 4), np.nan, np.float32)])
    with pytest.raises(quench.InvalidArgumentError, match=r"(?i)nan|finite") as caught:
        calibrator.calibrate(network)
    assert (caught.value.option, caught.value.node, caught.value.sample) == (None, None, 0)


def test_an_iterator_cannot_be_read_twice(workshop: Path) -> None:
    samples = [np.zeros((1, 40, 40, 3), np.uint8)] * 4
    contract = quench.Contract(iter(samples), min_agreement=0.5)
    with pytest.warns(quench.QuenchWarning), pytest.raises(quench.InvalidArgumentError, match="give a list"):
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(samples), contract=contract)


# ---- Warnings, logs, Ctrl-C ----


def test_warnings_name_the_line_of_the_caller(workshop: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        samples = [np.zeros((1, 40, 40, 3), np.uint8)]
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(samples))
    assert caught
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}
    assert all(warning.category is quench.QuenchWarning for warning in caught)


def test_remarks_go_to_the_log(model: quench.Model, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "quench"):
        quench.Engine(model, cpu="generic", threads=1)
    assert any("thread" in record.message for record in caplog.records)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_build(workshop: Path) -> None:
    def interrupt(phase: str, fraction: float) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        quench.build(workshop / "scenes.pb", progress=interrupt)
    network = quench.Network(workshop / "scenes.pb")
    calibrator = quench.Calibrator([np.zeros((1, 40, 40, 3), np.uint8)] * 4)
    with pytest.raises(KeyboardInterrupt):
        calibrator.calibrate(network, progress=interrupt)
    assert calibrator.sample_count == 0
    assert quench.build(network).name == "scenes"


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_from_outside_ends_a_build(workshop: Path) -> None:
    many = [np.random.default_rng(i).integers(0, 256, (1, 161, 161, 3), np.uint8) for i in range(4)]

    def endless() -> Iterator[Array]:
        while True:
            yield from many

    timer = threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(endless))
    assert time.monotonic() - begin < 5
    timer.join()


def test_what_progress_and_passes_raise_comes_out(workshop: Path, context: quench.Context, picture: Array) -> None:
    def fail(*anything: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        quench.build(workshop / "scenes.pb", progress=fail)
    with pytest.raises(LookupError, match="mine"):
        quench.build(workshop / "scenes.pb", after_pass=fail)
    context.set_observer(fail)
    with pytest.raises(LookupError, match="mine"):
        context.run(picture)
    context.set_observer(None)
    context.run(picture)


def test_wrong_options_are_refused(workshop: Path, model: quench.Model) -> None:
    for call, text in (
        (lambda: quench.Config({"graph_shape_mutabel": True}), "graph_shape_mutable"),
        (lambda: quench.Config("{"), "JSON"),
        (lambda: quench.Config({"a": {1, 2}}), "JSON"),
        (lambda: quench.Config(5), "expected a dict"),  # type: ignore[arg-type]
        (lambda: quench.Engine(model, cpu="avx2000"), "avx"),
        (lambda: quench.Engine(model, threads=-1), "threads"),
        (lambda: quench.Engine(model, threads=10**20), "threads"),
        (lambda: quench.Engine("scenes.qn"), r"Model\(path\)"),  # type: ignore[arg-type]
        (lambda: quench.Calibrator(algorithm="linaer"), "linear"),
        (lambda: quench.Network(workshop / "scenes.pb", outputs=["SemanticPrediction"]), "SemanticPredictions"),
        (lambda: quench.Network(workshop / "scenes.pb", outputs="x"), r"give \[name\]"),
        (lambda: quench.Model(workshop / "scenes.qn", memory="borrow"), "'map' or 'copy'"),
        (lambda: quench.Model(str(workshop / "scenes.qn") + "\0"), "null|zero"),
        (lambda: quench.build(workshop / "scenes.pb", after_pass=print, print_after="fold"), "fold"),
        (lambda: quench.build(workshop / "scenes.pb", precision="int8"), "range"),
    ):
        with pytest.raises((quench.Error, ValueError), match=text):
            call()


# ---- Objects at work ----


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_what_callbacks_do_to_objects_at_work_is_refused(workshop: Path, model: quench.Model, picture: Array) -> None:
    network, config = quench.Network(workshop / "scenes.pb"), quench.Config(precision="int8")
    seen: list[type[BaseException]] = []

    def attempt(*uses: Callable[[], Any]) -> None:
        for use in uses:
            try:
                use()
            except quench.Error as error:
                seen.append(type(error))

    def samples() -> Iterator[Array]:
        assert network.inputs[0].name == "ImageTensor"
        attempt(network.to_text, config.to_dict, lambda: calibrator.ranges, lambda: quench.build(network))
        yield picture
        calibrator.close()
        yield picture

    calibrator = quench.Calibrator(samples)
    calibrator.calibrate(network, config)
    assert seen == [quench.BusyError] * 4
    assert calibrator.closed
    seen.clear()
    quench.build(
        network, config, calibrator=quench.Calibrator.fixed(-6, 6), progress=lambda *_: attempt(network.to_text)
    )
    assert set(seen) == {quench.ClosedError}
    engine = quench.Engine(model)
    context = engine.context()
    seen.clear()

    def observe(*value: Any) -> None:
        attempt(lambda: context.run(picture), context.close)
        engine.close()

    context.set_observer(observe)
    context.run(picture)
    assert set(seen) == {quench.BusyError}


def test_a_network_may_be_changed_by_many_threads(small_network: quench.Network) -> None:
    x = small_network.find_value("x")

    def add() -> None:
        for _ in range(50):
            small_network.add_node("relu", x)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(small_network.nodes("relu"))) == 201


def test_closing_under_a_call_of_another_thread_does_no_harm(workshop: Path) -> None:
    for _ in range(5):
        model = quench.build(workshop / "scenes.pb", {"enable_refit": True})
        engine = quench.Engine(model, threads=1)
        name = next(iter(quench.Network(workshop / "scenes.pb").nodes("conv2d"))).inputs[1]
        assert name is not None
        zeros = np.zeros([size or 1 for size in name.shape], np.float32)
        thread = threading.Thread(target=engine.refit, args=({name.name: zeros},))
        thread.start()
        engine.close()
        model.close()
        thread.join()


def test_what_a_segmenter_stands_on_may_be_closed(workshop: Path) -> None:
    segmenter = quench.Segmenter(workshop / "scenes.qn")
    segmenter.vision.close()
    segmenter._context.close()
    segmenter.engine.close()
    assert segmenter.run(workshop / "photo.jpg").labels.shape == (161, 161)
