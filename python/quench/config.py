"""How a network is to be built."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Union

from ._call import Call, sink
from ._handle import Handle, one_at_a_time
from ._native import ffi, lib
from ._status import InvalidArgumentError, bytes_of, path_of, text_of

ConfigLike = Union["Config", Mapping[str, Any], str, None]

# What other tools call a precision.
_precisions = {
    name: mode
    for names, mode in (
        ("fp32 float32 f32 float", "force_float32"),
        ("fp16 float16 f16 half", "force_float16"),
        ("int8 qint8 i8 s8", "qint8_mixed_float16"),
        ("int16 qint16 i16 s16", "qint16_mixed_float16"),
    )
    for name in names.split()
}


@one_at_a_time
class Config(Handle):
    """A build configuration: MagicMind's JSON keys, which docs/configuration.md lists.

    It is made of dicts or JSON texts, which merge, later keys winning, and of keywords, which are keys of the outermost
    object. `precision` is short for `precision_config={"precision_mode": ...}` and knows fp32, fp16, int8 and int16.

    Errors: InvalidArgumentError (no such key, with the nearest; a wrong type or value), UnsupportedError (a key that
    this version refuses, with the reason). Keys that mean nothing on a CPU are warnings (`QuenchWarning`).
    Threads: one at a time.

    >>> import quench
    >>> config = quench.Config({"debug_config": {"fusion_enable": False}}, precision="int8")
    >>> config.to_dict()["precision_config"]
    {'precision_mode': 'qint8_mixed_float16'}
    >>> config.set("graph_shape_mutable", True)
    >>> quench.Config(precision="int9")
    Traceback (most recent call last):
    ...
    quench.UnsupportedError: ... 'int9' is not possible, allowed: force_float32, ...
    """

    def __init__(self, *sources: ConfigLike, precision: str | None = None, **keys: Any) -> None:
        out = ffi.new("qn_config **")
        with Call() as call:
            call.check(lib.qn_config_create(sink, out))
        self._own(out[0], lib.qn_config_destroy)
        for source in sources:
            self.merge(source)
        if keys:
            self.merge(keys)
        if precision is not None:
            self.set("precision_config.precision_mode", _precisions.get(precision.lower(), precision))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Config:
        """Reads a JSON file. Errors: also NotFoundError, FileError."""
        config = cls()
        with Call() as call:
            call.check(lib.qn_config_merge_file(config._pointer, path_of(path)))
        return config

    def merge(self, source: ConfigLike, origin: str = "configuration") -> None:
        """Merges a dict, a JSON text or another configuration; `origin` stands for a text in messages."""
        if source is None:
            return
        text = source if isinstance(source, str) else _to_json(source)
        with Call() as call:
            call.check(lib.qn_config_merge_text(self._pointer, bytes_of(text), bytes_of(origin)))

    def set(self, key: str, value: Any) -> None:
        """Sets one key, a dotted path such as "debug_config.fusion_enable", to what JSON can hold."""
        with Call() as call:
            call.check(lib.qn_config_set(self._pointer, bytes_of(key), bytes_of(_dump(value))))

    def to_dict(self) -> dict[str, Any]:
        """What was given."""
        return _read(lib.qn_config_text(self._pointer))

    def effective(self) -> dict[str, Any]:
        """What was given, with every default filled in."""
        return _read(lib.qn_config_effective_text(self._pointer))

    def __repr__(self) -> str:
        return "<Config, closed>" if self.closed else f"Config({self.to_dict()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Config, (self.to_dict(),)


def as_config(config: ConfigLike, precision: str | None = None) -> Config:
    """A configuration of whatever says one. One that is given is returned as it is, unless `precision` changes it."""
    if isinstance(config, Config) and precision is None:
        return config
    return Config(config, precision=precision)


def _read(text: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text_of(text))
    return value


def _dump(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the configuration holds what JSON cannot: {error}") from None


def _to_json(source: Config | Mapping[str, Any]) -> str:
    if isinstance(source, Config):
        return text_of(lib.qn_config_text(source._pointer))
    if not isinstance(source, Mapping):
        raise InvalidArgumentError(f"expected a dict, a JSON text or a Config, found {type(source).__name__}")
    return _dump(dict(source))
