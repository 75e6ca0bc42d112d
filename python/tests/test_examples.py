"""Examples in docstrings are run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import quench

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def find_examples() -> list[doctest.DocTest]:
    finder, found = doctest.DocTestFinder(exclude_empty=True), []
    for info in pkgutil.iter_modules(quench.__path__):
        if info.name == "_native":
            continue
        module = importlib.import_module(f"quench.{info.name}")
        # Public classes name `quench` as their module, so the finder does not know them as the module's own.
        own = [value for value in vars(module).values() if inspect.getsourcefile(module) == find_source(value)]
        for thing in own:
            found += [test for test in finder.find(thing, module=False, globs=vars(module)) if test.examples]
    return found


def find_source(thing: object) -> str | None:
    """The file of a class or function; None of anything else."""
    if inspect.isfunction(thing):
        return inspect.getsourcefile(thing)
    if inspect.isclass(thing):
        methods = [value for value in vars(thing).values() if inspect.isfunction(value)]
        return inspect.getsourcefile(methods[0]) if methods else None
    return None


@pytest.mark.filterwarnings("ignore::quench.QuenchWarning")
@pytest.mark.parametrize("example", find_examples(), ids=lambda example: example.name)
def test_example_gives_what_it_shows(example: doctest.DocTest, in_workshop: Path) -> None:
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(example)
    assert result.attempted > 0
    assert result.failed == 0
