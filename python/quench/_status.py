"""Statuses of C as exceptions: a class for each code of quench/status.h, all of them `Error`."""

from __future__ import annotations

import os
from typing import Any, ClassVar, NoReturn

from ._native import ffi, lib


def text_of(chars: Any) -> str:
    """A text of C, whatever bytes it holds; "" for NULL."""
    return ffi.string(chars).decode("utf-8", "backslashreplace") if chars else ""


def bytes_of(text: str) -> bytes:
    """A text for C."""
    if "\0" in text:
        raise InvalidArgumentError(f"{text!r} holds a zero, which ends a text in C: leave it out")
    return text.encode("utf-8", "surrogateescape")


def path_of(path: str | os.PathLike[str]) -> bytes:
    """A path for C."""
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise InvalidArgumentError(f"expected a path, found {type(path).__name__}") from None
    if b"\0" in encoded:
        raise InvalidArgumentError(f"the path {path!r} holds a zero, which no path has: leave it out")
    return encoded


class QuenchWarning(UserWarning):
    """The job goes on, but not as asked."""


class Error(Exception):
    """What quench answers where it cannot do what was asked.

    The text says what was expected, what was found, and where there is one a way out. `code` is the name of the status
    ("INVALID_ARGUMENT"), `way_out` says for every error of the class whose turn it is, and `where` is the line of
    quench that noticed ("" where Python did). What the error speaks of is there for programs too, None where it is not
    known: `option`, the member of the C options that was too small ("pixels_max") or missing ("calibrator"), `node`,
    and `sample`, from 0.

    >>> import quench
    >>> try:
    ...     quench.Config(debug_config={"fusion": True})
    ... except quench.Error as error:
    ...     print(error.code, "-", error.way_out)
    INVALID_ARGUMENT - correct the call
    """

    code: ClassVar[str] = ""
    way_out: ClassVar[str] = ""
    option: str | None = None
    node: str | None = None
    sample: int | None = None

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        told = {"option": self.option, "node": self.node, "sample": self.sample}
        return type(self), (self.message, self.where), told


class InvalidModelError(Error, ValueError):
    """The model file is damaged or contradicts itself."""

    code = "INVALID_MODEL"
    way_out = "get a sound file"


class InvalidArgumentError(Error, ValueError):
    """The caller passed something wrong."""

    code = "INVALID_ARGUMENT"
    way_out = "correct the call"


class ClosedError(InvalidArgumentError):
    """The object was closed, or used up by a build."""

    way_out = "make another one"


class UnsupportedError(Error, NotImplementedError):
    """Sound, but outside what quench does."""

    code = "UNSUPPORTED"
    way_out = "the message names what is not supported: do without it"


class NotFoundError(Error, LookupError):
    """A name or file does not exist."""

    code = "NOT_FOUND"
    way_out = "correct the name"


class FileError(Error, OSError):
    """The operating system refused to read or write."""

    code = "IO"
    way_out = "the message has the system's reason"


class OutOfMemoryError(Error, MemoryError):
    """There was no memory; the object stays usable."""

    code = "OUT_OF_MEMORY"
    way_out = "free memory, or ask for less"


class IncompatibleError(Error):
    """Compiled by a newer quench than this one reads."""

    code = "INCOMPATIBLE"
    way_out = "update quench, or build the model again"


class UnavailableError(Error):
    """The answer depends on data and is known only after a run."""

    code = "UNAVAILABLE"
    way_out = "run first"


class CancelledError(Error):
    """The caller asked to stop."""

    code = "CANCELLED"
    way_out = "start again"


class BusyError(Error, RuntimeError):
    """The object is in use on another thread."""

    code = "BUSY"
    way_out = "wait, or give each thread an object of its own"


class LimitError(Error):
    """An explicit limit (bytes, nodes, depth, range) would be exceeded."""

    code = "LIMIT"
    way_out = "ask for less"


class InternalError(Error, RuntimeError):
    """A defect of quench."""

    code = "INTERNAL"
    way_out = "please report it"


_classes: dict[str, type[Error]] = {
    kind.code: kind
    for kind in (
        InvalidModelError,
        InvalidArgumentError,
        UnsupportedError,
        NotFoundError,
        FileError,
        OutOfMemoryError,
        IncompatibleError,
        UnavailableError,
        CancelledError,
        BusyError,
        LimitError,
        InternalError,
    )
}


def take_error(status: Any) -> Error:
    """The exception of a status that is no success; frees the status."""
    kind = _classes.get(text_of(lib.qn_code_name(lib.qn_status_code(status))), InternalError)
    error = kind(text_of(lib.qn_status_message(status)), text_of(lib.qn_status_where(status)))
    error.option = text_of(lib.qn_status_option(status)) or None
    error.node = text_of(lib.qn_status_node(status)) or None
    sample = lib.qn_status_sample(status)
    error.sample = None if sample < 0 else sample
    lib.qn_status_free(status)
    return error


def raise_status(status: Any) -> NoReturn:
    raise take_error(status)


def check(status: Any) -> None:
    """Raises what a status says; NULL is success."""
    if status:
        raise take_error(status)


def make_status(error: BaseException) -> Any:
    """A status for C that says what an exception says."""
    code = getattr(lib, f"QN_{error.code}") if isinstance(error, Error) and error.code else lib.QN_INVALID_ARGUMENT
    text = str(error) if isinstance(error, Error) else f"{type(error).__name__}: {error}"
    return lib.qn_status_create(code, b"%s", ffi.new("char[]", text.encode("utf-8", "replace").replace(b"\0", b"?")))
