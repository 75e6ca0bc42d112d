"""What people do wrong: an exception where the script is wrong, a status where the work fails. Never a crash."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from samples import INT8, SCENES, CalibData, build, make_config, make_line, make_pair, parse_scenes

import quench
import quench.magicmind as mm
from quench.magicmind.parser import Parser


@pytest.fixture(scope="module")
def scenes() -> mm.Model:
    return build(parse_scenes())


@pytest.fixture
def context(scenes: mm.Model) -> mm.IContext:
    engine = scenes.create_i_engine()
    assert engine is not None
    context = engine.create_i_context()
    assert context is not None
    return context


def fill(context: mm.IContext) -> list[mm.IRTTensor]:
    inputs = context.create_inputs()
    inputs[0].from_numpy(np.zeros((1, 32, 32, 3), np.uint8))
    return inputs


def line() -> mm.Network:
    return mm.Network.wrap(make_line)


def parse(key: str, value: Any) -> mm.Status:
    return Parser(mm.ModelKind.kTensorflow).set_model_param(key, value)


def parse_file(path: str | Path, kind: mm.ModelKind = mm.ModelKind.kTensorflow) -> mm.Status:
    return Parser(kind).parse(mm.Network(), path)


def parse_named(name: str) -> mm.Status:
    parser = Parser(mm.ModelKind.kTensorflow)
    assert parser.set_model_param("tf-graphdef-inputs", [name]).ok()
    return parser.parse(mm.Network(), SCENES / "scenes.pb")


def calibrate_remotely() -> mm.Status:
    remote = mm.RemoteConfig()
    remote.address = "10.0.0.1:8008"
    return mm.Calibrator(CalibData([np.zeros(1)])).set_remote(remote)


@pytest.mark.parametrize(
    ("work", "code", "text"),
    [
        (lambda: parse("tf-model-typ", "x"), "NOT_FOUND", "did you mean 'tf-model-type'"),
        (lambda: parse("tf-graphdef-inputs", "ImageTensor:0"), "INVALID_ARGUMENT", "expected a list of texts"),
        (lambda: parse("tf-model-type", "tf-savedmodel-v1-dir"), "UNSUPPORTED", "freeze it"),
        (lambda: parse("tf-savedmodel-tags", ["serve"]), "UNSUPPORTED", "freeze it"),
        (lambda: parse_file("nothing.pb"), "NOT_FOUND", "nothing.pb"),
        (lambda: parse_file(SCENES / "palette.txt"), "INVALID_MODEL", "palette.txt"),
        (lambda: parse_file("m.onnx", mm.ModelKind.kOnnx), "UNSUPPORTED", "ONNX is not read"),
        (lambda: parse_named("ImageTenso:0"), "INVALID_ARGUMENT", "ImageTensor"),
        (lambda: mm.BuilderConfig().parse_from_string("{"), "INVALID_ARGUMENT", "configuration"),
        (lambda: mm.BuilderConfig().parse_from_string('{"zzz": 1}'), "INVALID_ARGUMENT", "unknown"),
        (lambda: mm.BuilderConfig().parse_from_file("nothing.json"), "NOT_FOUND", "nothing.json"),
        (lambda: mm.BuilderConfig().parse_from_file("/"), "IO", "directory"),
        (lambda: mm.Model().deserialize_from_file("nothing.qn"), "NOT_FOUND", "nothing.qn"),
        (lambda: mm.Model().deserialize_from_file(SCENES / "scenes.pb"), "INVALID_MODEL", "scenes.pb"),
        (lambda: mm.Model().deserialize_from_memory(b"\0" * 64), "INVALID_MODEL", ""),
        (lambda: build(line()).serialize_to_file("/no/such/folder/m.qn"), "IO", "/no/such/folder"),
        (lambda: line().get_input(0).set_dimension(mm.Dims((1, 8, 8, 4))), "", "conv"),
        (lambda: line().get_output(0).set_data_type(mm.DataType.FLOAT16), "INVALID_ARGUMENT", "input"),
        (lambda: line().get_all_nodes_in_network()[0].set_precision(0, mm.DataType.BOOL), "UNSUPPORTED", "BOOL"),
        (lambda: line().get_input(0).set_dynamic_range(mm.Range(1.0, 0.0)), "INVALID_ARGUMENT", "min <= max"),
        (
            lambda: line().get_all_nodes_in_network()[0].set_precision_with_normal_param(0, mm.DataType.QINT8),
            "UNSUPPORTED",
            "set_dynamic_range",
        ),
        (calibrate_remotely, "UNSUPPORTED", "this machine"),
        (
            lambda: mm.Calibrator(CalibData([np.zeros(1)])).set_quantization_algorithm(
                mm.QuantizationAlgorithm.INVALID
            ),
            "INVALID_ARGUMENT",
            "LINEAR_ALGORITHM",
        ),
        (lambda: mm.Device(3).active(), "INVALID_ARGUMENT", "device 3"),
    ],
)
def test_what_fails_is_a_status(work: Callable[[], mm.Status], code: str, text: str) -> None:
    status = work()
    assert not status.ok()
    assert text in status.error_message()
    assert code in ("", status.code().name)


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (lambda: mm.Status(13, "x"), "one of Code"),  # type: ignore[arg-type]
        (lambda: Parser("tensorflow"), "one of ModelKind"),  # type: ignore[arg-type]
        (lambda: Parser(mm.ModelKind.kTensorflow).parse("scenes.pb"), "expected a Network"),  # type: ignore[arg-type]
        (lambda: Parser(mm.ModelKind.kTensorflow).parse(mm.Network()), "path of a model"),
        (lambda: mm.Network().get_input(0), "the network is empty"),
        (lambda: mm.Builder().build_model("m", mm.Network()), "the network is empty"),
        (lambda: mm.Builder().build_model(line(), line()), "expected a name"),  # type: ignore[arg-type]
        (lambda: mm.Builder().build_model("m", line(), {}), "expected a BuilderConfig"),  # type: ignore[arg-type]
        (lambda: line().get_input(1), "input 1: there are 1"),
        (lambda: line().get_all_nodes_in_network()[0].set_precision(9, mm.DataType.FLOAT32), "input 9"),
        (lambda: line().get_all_nodes_in_network()[0].set_precision(0, np.float32), "one of DataType"),  # type: ignore[arg-type]
        (lambda: line().get_input(0).set_dimension(8), "expected Dims"),  # type: ignore[arg-type]
        (lambda: line().mark_output(line().get_output(0)), "another network"),
        (lambda: mm.Dims((1, -2)), "-1 where one is open"),
        (lambda: mm.Dims("ab"), "whole numbers"),  # type: ignore[arg-type]
        (lambda: mm.BuilderConfig().parse_from_string({}), "JSON text"),  # type: ignore[arg-type]
        (lambda: mm.Calibrator([object()]), "has no get_shape"),  # type: ignore[list-item]
        (lambda: mm.Calibrator([CalibData([np.zeros(1)])] * 2).calibrate(line()), "1 inputs .x., found 2"),
        (lambda: mm.Model().get_input_names(), "the model is empty"),
        (lambda: mm.Model().create_i_engine(), "the model is empty"),
        (lambda: mm.Profiler({}, "out"), "ProfilerOptions"),  # type: ignore[arg-type]
        (lambda: mm.Profiler(mm.ProfilerOptions(), 7), "path of a folder"),  # type: ignore[arg-type]
        (lambda: mm.Model().deserialize_from_memory("text"), "expected bytes"),
    ],
)
def test_a_wrong_script_is_an_exception(work: Callable[[], object], text: str) -> None:
    with pytest.raises(quench.InvalidArgumentError, match=text):
        work()


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (lambda: getattr(mm.Network(), "add_i_conv_node"), "quench.Network.create"),  # noqa: B009
        (lambda: getattr(mm.Network(), "AddIConvNode"), "quench.Network.create"),  # noqa: B009
        (lambda: getattr(mm.Network(), "add_input"), "Network.wrap"),  # noqa: B009
        (lambda: mm.remote.IRpcSession.rpc_connect("1.2.3.4:9009"), "has no server"),
    ],
)
def test_what_quench_does_otherwise_is_refused_with_the_way(work: Callable[[], object], text: str) -> None:
    with pytest.raises(quench.UnsupportedError, match=text):
        work()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BuildConfig", "did you mean BuilderConfig"),
        ("CreateIRefitter", "engine.quench.refit"),
        ("IPluginKernel", "part of quench"),
        ("ContextDumpInfo", "set_observer"),
        ("zzz", "docs/coming-from-magicmind.md"),
    ],
)
def test_names_that_are_not_here_say_where_to_look(name: str, text: str) -> None:
    assert not hasattr(mm, name)
    with pytest.raises(AttributeError, match=text):
        getattr(mm, name)


def test_a_network_is_filled_once() -> None:
    network, parser = parse_scenes(), Parser(mm.ModelKind.kTensorflow)
    status = parser.parse(network, SCENES / "scenes.pb")
    assert "filled already" in status.error_message()


def test_a_build_that_fails_is_none_and_says_why() -> None:
    with pytest.warns(quench.QuenchWarning, match="needs the ranges") as warned:
        assert mm.Builder().build_model("m", line(), make_config(INT8)) is None
    assert warned[0].filename == __file__


# ---- Samples ----


class Wrong(CalibData):
    """Samples of which one method is wrong."""

    def __init__(self, **answers: Any) -> None:
        super().__init__([np.zeros((1, 8, 8, 3), np.float32)] * 2)
        for name, answer in answers.items():
            setattr(self, name, lambda answer=answer: answer)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({"next": None}, r"Wrong.next\(\) answered None: expected mm.Status.OK\(\), or"),
        ({"next": True}, r"expected mm.Status.OK\(\)"),
        ({"next": mm.Status(mm.Code.INTERNAL, "disk gone")}, "INTERNAL: disk gone"),
        ({"reset": None}, r"Wrong.reset\(\) answered None"),
        ({"get_shape": mm.Dims((2, 8, 8, 3))}, r"sample 1 is float32 of \[1, 8, 8, 3\].*say float32 of \[2, 8, 8, 3\]"),
        ({"get_shape": "1,8,8,3"}, "expected Dims"),
        ({"get_data_type": mm.DataType.UINT8}, "get_data_type and get_shape say uint8"),
        ({"get_data_type": np.float32}, "one of DataType"),
        ({"get_sample": None}, "sample 1 is object"),
        ({"get_sample": np.full((1, 8, 8, 3), np.nan, np.float32)}, "NaN|finite"),
        ({"next": mm.Status(mm.Code.OUT_OF_RANGE, "")}, "no samples|sample"),
    ],
)
def test_wrong_samples_are_named(answers: dict[str, Any], text: str) -> None:
    network = line()
    status = mm.Calibrator(Wrong(**answers)).calibrate(network, make_config(INT8))
    assert not status.ok()
    import re

    assert re.search(text, status.error_message()), status.error_message()
    assert network._measured is None


def test_what_samples_raise_is_raised() -> None:
    class Broken(CalibData):
        def next(self) -> mm.Status:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        mm.Calibrator(Broken([np.zeros((1, 8, 8, 3), np.float32)])).calibrate(line())


def test_a_class_without_a_method_says_which() -> None:
    class Half(mm.CalibDataInterface):
        def reset(self) -> mm.Status:
            return mm.Status.OK()

    with pytest.raises(NotImplementedError, match=r"Half lacks next\(self\)"):
        mm.Calibrator(Half()).calibrate(line())


def test_samples_of_other_shapes_are_a_status() -> None:
    status = mm.Calibrator(CalibData([np.zeros((1, 9, 9, 3), np.float32)])).calibrate(
        line(), make_config('{"graph_shape_mutable": false}')
    )
    assert status.code() is mm.Code.INVALID_ARGUMENT
    assert "sample 1" in status.error_message()


# ---- Runs ----


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((1, 32, 32, 3), np.float32), r"holds uint8, found float32: give x.astype\('uint8'\)"),
        (np.zeros((32, 32, 3), np.uint8), "give x.None."),
        (np.zeros((), np.uint8), r"found \[\]"),
        ("picture.jpg", "expected an array"),
    ],
)
def test_wrong_arrays_are_refused_where_they_are_given(context: mm.IContext, array: Any, text: str) -> None:
    with pytest.raises(quench.InvalidArgumentError, match=text):
        context.create_inputs()[0].from_numpy(array)


def test_arrays_need_not_be_contiguous_or_writable_or_stay(context: mm.IContext) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 32), np.uint8).transpose(0, 2, 3, 1)
    copied = np.ascontiguousarray(photo)
    photo.flags.writeable = False
    queue, inputs, outputs = mm.Queue(), context.create_inputs(), list[mm.IRTTensor]()
    inputs[0].from_numpy(photo)
    del photo
    gc.collect()
    assert context.enqueue(inputs, outputs, queue).ok()
    again: list[mm.IRTTensor] = []
    inputs[0].from_numpy(copied)
    assert context.enqueue(inputs, again, queue).ok()
    np.testing.assert_array_equal(outputs[0].asnumpy(), again[0].asnumpy())


def test_shapes_out_of_range_are_a_status_and_the_context_stays_usable(context: mm.IContext) -> None:
    queue, inputs = mm.Queue(), context.create_inputs()
    inputs[0].from_numpy(np.zeros((1, 500, 500, 3), np.uint8))
    for status in (context.enqueue(inputs, [], queue), context.infer_output_shape(inputs, [])):
        assert status.code() is mm.Code.INVALID_ARGUMENT
        assert "ImageTensor" in status.error_message()
    assert context.enqueue(fill(context), [], queue).ok()
    assert queue.sync().ok()


def test_wrong_arguments_of_enqueue(context: mm.IContext) -> None:
    queue = mm.Queue()
    for work, text in (
        (lambda: context.enqueue(context.create_inputs(), [], queue), "holds no data"),
        (lambda: context.enqueue([], [], queue), "expected 1 tensors"),
        (lambda: context.enqueue([np.zeros(1)], [], queue), "found ndarray"),  # type: ignore[list-item]
        (lambda: context.enqueue(fill(context), (), queue), "expected a list"),  # type: ignore[arg-type]
        (lambda: context.enqueue(fill(context), fill(context), queue), "expected the tensor 'SemanticPredictions'"),
        (lambda: context.enqueue(fill(context), [], None), "device.create_queue"),  # type: ignore[arg-type]
        (lambda: context.create_inputs()[0].asnumpy(), "holds nothing yet"),
        (lambda: context.create_inputs()[0].data_address, "no memory yet"),
        (lambda: context.create_inputs()[0].to("MLU"), "expected a Device"),  # type: ignore[arg-type]
    ):
        with pytest.raises(quench.InvalidArgumentError, match=text):
            work()
    # Open dims cannot be inferred from.
    status = context.infer_output_shape(context.create_inputs(), [])
    assert "open sizes" in status.error_message()


def test_addresses_that_are_no_tensors_are_refused(context: mm.IContext) -> None:
    tensor = context.create_inputs()[0]
    assert tensor.set_data_address(12345).code() is mm.Code.UNSUPPORTED
    other = fill(context)[0]
    address = other.data_address
    assert tensor.set_data_address(address).ok()
    del other
    gc.collect()
    assert tensor.asnumpy().shape == (1, 32, 32, 3)  # the memory is held
    assert context.create_inputs()[0].set_data_address(address).code() is mm.Code.UNSUPPORTED
    floats = build(mm.Network.wrap(make_pair)).create_i_engine()
    assert floats is not None
    wrong = floats.create_i_context()
    assert wrong is not None
    address = tensor.data_address
    assert wrong.create_inputs()[0].set_data_address(address).code() is mm.Code.INVALID_ARGUMENT


def test_dims_that_do_not_fit_a_tensor_are_a_status(context: mm.IContext) -> None:
    tensor = context.create_inputs()[0]
    assert "expected 4 sizes" in tensor.set_dimensions(mm.Dims((1, 2))).error_message()
    assert "expected 4 sizes" in tensor.resize(mm.Dims((1, -1, 2, 3))).error_message()


def test_a_closed_queue_says_so(context: mm.IContext) -> None:
    queue = mm.Queue()
    assert context.enqueue(fill(context), [], queue).ok()
    queue.close()
    queue.close()
    with pytest.raises(quench.ClosedError):
        queue.sync()
    with pytest.raises(quench.ClosedError):
        context.enqueue(fill(context), [], queue)


def test_a_cancelled_run_is_told_by_sync_and_the_queue_works_again(context: mm.IContext) -> None:
    queue, outputs = mm.Queue(), list[mm.IRTTensor]()
    assert context.enqueue(fill(context), [], queue).ok()
    assert queue.sync().ok()
    engine_queue = queue._queue
    assert engine_queue is not None

    def fail() -> None:
        raise quench.LimitError("enough")

    engine_queue.call(fail)
    assert context.enqueue(fill(context), outputs, queue).ok()
    status = queue.sync()
    assert status.code() is mm.Code.LIMIT
    with pytest.raises(quench.LimitError, match="enough"):
        outputs[0].asnumpy()
    assert context.enqueue(fill(context), outputs, queue).ok()
    assert queue.sync().ok()
    assert outputs[0].asnumpy().shape == (1, 32, 32)


def test_an_engine_that_cannot_be_is_none_and_says_why(scenes: mm.Model) -> None:
    settings = mm.Model.EngineConfig()
    settings.cpu = "mtp_372"
    with pytest.warns(quench.QuenchWarning, match="mtp_372"):
        assert scenes.create_i_engine(settings) is None
    with pytest.raises(quench.InvalidArgumentError, match="EngineConfig"):
        scenes.create_i_engine("MLU")  # type: ignore[arg-type]


def test_a_context_on_two_threads_is_busy_and_never_crashes(scenes: mm.Model) -> None:
    engine = scenes.create_i_engine()
    assert engine is not None
    context = engine.create_i_context()
    assert context is not None
    codes: list[mm.Code] = []

    def work(size: int) -> None:
        queue, inputs = mm.Queue(), context.create_inputs()
        for step in range(40):
            inputs[0].from_numpy(np.zeros((1, size + step % 2, 32, 3), np.uint8))
            codes.append(context.enqueue(inputs, [], queue).code())
            codes.append(queue.sync().code())

    threads = [threading.Thread(target=work, args=(size,)) for size in (32, 48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 160
    assert set(codes) <= {mm.Code.OK, mm.Code.BUSY, mm.Code.INVALID_ARGUMENT}
    queue = mm.Queue()
    assert context.enqueue(fill(context), [], queue).ok()
    assert queue.sync().ok()


def test_a_script_may_end_while_its_queue_works(tmp_path: Path, scenes: mm.Model) -> None:
    assert scenes.serialize_to_file(tmp_path / "m.qn").ok()
    script = (
        "import sys, numpy as np, quench.magicmind as mm\n"
        "model = mm.Model(); assert model.deserialize_from_file(sys.argv[1]).ok()\n"
        "context, queue = model.create_i_engine().create_i_context(), mm.Device().create_queue()\n"
        "inputs = context.create_inputs(); inputs[0].from_numpy(np.zeros((1, 161, 161, 3), np.uint8))\n"
        "for _ in range(20): assert context.enqueue(inputs, [], queue).ok()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "m.qn"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_many_runs_builds_and_errors_leave_nothing_behind(scenes: mm.Model) -> None:
    network, small = mm.Network.wrap(make_pair), np.zeros((1, 16, 16, 3), np.uint8)
    engine = scenes.create_i_engine()
    assert engine is not None

    def work(count: int) -> None:
        for _ in range(count):
            context = engine.create_i_context()
            assert context is not None
            queue, inputs, outputs = mm.Queue(), context.create_inputs(), list[mm.IRTTensor]()
            inputs[0].from_numpy(small)
            for _ in range(5):
                assert context.enqueue(inputs, outputs, queue).ok()
            assert queue.sync().ok()
            assert outputs[0].asnumpy().shape == (1, 16, 16)
            assert not mm.BuilderConfig().parse_from_string("{").ok()
            build(network)

    def resident() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    work(100)
    before = resident()
    work(200)
    assert resident() - before < 8 << 20
