"""How a network is to be built."""

from __future__ import annotations

import copy
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .._status import FileError, InvalidArgumentError, NotFoundError, QuenchWarning
from ..config import Config
from .spelling import BothSpellings
from .status import Status, attempt


class BuilderConfig(BothSpellings):
    """A build configuration in MagicMind's JSON keys: a `quench.Config` that answers with `Status`.

    What is not given has quench's defaults (docs/configuration.md), which for quantisation are not MagicMind's. Keys of
    the card are accepted with a warning; keys that nothing knows are an INVALID_ARGUMENT.

    >>> import quench.magicmind as mm
    >>> config = mm.BuilderConfig()
    >>> config.parse_from_string('{"precision_config": {"precision_mode": "force_float16"}}').ok()
    True
    >>> config.parse_from_string('{"graph_shape_mutable": false}').ok()  # merged with what was there
    True
    >>> config.to_dict()
    {'graph_shape_mutable': False, 'precision_config': {'precision_mode': 'force_float16'}}
    """

    def __init__(self) -> None:
        self.quench = Config()  # the configuration that builds take

    def parse_from_string(self, text: str) -> Status:
        """Merges a JSON text; objects merge key by key, later keys win. After a failure nothing has changed."""
        if not isinstance(text, str):
            raise InvalidArgumentError(f"parse_from_string: expected a JSON text, found {type(text).__name__}")
        return attempt(lambda: self._merge(text, "configuration"))

    def parse_from_file(self, path: str | os.PathLike[str]) -> Status:
        """Merges a JSON file."""
        if not isinstance(path, (str, os.PathLike)):
            raise InvalidArgumentError(f"parse_from_file: expected a path, found {type(path).__name__}")
        return attempt(lambda: self._merge(_read(path), os.fspath(path)))

    def to_dict(self) -> dict[str, Any]:
        """What was given."""
        return self.quench.to_dict()

    @property
    def mlu_archs(self) -> list[Any]:
        """The chips that were named. A model of quench runs on every CPU."""
        return list(self.to_dict().get("archs", []))

    @mlu_archs.setter
    def mlu_archs(self, archs: Sequence[Any]) -> None:
        self.quench.set("archs", list(archs))

    def _copy(self, *more: Mapping[str, Any]) -> Config:
        """Another configuration of quench, with more in it. What this one has to warn of, it did when it was parsed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", QuenchWarning)
            return Config(self.quench, *more)

    def _merge(self, text: str, origin: str) -> None:
        try:
            tree = json.loads(text)
        except ValueError:
            tree = None  # the library says where
        notes: list[str] = []
        if isinstance(tree, dict):
            without = _leave_out(tree, notes)
            text = text if without == tree else json.dumps(without)
        self.quench.merge(text, origin)
        for note in notes:
            warnings.warn(f"{origin}: {note}", QuenchWarning, stacklevel=5)


# What tunes the card and has nothing to tune here, though the library does not know or take it.
_fast = (
    "computation_preference 'fast' is about the card's arithmetic: 'auto' is taken, force_float16 is what is fast here"
)
_fusion = "key 'opt_config.auto_fusion_enable' means nothing on a CPU and is ignored"
_file = "key 'debug_config.print_ir.file_path' is ignored: the text goes to the log \"quench\""


def _leave_out(given: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """A configuration without these, which are noted."""
    tree: dict[str, Any] = copy.deepcopy(dict(given))
    if tree.get("computation_preference") == "fast":
        tree["computation_preference"] = "auto"
        notes.append(_fast)
    options, debug = tree.get("opt_config"), tree.get("debug_config")
    if isinstance(options, dict) and options.pop("auto_fusion_enable", None) is not None:
        notes.append(_fusion)
    print_ir = debug.get("print_ir") if isinstance(debug, dict) else None
    if isinstance(print_ir, dict) and print_ir.pop("file_path", None) is not None:
        notes.append(_file)
    return tree


def _read(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(f"{os.fspath(path)}: there is no such file") from None
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidArgumentError(f"{os.fspath(path)}: is no text in UTF-8") from None


def config_of(config: BuilderConfig | None, what: str) -> BuilderConfig:
    """The configuration that a call was given, or an empty one."""
    if config is None:
        return BuilderConfig()
    if not isinstance(config, BuilderConfig):
        raise InvalidArgumentError(f"{what}: expected a BuilderConfig, found {type(config).__name__}")
    return config
