"""From a network to results, and back through files, bytes and pickles."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SCENES

import quench

Array = np.ndarray[Any, Any]


def calibrate_on_pictures() -> quench.Calibrator:
    return quench.Calibrator(SCENES / "pictures")


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int16"])
def test_build_and_run_equal_the_program_byte_for_byte(
    precision: str, program: Path, tmp_path: Path, picture: Array
) -> None:
    source, ours, theirs = SCENES / "scenes.pb", tmp_path / "ours.qn", tmp_path / "theirs.qn"
    command: list[str | Path] = [program, "build", source, "-o", theirs, "--precision", precision, "-q"]
    is_integer = precision.startswith("int")
    if is_integer:
        command += ["--calibrate", SCENES / "pictures"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    model = quench.build(source, precision=precision, calibrator=calibrate_on_pictures() if is_integer else None)
    model.save(ours)
    assert ours.read_bytes() == theirs.read_bytes()
    np.save(tmp_path / "x.npy", picture)
    subprocess.run([program, "run", theirs, "--input", tmp_path / "x.npy", "-o", tmp_path / "out", "-q"], check=True)
    (labels,) = quench.Engine(quench.Model(ours)).context().run(picture)
    expected = np.load(tmp_path / "out" / "SemanticPredictions.npy")
    assert labels.dtype == expected.dtype
    assert labels.tobytes() == expected.tobytes()


def test_answers_are_those_of_the_original_framework(workshop: Path) -> None:
    model = quench.build(workshop / "scenes_dynamic.pb")
    context = quench.Engine(model).context()
    references = sorted((SCENES / "refs").glob("*.ImageTensor.npy"))
    assert references
    for path in references:
        expected = np.load(str(path).replace("ImageTensor", "SemanticPredictions"))
        (labels,) = context.run(np.load(path))
        np.testing.assert_array_equal(labels, expected)


def test_a_model_survives_file_bytes_and_pickle(model: quench.Model, tmp_path: Path, picture: Array) -> None:
    model.save(tmp_path / "again.qn")
    (expected,) = quench.Engine(model).context().run(picture)
    copies = [
        quench.Model(tmp_path / "again.qn"),
        quench.Model.load(tmp_path / "again.qn", memory="copy"),
        quench.Model.from_bytes(bytes(model)),
        quench.Model.from_bytes(memoryview(bytes(model))),
    ]
    copies += [pickle.loads(pickle.dumps(model, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for copy in copies:
        assert bytes(copy) == bytes(model)
        np.testing.assert_array_equal(quench.Engine(copy).context().run(picture)[0], expected)


def test_an_engine_is_made_anew_from_a_pickle(model: quench.Model, picture: Array) -> None:
    engine = quench.Engine(model, threads=1, cpu="generic")
    again = pickle.loads(pickle.dumps(engine))
    assert (again.threads, again.cpu) == (engine.threads, engine.cpu)
    np.testing.assert_array_equal(again.context().run(picture)[0], engine.context().run(picture)[0])


def test_a_network_from_bytes_builds_the_same_file(workshop: Path, model: quench.Model) -> None:
    network = quench.Network.from_bytes((workshop / "scenes.pb").read_bytes(), "scenes")
    assert bytes(quench.build(network)) == bytes(model)


def test_a_network_made_node_by_node_runs(small_network: quench.Network) -> None:
    assert [node.op for node in small_network.nodes()] == ["add", "relu"]
    assert small_network.find_node("add").outputs[0].shape == (None, 4)
    assert "relu" in small_network.to_text()
    context = quench.Engine(quench.build(small_network)).context()
    (y,) = context.run(np.array([[-3, -1, 0, 2]], np.float32))
    np.testing.assert_array_equal(y, [[0, 0, 1, 3]])


def test_parents_may_be_dropped_in_any_order(workshop: Path, picture: Array) -> None:
    context = quench.Engine(quench.Model(workshop / "scenes.qn")).context()
    model = context.engine.model
    context.engine.close()
    assert context.run(picture)[0].shape == (1, 40, 56)
    model.close()
    assert context.run(picture)[0].shape == (1, 40, 56)


def test_a_report_comes_with_an_integer_build() -> None:
    calibrator = calibrate_on_pictures()
    model = quench.build(SCENES / "scenes.pb", precision="int8", calibrator=calibrator, report=SCENES / "pictures")
    assert model.report is not None
    assert model.report["report_samples"] == 8
    assert calibrator.ranges == quench.Calibrator.from_ranges(calibrator.ranges).ranges


def test_ranges_from_a_file_are_enough_for_a_build(tmp_path: Path) -> None:
    calibrator = calibrate_on_pictures()
    calibrator.calibrate(quench.Network(SCENES / "scenes.pb"), quench.Config(precision="int8"))
    calibrator.save(tmp_path / "ranges.json")
    again = quench.Calibrator.from_ranges(tmp_path / "ranges.json")
    one = quench.build(SCENES / "scenes.pb", precision="int8", calibrator=again)
    two = quench.build(
        SCENES / "scenes.pb", precision="int8", calibrator=quench.Calibrator.from_ranges(calibrator.ranges)
    )
    assert bytes(one) == bytes(two)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_a_contract_is_kept_or_refused() -> None:
    def label(model: quench.Model) -> list[Array]:
        segmenter = quench.Segmenter(model)
        return [segmenter.run(path).labels for path in sorted((SCENES / "pictures").iterdir())]

    def build(contract: quench.Contract) -> quench.Model:
        calibrator = calibrate_on_pictures()
        return quench.build(SCENES / "scenes.pb", precision="int8", calibrator=calibrator, contract=contract)

    whole = build(quench.Contract(SCENES / "pictures", min_agreement=1.0))
    pairs = list(zip(label(whole), label(quench.build(SCENES / "scenes.pb"))))
    assert np.mean([np.mean(ours == theirs) for ours, theirs in pairs]) > 0.9999
    with pytest.raises(quench.InvalidArgumentError, match="min_agreement"):
        build(quench.Contract(SCENES / "pictures", min_agreement=1.5))


def test_progress_and_passes_are_told(workshop: Path) -> None:
    phases: list[str] = []
    seen: list[str] = []
    quench.build(
        workshop / "scenes.pb",
        progress=lambda phase, fraction: phases.append(phase),
        after_pass=lambda name, graph: seen.append(name),
    )
    assert {"prepare", "optimise", "plan", "write", "check"} <= set(phases)
    assert set(seen) <= set(quench.passes())
    assert seen


def test_weights_are_replaced_by_name(workshop: Path, picture: Array) -> None:
    model = quench.build(workshop / "scenes.pb", {"enable_refit": True})
    engine = quench.Engine(model)
    context = engine.context()
    (before,) = context.run(picture)
    name = next(node for node in quench.Network(workshop / "scenes.pb").nodes("conv2d")).inputs[1]
    assert name is not None
    known = engine.weights()[name.name]
    assert (known["shape"], known["dtype"], known["reason"]) == (name.shape, np.float32, None)
    with pytest.raises(quench.NotFoundError, match=name.name):
        engine.refit({name.name + "s": np.zeros(1, np.float32)})
    with pytest.raises(quench.UnsupportedError, match="enable_refit"):
        quench.Engine(quench.build(workshop / "scenes.pb")).weights()
    engine.refit({name.name: np.zeros([size or 1 for size in name.shape], np.float32)})
    assert not np.array_equal(context.run(picture)[0], before)
    engine.replace_weights(model)
    np.testing.assert_array_equal(context.run(picture)[0], before)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_values_say_where_they_are_and_what_integers_stand_for() -> None:
    model = quench.build(SCENES / "scenes.pb", precision="int8", calibrator=quench.Calibrator.fixed(-6, 6))
    values = model.values()
    assert {value["location"] for value in values} >= {"arena", "constant", "input", "output"}
    constants = sum(value["bytes"] for value in values if value["location"] == "constant")
    assert 0 < constants <= model.file_bytes
    encoded = [value for value in values if value["encoding"] is not None and value["location"] == "arena"]
    assert encoded
    assert all(value["encoding"]["scale"].min() > 0 for value in encoded)
