"""What the tests share: the bundled models, built once, in a folder of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import quench

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "models" / "scenes"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scenes.pb, scenes_dynamic.pb, scenes.qn, a picture and a palette, as the examples want it."""
    folder = tmp_path_factory.mktemp("workshop")
    for name in ("scenes.pb", "scenes_dynamic.pb", "palette.txt"):
        shutil.copy(SCENES / name, folder / name)
    shutil.copy(SCENES / "pictures" / "scene_1.jpg", folder / "photo.jpg")
    quench.build(folder / "scenes.pb").save(folder / "scenes.qn")
    return folder


@pytest.fixture
def in_workshop(workshop: Path) -> Iterator[Path]:
    """The same as the current folder."""
    before = Path.cwd()
    os.chdir(workshop)
    yield workshop
    os.chdir(before)


@pytest.fixture(scope="session")
def model(workshop: Path) -> quench.Model:
    return quench.Model(workshop / "scenes.qn")


@pytest.fixture(scope="session")
def engine(model: quench.Model) -> quench.Engine:
    return quench.Engine(model, threads=2)


@pytest.fixture
def context(engine: quench.Engine) -> quench.Context:
    return engine.context()


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """Bytes of every value, [1, 40, 56, 3]."""
    return np.random.default_rng(3).integers(0, 256, (1, 40, 56, 3), np.uint8)


@pytest.fixture
def small_network() -> quench.Network:
    """y = relu(x + 1), floats [n, 4]; the sum is its only constant."""
    network = quench.Network.create("small")
    x = network.add_input("x", [None, 4])
    one = network.add_constant("one", np.float32(1))
    network.mark_output(network.add_node("relu", network.add_node("add", x, one).output).output, "y")
    return network


@pytest.fixture(scope="session")
def program() -> Path:
    """The program `quench`: QUENCH_PROGRAM, or what scripts build."""
    path = Path(os.environ.get("QUENCH_PROGRAM", ROOT / "build" / "release" / "quench"))
    if not path.is_file():
        pytest.skip(f"the program quench is not there: {path} (scripts/python --test builds it)")
    return path
