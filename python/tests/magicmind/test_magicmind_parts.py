"""What each of MagicMind's classes does here."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from samples import (
    HALF,
    INT8,
    Array,
    CalibData,
    build,
    make_config,
    make_line,
    make_pair,
    make_positives,
    make_sum,
    make_wide,
    parse_scenes,
    run,
)

import quench
import quench.magicmind as mm
from quench.magicmind.common.types import get_datatype_by_numpy, get_numpy_dtype_by_datatype


def start(model: mm.Model) -> tuple[mm.IContext, mm.Queue]:
    engine = model.create_i_engine()
    assert engine is not None
    context = engine.create_i_context()
    assert context is not None
    return context, mm.Device().create_queue()


@pytest.fixture(scope="module")
def scenes() -> mm.Model:
    return build(parse_scenes())


@pytest.fixture
def photo() -> Array:
    return np.random.default_rng(1).integers(0, 256, (1, 48, 64, 3), np.uint8)


def find_examples() -> list[doctest.DocTest]:
    names = [info.name for info in pkgutil.walk_packages(mm.__path__, "quench.magicmind.")]
    finder, found = doctest.DocTestFinder(exclude_empty=True), []
    for name in names:
        found += [test for test in finder.find(importlib.import_module(name)) if test.examples]
    return found


@pytest.mark.parametrize("example", find_examples(), ids=lambda example: example.name)
def test_example_gives_what_it_shows(example: doctest.DocTest, in_workshop: Path) -> None:
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(example)
    assert result.attempted > 0
    assert result.failed == 0


# ---- Sizes that a run finds ----


def test_sizes_that_depend_on_data_take_the_unavailable_branch() -> None:
    bounds = '{"dim_range": {"0": {"min": [1, 3], "max": [8, 3]}}}'
    model = build(mm.Network.wrap(make_positives), make_config(bounds))
    context, queue = start(model)
    inputs = context.create_inputs()
    inputs[0].from_numpy(np.array([[1, 0, 1], [0, 1, 0]], np.bool_))
    outputs = context.create_outputs(inputs, suppress_infer_shape_error=True)
    assert outputs == []
    with pytest.raises(quench.UnavailableError, match="give enqueue an empty list"):
        context.create_outputs(inputs)
    status = context.infer_output_shape(inputs, outputs)
    assert status.code() is mm.Code.UNAVAILABLE
    assert context.enqueue(inputs, outputs, queue).ok()
    assert queue.sync().ok()
    assert outputs[0].asnumpy().tolist() == [[0, 0], [0, 2], [1, 1]]
    # The same list again: what the engine made is replaced.
    inputs[0].from_numpy(np.ones((4, 3), np.bool_))
    assert context.enqueue(inputs, outputs, queue).ok()
    assert outputs[0].shape == (12, 2)


def test_sizes_that_follow_from_shapes_are_known_before_the_run(scenes: mm.Model, photo: Array) -> None:
    context, queue = start(scenes)
    inputs, outputs = context.create_inputs(), list[mm.IRTTensor]()
    assert inputs[0].shape == (1, -1, -1, 3)
    assert inputs[0].get_size() == -1
    assert inputs[0].set_dimensions(mm.Dims((1, 48, 64, 3))).ok()
    assert context.infer_output_shape(inputs, outputs).ok()
    assert outputs[0].shape == (1, 48, 64)
    assert outputs[0].get_size() == 4 * 48 * 64
    address = outputs[0].data_address
    inputs[0].from_numpy(photo)
    assert context.enqueue(inputs, outputs, queue).ok()
    assert queue.sync().ok()
    assert outputs[0].data_address == address  # written where the memory was
    np.testing.assert_array_equal(outputs[0].asnumpy(), run(scenes, photo)[0])


# ---- Queues ----


def test_a_queue_runs_what_was_enqueued_in_order(scenes: mm.Model) -> None:
    context, queue = start(scenes)
    results: list[tuple[Array, list[mm.IRTTensor]]] = []
    inputs = context.create_inputs()
    for size in (32, 64, 48, 48):  # other shapes wait for the runs before
        photo = np.random.default_rng(size).integers(0, 256, (1, size, 40, 3), np.uint8)
        inputs[0].from_numpy(photo)
        outputs: list[mm.IRTTensor] = []
        assert context.enqueue(inputs, outputs, queue).ok()
        results.append((photo, outputs))
    assert queue.sync().ok()
    for photo, outputs in results:
        np.testing.assert_array_equal(outputs[0].asnumpy(), run(scenes, photo)[0])


def test_a_result_that_is_read_before_sync_is_waited_for(scenes: mm.Model, photo: Array) -> None:
    context, queue = start(scenes)
    inputs, outputs = context.create_inputs(), list[mm.IRTTensor]()
    inputs[0].from_numpy(photo)
    assert context.enqueue(inputs, outputs, queue).ok()
    np.testing.assert_array_equal(outputs[0].asnumpy(), run(scenes, photo)[0])


def test_two_engines_share_a_queue(scenes: mm.Model, photo: Array) -> None:
    half = build(parse_scenes(), make_config(HALF))
    (first, queue), (second, _) = start(scenes), start(half)
    answers = []
    for context in (first, second):
        inputs, outputs = context.create_inputs(), list[mm.IRTTensor]()
        inputs[0].from_numpy(photo)
        assert context.enqueue(inputs, outputs, queue).ok()
        answers.append(outputs)
    assert queue.sync().ok()
    for model, outputs in zip((scenes, half), answers):
        np.testing.assert_array_equal(outputs[0].asnumpy(), run(model, photo)[0])


def test_the_output_of_one_run_is_the_input_of_the_next() -> None:
    model = build(mm.Network.wrap(make_pair))
    context, queue = start(model)
    a, b = np.arange(8, dtype=np.float32).reshape(2, 4), np.ones((4, 3), np.float32)
    first, second = context.create_inputs(), context.create_inputs()
    assert first[0].from_numpy(a).ok()
    assert second[0].set_data_address(first[0].data_address).ok()
    second[1].memcpy_from_host(b)
    outputs: list[mm.IRTTensor] = []
    assert context.enqueue(second, outputs, queue).ok()
    assert queue.sync().ok()
    np.testing.assert_array_equal(outputs[0].asnumpy(), a @ b)


# ---- Networks ----


def test_nodes_are_known_by_the_types_of_magicmind() -> None:
    network = parse_scenes()
    types = {node.get_node_type() for node in network.get_all_nodes_in_network()}
    assert {"IConvNode", "IConvDepthwiseNode", "IActivationNode", "IResizeNode", "IArgMaxNode"} <= types
    conv = network.find_nodes_by_node_type("IConvDepthwiseNode")[0]
    assert network.find_node_by_name(conv.get_node_name()) is not None
    assert network.find_node_by_name("nothing") is None
    assert (conv.get_input_count(), conv.get_output_count()) == (2, 1)
    data = conv.get_input(0)
    assert data is not None
    producer = data.get_producer()
    assert producer is not None
    assert producer.get_node_name() == conv.get_precursors()[0].get_node_name()
    assert conv.get_node_name() in [node.get_node_name() for node in data.get_consumers()]


def test_every_type_that_the_configuration_knows_finds_the_same_nodes() -> None:
    """`custom_nodes` in C and `find_nodes_by_node_type` mean the same by a type."""
    for kind in (
        "IConvNode",
        "IConvDepthwiseNode",
        "IActivationNode",
        "IResizeNode",
        "IConcatNode",
        "IElementwiseNode",
    ):
        text = json.dumps({"custom_nodes": {kind: {"precision": "float16"}}, "debug_config": {"fusion_enable": False}})
        network = parse_scenes()
        by_key = build(network, make_config(text))
        for node in network.find_nodes_by_node_type(kind):
            assert node.set_precision(0, mm.DataType.FLOAT16).ok()
        by_node = build(network, make_config('{"debug_config": {"fusion_enable": false}}'))
        assert precisions_of(by_key) == precisions_of(by_node), kind


def precisions_of(model: mm.Model) -> list[tuple[str, str]]:
    """Of every step its type, without who asked for it."""
    return [(step["name"], step["precision"].partition(":")[0]) for step in model.quench.steps()]


def test_outputs_are_marked_and_unmarked_by_tensors() -> None:
    network = mm.Network.wrap(make_line)
    conv = network.find_node_by_name("conv")
    assert conv is not None
    before = network.get_output(0)
    assert network.mark_output(conv.get_output(0)).ok()
    assert network.unmark_output(before).ok()
    model = build(network)
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
    (y,) = run(model, x)
    assert y.min() < 0  # no relu
    np.testing.assert_array_equal(np.maximum(y, 0), run(build(mm.Network.wrap(make_line)), x)[0])


def test_inputs_get_other_types_and_dims() -> None:
    network = mm.Network.wrap(make_sum)
    assert network.get_input(0).set_data_type(mm.DataType.INT32).ok()
    assert network.get_input(0).get_data_type() is mm.DataType.INT32
    assert network.get_input(0).set_dimension(mm.Dims((2, 4))).ok()
    for _ in range(2):  # the second network is another one, to which the same is done
        model = build(network, make_config('{"graph_shape_mutable": false}'))
        assert model.get_input_dimension(0) == (2, 4)
        assert model.get_input_data_type(0) is mm.DataType.INT32


def test_samples_of_two_inputs_go_on_together() -> None:
    rng = np.random.default_rng(2)
    a = [rng.normal(size=(2, 4)).astype(np.float32) for _ in range(5)]
    b = [rng.normal(size=(4, 3)).astype(np.float32) for _ in range(4)]
    network = mm.Network.wrap(make_pair)
    calibrator = mm.Calibrator([CalibData(a), CalibData(b)])
    assert calibrator.set_quantization_algorithm(mm.QuantizationAlgorithm.EQNM_ALGORITHM).ok()
    with pytest.warns(quench.QuenchWarning, match="4 samples only"):
        status = calibrator.calibrate(network)
    assert status.ok(), str(status)
    assert network._measured is not None
    assert network._measured.sample_count == 4  # the shorter ends it


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_samples_may_look_at_the_network_and_the_configuration() -> None:
    network, config = mm.Network.wrap(make_line), make_config(INT8)

    class Looking(CalibData):
        def get_shape(self) -> mm.Dims:
            assert config.to_dict()
            return network.get_input(0).get_dimension()

    samples = [np.random.default_rng(i).normal(size=(1, 8, 8, 3)).astype(np.float32) for i in range(3)]
    status = mm.Calibrator(Looking(samples)).calibrate(network, config)
    assert status.ok(), str(status)
    build(network, config)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_samples_of_64_bits_become_what_the_built_model_takes() -> None:
    network = mm.Network.wrap(make_wide)
    assert network.get_input(0).get_data_type() is mm.DataType.INT64
    config = make_config(INT8, '{"opt_config": {"type64to32_conversion": true}}')
    samples = [np.random.default_rng(i).integers(-9, 9, (2, 4), np.int64) for i in range(4)]
    status = mm.Calibrator(CalibData(samples)).calibrate(network, config)
    assert status.ok(), str(status)
    assert build(network, config).get_input_data_types() == [mm.DataType.INT32]


def test_methods_are_known_by_their_names_in_cpp_too() -> None:
    """As in the script for C++: FindNodesByNodeType, SetPrecision, BuildModel, CreateIEngine, InferOutputShape."""
    network: Any = mm.Network.wrap(make_line)
    assert network.GetInputCount() == 1
    (node,) = network.FindNodesByNodeType("IConvNode")
    assert node.SetPrecision(0, mm.DataType.FLOAT16).ok()
    config: Any = mm.BuilderConfig()
    assert config.ParseFromString("{}").ok()
    builder: Any = mm.Builder()
    context = builder.BuildModel("line", network, config).CreateIEngine().CreateIContext()
    (tensor,) = context.CreateInputs()
    assert tensor.SetDimensions(mm.Dims((1, 8, 8, 3))).ok()
    assert context.InferOutputShape([tensor], []).ok()
    for thing in (network, node, config, builder, context, tensor):
        for name in ("Nothing", "nothing", "GetNothing"):
            with pytest.raises(AttributeError, match=name):
                getattr(thing, name)


# ---- Models ----


def test_models_go_through_files_and_memory(scenes: mm.Model, tmp_path: Path, photo: Array) -> None:
    assert scenes.serialize_to_file(tmp_path / "m.qn").ok()
    data = scenes.serialize_to_memory()
    assert (tmp_path / "m.qn").read_bytes() == data
    assert scenes.get_serialized_model_size() == len(data)
    loads: list[Callable[[mm.Model], mm.Status]] = [
        lambda model: model.deserialize_from_file(tmp_path / "m.qn"),
        lambda model: model.deserialize_from_memory(data),
        lambda model: model.deserialize_from_memory(data + b"more", len(data)),
    ]
    for load in loads:
        model = mm.Model()
        assert load(model).ok()
        assert (model.get_input_num(), model.get_output_num()) == (1, 1)
        assert model.get_input_names() == ["ImageTensor"]
        assert model.get_output_names() == ["SemanticPredictions"]
        assert model.get_input_dimensions() == [(1, -1, -1, 3)]
        assert model.get_output_dimensions() == [model.get_output_dimension(0)]
        assert model.get_output_data_types() == [model.get_output_data_type(0)] == [mm.DataType.INT32]
        assert (
            model.get_input_index_by_name("ImageTensor") == model.get_output_index_by_name("SemanticPredictions") == 0
        )
        np.testing.assert_array_equal(run(model, photo)[0], run(scenes, photo)[0])


def test_engines_tell_sizes(scenes: mm.Model) -> None:
    settings = mm.Model.EngineConfig()
    settings.device_type, settings.threads, settings.cpu = "MLU", 1, "generic"
    engine = scenes.create_i_engine(settings)
    assert engine is not None
    assert engine.quench.threads == 1
    assert engine.query_const_data_size() == scenes.quench.const_bytes
    status, size = engine.query_context_max_workspace_size([mm.Dims((1, 64, 64, 3))])
    assert status.ok()
    assert size == engine.quench.arena_bytes([1, 64, 64, 3])


# ---- Profiler, types, statuses ----


def test_the_profiler_writes_what_runs_did(scenes: mm.Model, photo: Array, tmp_path: Path) -> None:
    context, queue = start(scenes)
    profiler = mm.Profiler(mm.ProfilerOptions(), tmp_path / "profile")
    inputs = context.create_inputs()
    inputs[0].from_numpy(photo)
    assert profiler.stop().code() is mm.Code.INVALID_ARGUMENT
    assert profiler.start().ok()
    assert mm.Profiler(mm.ProfilerOptions(), tmp_path).start().code() is mm.Code.BUSY
    for _ in range(2):
        assert profiler.step_begin().ok()
        assert context.enqueue(inputs, [], queue).ok()
        assert queue.sync().ok()
        assert profiler.step_end().ok()
    assert profiler.stop().ok()
    assert context.enqueue(inputs, [], queue).ok()  # no longer recorded
    assert queue.sync().ok()
    text = (tmp_path / "profile" / "trace.json").read_text()
    assert "step 0" in text
    assert "step 1" in text
    assert "MobilenetV2/Conv" in text


def test_element_types_are_those_of_numpy() -> None:
    for dtype in (np.uint8, np.int8, np.int32, np.int64, np.float16, np.float32, np.bool_):
        assert get_numpy_dtype_by_datatype(get_datatype_by_numpy(dtype)) == dtype
    assert (mm.DataType["HALF"], mm.DataType["FLOAT"]) == (mm.DataType.FLOAT16, mm.DataType.FLOAT32)
    assert mm.Layout["ARRAY"] == mm.Layout.NONE
    with pytest.raises(quench.UnsupportedError):
        get_datatype_by_numpy(np.complex64)
    with pytest.raises(quench.UnsupportedError, match="lists of tensors"):
        get_numpy_dtype_by_datatype(mm.DataType.TENSORLIST)


def test_statuses_are_equal_by_code_and_text() -> None:
    assert mm.Status() == mm.Status.OK()
    assert str(mm.Status.OK()) == "OK"
    end = mm.Status(mm.Code.OUT_OF_RANGE, "no more")
    assert (end.ok(), end.code(), end.error_message()) == (False, mm.Code.OUT_OF_RANGE, "no more")
    assert str(end) == "OUT_OF_RANGE: no more"
    assert mm.Status()
    assert not end
    assert len({end, mm.Status(mm.Code.OUT_OF_RANGE, "no more"), mm.Status()}) == 2


def test_every_code_of_quench_is_one_here() -> None:
    kinds = {kind.code for kind in vars(quench).values() if isinstance(kind, type) and issubclass(kind, quench.Error)}
    assert kinds - {""} <= set(mm.Code.__members__)


def test_configurations_merge_and_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"opt_config": {"conv_scale_fold": true}}')
    config = make_config(HALF, '{"opt_config": {"type64to32_conversion": true}}')
    assert config.parse_from_file(tmp_path / "c.json").ok()
    assert config.to_dict() == {
        "precision_config": {"precision_mode": "force_float16"},
        "opt_config": {"type64to32_conversion": True, "conv_scale_fold": True},
    }


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"computation_preference": "fast"}', {"computation_preference": "auto"}),
        ('{"opt_config": {"auto_fusion_enable": true}}', {"opt_config": {}}),
        ('{"archs": [{"mtp_372": [2, 6, 8]}]}', {"archs": [{"mtp_372": [2, 6, 8]}]}),
        ('{"cross_compile_toolchain_path": "/usr"}', {"cross_compile_toolchain_path": "/usr"}),
        (
            '{"debug_config": {"print_ir": {"print_level": 1, "file_path": "dump"}}}',
            {"debug_config": {"print_ir": {"print_level": 1}}},
        ),
    ],
)
def test_what_only_the_card_has_is_taken_with_one_warning(text: str, left: dict[str, object]) -> None:
    config = mm.BuilderConfig()
    with pytest.warns(quench.QuenchWarning) as warned:
        assert config.parse_from_string(text).ok()
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert config.to_dict() == left


def test_chips_are_named_and_mean_nothing() -> None:
    config = mm.BuilderConfig()
    with pytest.warns(quench.QuenchWarning, match="every CPU"):
        config.mlu_archs = ["mtp_372"]
    assert config.mlu_archs == ["mtp_372"]
