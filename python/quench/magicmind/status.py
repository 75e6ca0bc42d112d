"""Answers of calls: what MagicMind calls `Status`."""

from __future__ import annotations

import enum
from typing import Callable

from .._status import ClosedError, Error, InvalidArgumentError


class Code(enum.Enum):
    """What a call answers: MagicMind's OK, INTERNAL, OUT_OF_RANGE (no more samples) and UNAVAILABLE (a size is known
    after a run only), and for all else the codes of quench's errors."""

    OK = 0
    INTERNAL = 1
    OUT_OF_RANGE = 2
    UNAVAILABLE = 3
    INVALID_ARGUMENT = 4
    INVALID_MODEL = 5
    UNSUPPORTED = 6
    NOT_FOUND = 7
    IO = 8
    OUT_OF_MEMORY = 9
    INCOMPATIBLE = 10
    CANCELLED = 11
    BUSY = 12
    LIMIT = 13


class Status:
    """Whether a call did what was asked, and why not.

    >>> import quench.magicmind as mm
    >>> status = mm.BuilderConfig().parse_from_string('{"graph_shape_mutabel": true}')
    >>> status.ok(), status.code().name
    (False, 'INVALID_ARGUMENT')
    >>> print(status)
    INVALID_ARGUMENT: configuration: key 'graph_shape_mutabel' is unknown; did you mean 'graph_shape_mutable'?
    """

    __slots__ = ("_code", "_message")

    def __init__(self, code: Code = Code.OK, message: str = "") -> None:
        if not isinstance(code, Code):
            raise InvalidArgumentError(f"Status: expected one of Code, found {code!r}: give Code.OUT_OF_RANGE")
        self._code = code
        self._message = str(message)

    @staticmethod
    def OK() -> Status:  # noqa: N802
        return Status()

    def ok(self) -> bool:
        return self._code is Code.OK

    def code(self) -> Code:
        return self._code

    def error_message(self) -> str:
        return self._message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Status) and (self._code, self._message) == (other._code, other._message)

    def __hash__(self) -> int:
        return hash((self._code, self._message))

    def __bool__(self) -> bool:
        """The same as `ok()`, so that `assert` means what it looks like."""
        return self.ok()

    def __str__(self) -> str:
        return f"{self._code.name}: {self._message}" if self._message else self._code.name

    def __repr__(self) -> str:
        return f"<Status {self}>"


def status_of(error: Error) -> Status:
    """The status that says what an exception of quench says."""
    return Status(Code[error.code] if error.code in Code.__members__ else Code.INTERNAL, str(error))


def attempt(work: Callable[[], object]) -> Status:
    """Does some work and answers how it went. That an object was closed is a mistake of the caller, and is raised."""
    try:
        work()
    except ClosedError:
        raise
    except Error as error:
        return status_of(error)
    return Status()


def refuse(what: str, why: str) -> Status:
    """The answer to what only the card has."""
    return Status(Code.UNSUPPORTED, f"{what}: {why}")
