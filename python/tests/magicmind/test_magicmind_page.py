"""What docs/coming-from-magicmind.md names exists."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from samples import SCENES

import quench
import quench.magicmind as mm

ROOT = SCENES.parents[1]
DOCS = ROOT / "docs"
PAGE = (DOCS / "coming-from-magicmind.md").read_text()


def find_rows() -> list[list[str]]:
    """The cells of all tables, without their heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def find_code() -> list[str]:
    """Spans and lines of code."""
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.S)
    lines = re.findall(r"^    (\S.*)$", prose, flags=re.M)
    return re.findall(r"`([^`\n]+)`", prose) + lines


def names(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, PAGE)))


@pytest.mark.parametrize("name", names(r"\b(?:qn|QN)_\w+"))
def test_what_it_calls_a_name_of_c_is_in_the_headers(name: str) -> None:
    headers = "".join(path.read_text() for path in (ROOT / "include" / "quench").glob("*.h"))
    assert re.search(rf"\b{name}\b", headers)


@pytest.mark.parametrize("name", names(r"(?<![\w/])(?:quench|mm)(?:\.[A-Za-z]\w*)+"))
def test_what_it_calls_a_name_of_python_is_there(name: str) -> None:
    if name.endswith((".qn", ".json")):
        pytest.skip("a file")
    path = name.replace("mm.", "quench.magicmind.", 1) if name.startswith("mm.") else name
    parts = path.split(".")
    thing: Any = quench
    for index, part in enumerate(parts[1:], 2):
        if isinstance(thing, type) and part in vars(thing).get("__annotations__", {}):
            return  # of its objects
        if not hasattr(thing, part):
            importlib.import_module(".".join(parts[:index]))
        thing = getattr(thing, part)


@pytest.mark.parametrize("code", sorted({code for code in find_code() if re.match("quench [a-z]+", code)}))
def test_every_option_of_the_program_is_in_its_help(code: str, program: Path) -> None:
    command = code.split()[1]
    help = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=False)
    assert help.returncode == 0, help.stderr
    for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", code):
        assert re.search(rf"(?<!\S){option}\b", help.stdout), option


def test_no_option_is_named_here_without_its_command() -> None:
    for row in find_rows():
        if len(row) == 2:
            assert not re.search(r"`--", row[1]), row


def test_keys_are_those_of_the_configuration() -> None:
    schema = json.loads((DOCS / "configuration.schema.json").read_text())

    def walk(node: dict[str, Any], prefix: str = "") -> set[str]:
        found = set()
        for key, value in node.get("properties", {}).items():
            found |= {prefix + key} | walk(value, f"{prefix}{key}.")
        return found

    known = walk(schema)
    start = PAGE.index("## JSON keys")
    section = PAGE[start : PAGE.index("\n## ", start + 1)]
    keys = set(re.findall(r"^\| `([\w.]+)` \|", section, flags=re.M))
    assert keys - known == {"opt_config.auto_fusion_enable"}
    own = {
        "weight_type",
        "channel_scales",
        "bias_correction",
        "rounding_iterations",
        "skip_passes",
        "print_ir",
        "image",
    }
    missing = {key for key in known - keys if not own & set(key.split("."))}
    assert missing <= {"precision_config", "opt_config", "debug_config"}


def test_every_class_of_the_package_is_on_the_page() -> None:
    assert [name for name in mm.__all__ if not re.search(rf"\bmm\.{name}\b|import {name}\b", PAGE)] == ["enums"]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (DOCS / link).exists()


def test_every_code_of_a_status_is_on_the_page() -> None:
    assert [name for name in mm.Code.__members__ if not re.search(rf"\b{name}\b", PAGE)] == []


def test_every_element_type_and_algorithm_is_on_the_page() -> None:
    every = [*mm.DataType.__members__, "LINEAR_ALGORITHM", "EQNM_ALGORITHM"]
    assert [name for name in every if not re.search(rf"\b{name}\b", PAGE)] == []
