"""Pictures in, label maps out, and how good they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SCENES

import quench

Array = np.ndarray[Any, Any]
PICTURES = sorted((SCENES / "pictures").iterdir())


@pytest.mark.parametrize("fit", [None, "tile", "stretch"])
def test_masks_are_those_of_the_program_byte_for_byte(
    fit: str | None, program: Path, workshop: Path, tmp_path: Path
) -> None:
    command: list[str | Path] = [program, "segment", workshop / "scenes.qn", *PICTURES, "-o", tmp_path / "theirs", "-q"]
    command += ["--palette", SCENES / "palette.txt", "--save", "indexed,overlay,rgb"]
    subprocess.run(command + (["--fit", fit] if fit else []), check=True, stdout=subprocess.DEVNULL)
    segmenter = quench.Segmenter(workshop / "scenes.qn", palette=SCENES / "palette.txt", fit=fit)
    for picture in PICTURES:
        result = segmenter.run(picture)
        result.save(tmp_path / "ours.png")
        theirs = tmp_path / "theirs" / picture.stem
        assert (tmp_path / "ours.png").read_bytes() == theirs.with_suffix(".png").read_bytes()
        np.testing.assert_array_equal(result.overlay(), quench.load_image(theirs.with_suffix(".overlay.png")))
        np.testing.assert_array_equal(result.colors(), quench.load_image(theirs.with_suffix(".rgb.png")))
        np.testing.assert_array_equal(result.palette.labels_of(theirs.with_suffix(".rgb.png")), result.labels)
        assert sum(result.areas.values()) == result.labels.size


def test_evaluation_is_that_of_the_program(program: Path, workshop: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.qn"
    quench.build(workshop / "scenes.pb", precision="fp16").save(half)
    folders: list[str | Path] = ["--images", SCENES / "pictures", "--masks", SCENES / "masks"]
    command: list[str | Path] = [
        program,
        "eval",
        workshop / "scenes.qn",
        *folders,
        "--against",
        half,
        "--json",
        tmp_path / "theirs.json",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    theirs = json.loads((tmp_path / "theirs.json").read_text())
    ours = quench.evaluate(workshop / "scenes.qn", SCENES / "pictures", SCENES / "masks", against=half)
    for key in ("images", "miou", "pixel_accuracy", "agreement", "against_miou", "threads", "cpu"):
        assert ours[key] == (pytest.approx(theirs[key], rel=1e-8) if key != "cpu" else theirs[key]), key
    assert list(ours["iou"].values()) == pytest.approx(list(theirs["iou"].values()), rel=1e-8)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_comparison_is_that_of_the_program(program: Path, workshop: Path, tmp_path: Path, picture: Array) -> None:
    whole = quench.Model(workshop / "scenes.qn")
    small = quench.build(workshop / "scenes.pb", precision="int8", calibrator=quench.Calibrator(SCENES / "pictures"))
    small.save(tmp_path / "int8.qn")
    np.save(tmp_path / "x.npy", picture)
    command: list[str | Path] = [
        program,
        "compare",
        workshop / "scenes.qn",
        tmp_path / "int8.qn",
        "--input",
        tmp_path / "x.npy",
    ]
    subprocess.run([*command, "--json", tmp_path / "theirs.json"], check=True, stdout=subprocess.DEVNULL)
    theirs = json.loads((tmp_path / "theirs.json").read_text())
    ours = quench.compare(whole, small, [picture])
    for one, two in zip(ours["outputs"], theirs["outputs"]):
        assert (one["name"], one["elements"]) == (two["name"], two["elements"])
        assert one["agreement"] == pytest.approx(two["agreement"], rel=1e-8)
    by_name = {value["name"]: value for value in ours["values"]}
    assert len(by_name) == len(theirs["values"])
    for two in theirs["values"]:
        one = by_name[two["name"]]
        assert one["equal"] == two["equal"]
        for key in ("sqnr_db", "cosine", "max_abs_error", "elements"):
            assert one[key] == pytest.approx(two[key], rel=1e-8), (one["name"], key)


def test_pictures_come_as_paths_bytes_arrays_or_gray(workshop: Path) -> None:
    segmenter = quench.Segmenter(workshop / "scenes.qn")
    path = workshop / "photo.jpg"
    expected = segmenter.run(path).labels
    pixels = quench.load_image(path)
    for picture in (str(path), path.read_bytes(), pixels, pixels[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(segmenter.run(picture).labels, expected)
    assert segmenter.run(quench.load_image(path, 1)).labels.shape == expected.shape
    assert segmenter.run(path, (50, 30)).labels.shape == (30, 50)
    assert segmenter.scores().shape == (1, 161, 161)


def test_pictures_of_pil_are_taken(workshop: Path) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    segmenter = quench.Segmenter(workshop / "scenes.qn")
    with pil.open(workshop / "photo.jpg") as photo:
        expected = segmenter.run(np.asarray(photo)).labels
        np.testing.assert_array_equal(segmenter.run(photo).labels, expected)
        assert segmenter.run(photo.convert("P")).labels.shape == expected.shape


def test_one_engine_serves_segmenters(engine: quench.Engine, workshop: Path) -> None:
    one, two = quench.Segmenter(engine), quench.Segmenter(engine)
    one.close()
    assert two.run(workshop / "photo.jpg").labels.shape == (161, 161)


def test_a_mask_a_model_and_a_network_show_themselves(workshop: Path, model: quench.Model) -> None:
    result = quench.Segmenter(model).run(workshop / "photo.jpg")
    assert quench.load_image(result._repr_png_()).shape == (161, 161, 3)
    assert result.legend().shape[0] >= 161
    for thing in (model, quench.Network(workshop / "scenes.pb")):
        assert "ImageTensor" in thing._repr_html_()


def test_inputs_and_outputs_of_a_vision_fit_the_model(model: quench.Model, workshop: Path) -> None:
    vision = quench.Vision(model)
    (tensor,) = vision.inputs_of(workshop / "photo.jpg")
    (output,) = quench.Engine(model).context().run(tensor)
    labels = vision.take(output, 161, 161)
    np.testing.assert_array_equal(labels, quench.Segmenter(model).run(workshop / "photo.jpg").labels)


def test_what_is_wrong_is_named(workshop: Path, model: quench.Model, tmp_path: Path) -> None:
    segmenter = quench.Segmenter(model)
    (tmp_path / "cut.jpg").write_bytes((workshop / "photo.jpg").read_bytes()[:900])
    photo = np.zeros((4, 4, 3), np.uint8)
    for call, kind, text in (
        (lambda: segmenter.run(tmp_path / "gone.jpg"), quench.NotFoundError, r"gone\.jpg"),
        (lambda: segmenter.run(tmp_path / "cut.jpg"), quench.InvalidArgumentError, r"cut\.jpg"),
        (lambda: segmenter.run(b"nonsense"), quench.Error, "picture"),
        (lambda: segmenter.run(photo.astype(np.float32)), quench.InvalidArgumentError, "expected uint8"),
        (lambda: segmenter.run(photo[..., :2]), quench.InvalidArgumentError, "expected uint8"),
        (lambda: segmenter.run(photo, (0, 5)), quench.InvalidArgumentError, "0x5"),
        (lambda: quench.Segmenter(model, smooth=True), quench.UnsupportedError, "smooth"),
        (lambda: quench.Segmenter(model, fit="shrnk"), quench.InvalidArgumentError, "shrink"),
        (lambda: quench.Segmenter(model, palette="vok"), quench.NotFoundError, "voc"),
        (lambda: quench.Segmenter(5), quench.InvalidArgumentError, "expected a Model"),  # type: ignore[arg-type]
        (lambda: quench.resize(photo, 2, 2, "cubic"), quench.InvalidArgumentError, "bilinear"),
        (lambda: quench.save_png(tmp_path / "no" / "x.png", photo), quench.FileError, "x.png"),
        (lambda: quench.evaluate(model, tmp_path / "none", "masks"), quench.NotFoundError, "no pictures"),
        (lambda: quench.evaluate(model, SCENES / "pictures", tmp_path), quench.NotFoundError, "8 of 8 masks"),
        (lambda: quench.evaluate(model, [photo], []), quench.InvalidArgumentError, "as many masks"),
    ):
        with pytest.raises(kind, match=text):
            call()
    segmenter.close()
    with pytest.raises(quench.ClosedError):
        segmenter.run(photo)


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
def test_a_contract_on_masks_builds_the_program_s_file(program: Path, tmp_path: Path) -> None:
    pairs = [(picture, SCENES / "masks" / f"{picture.stem}.png") for picture in PICTURES]
    model = quench.build(
        SCENES / "scenes.pb",
        precision="int8",
        calibrator=quench.Calibrator(PICTURES),
        contract=quench.Contract(pairs, max_drop=0.001),
    )
    command: list[str | Path] = [program, "build", SCENES / "scenes.pb", "-o", tmp_path / "theirs.qn", "-q"]
    command += ["--precision", "int8", "--calibrate", SCENES / "pictures", "--masks", SCENES / "masks"]
    subprocess.run([*command, "--max-drop", "0.1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert bytes(model) == (tmp_path / "theirs.qn").read_bytes()


def test_frames_are_segmented_where_they_lie(model: quench.Model) -> None:
    segmenter = quench.Segmenter(model)
    pixels = quench.load_image(PICTURES[0])
    expected = segmenter.run(pixels).labels
    height, width = pixels.shape[:2]
    padded = np.zeros((height, width + 5, 4), np.uint8)
    padded[:, :width, :3] = pixels[..., ::-1]
    frame = quench.Frame("bgra", width, height, [padded[:, :width]])
    np.testing.assert_array_equal(frame.to_pixels(), pixels)
    np.testing.assert_array_equal(segmenter.run(frame).labels, expected)
    for arguments, text in (
        (("bgrx", width, height, [padded]), "bgra"),
        (("bgra", width, height, [padded[:, ::2]]), "copy"),
        (("bgra", width + 9, height, [padded]), "expected 161 rows of 680 bytes"),
        (("nv12", width, height, [padded[..., 0]]), "2 planes"),
        (("gray", width, height, [padded[..., 0].astype(np.float32)]), "uint8"),
    ):
        with pytest.raises(quench.InvalidArgumentError, match=text):
            quench.Frame(*arguments)
