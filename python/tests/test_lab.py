"""The lab's two scripts give what the program gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import SCENES

import quench

LAB = SCENES.parents[1] / "examples" / "lab"


def run_lab(name: str, out: Path) -> None:
    done = subprocess.run([sys.executable, LAB / name, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def segment(program: Path, model: Path, out: Path) -> None:
    command: list[str | Path] = [program, "segment", model, SCENES / "pictures" / "scene_1.jpg", "-o", out, "-q"]
    command += ["--palette", SCENES / "palette.txt", "--save", "indexed,rgb,overlay"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", ["lab.py", "lab_magicmind.py"])
def test_a_lab_has_at_most_forty_lines(name: str) -> None:
    lines = [line for line in (LAB / name).read_text().splitlines() if line.strip()]
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120


def test_the_labs_files_are_the_programs_byte_for_byte(program: Path, tmp_path: Path) -> None:
    run_lab("lab.py", tmp_path)
    build: list[str | Path] = [program, "build", SCENES / "scenes.pb", "-o", tmp_path / "theirs.qn", "-q"]
    build += ["--precision", "int8", "--calibrate", SCENES / "pictures"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "scenes.qn").read_bytes() == (tmp_path / "theirs.qn").read_bytes()
    segment(program, tmp_path / "theirs.qn", tmp_path / "theirs")
    assert (tmp_path / "scene_1.png").read_bytes() == (tmp_path / "theirs" / "scene_1.png").read_bytes()
    for kind in ("rgb", "overlay"):
        ours, theirs = (quench.load_image(folder / f"scene_1.{kind}.png") for folder in (tmp_path, tmp_path / "theirs"))
        np.testing.assert_array_equal(ours, theirs)


def test_the_lab_in_magicminds_names_colours_as_the_program_does(program: Path, tmp_path: Path) -> None:
    run_lab("lab_magicmind.py", tmp_path)
    segment(program, tmp_path / "scenes_magicmind.qn", tmp_path / "theirs")
    ours = quench.load_image(tmp_path / "scene_1_magicmind.png")
    theirs = quench.load_image(tmp_path / "theirs" / "scene_1.rgb.png")
    assert ours.tobytes() == theirs.tobytes()
    labels = quench.load_mask(tmp_path / "theirs" / "scene_1.png")
    assert len(np.unique(labels)) > 2


def test_the_notebook_runs_and_shows_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(LAB / "lab.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # nothing generated lies in the repository
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(LAB)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output.output_type == "error"]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds  # networks and models as tables, a segmentation as a picture
    text = "".join(output.get("text", "") for output in shown)
    assert "agreement" in text
    assert "runs a second" in text
