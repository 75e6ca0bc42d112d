"""Objects of C in the hands of Python."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ._native import ffi
from ._status import BusyError, ClosedError

if TYPE_CHECKING:
    from typing_extensions import Self

Kind = TypeVar("Kind", bound="Handle")


class Handle:
    """An object of C, freed with its Python object, with `close()`, or at the end of a `with` block.

    Whatever is asked of a closed one raises `ClosedError`. What C is at work on stays until C has returned, whoever
    closes it meanwhile.
    """

    _closed_by = "closed"
    _cdata: Any = None
    _is_lent = False
    _reader = 0  # the thread whose call reads it meanwhile; 0: none
    _turn: threading.RLock

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        self._turn = threading.RLock()
        return self

    def _own(self, pointer: Any, destroy: Any) -> None:
        """Takes a pointer over, which `destroy` frees when nobody holds it any more: neither this nor a call into C."""
        self._cdata = ffi.gc(pointer, destroy)

    @property
    def _pointer(self) -> Any:
        pointer = self._cdata
        if pointer is None:
            raise ClosedError(f"this {type(self).__name__} has been {self._closed_by}: make another one")
        if self._is_lent or (self._reader and self._reader != threading.get_ident()):
            raise BusyError(f"this {type(self).__name__} is at work: wait until that is done")
        return pointer

    @contextmanager
    def _lend(self) -> Iterator[Any]:
        """The pointer for long work that calls Python back, which finds the object busy, as other threads do."""
        with self._turn:
            pointer = self._pointer
            self._is_lent = True
        try:
            yield pointer
        finally:
            self._is_lent = False

    @property
    def _changeable(self) -> Any:
        """The pointer for a call that changes the object."""
        if self._reader:
            raise BusyError(f"this {type(self).__name__} is being read: change it when that is done")
        return self._pointer

    @contextmanager
    def _lend_for_reading(self) -> Iterator[Any]:
        """The same for long work that only reads: what it calls back may read too."""
        with self._turn:
            pointer = self._changeable
            self._reader = threading.get_ident()
        try:
            yield pointer
        finally:
            self._reader = 0

    def _take(self) -> Any:
        """The pointer for a call that uses it up: to everyone else the object is closed from now on."""
        with self._turn:
            pointer = self._changeable
            self._cdata = None
        return pointer

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._cdata is None

    def close(self) -> None:
        """Frees it now; it cannot be used any more. Closing twice does no harm."""
        self._cdata = None

    def __enter__(self) -> Self:
        self._pointer  # noqa: B018 - raises when closed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def one_at_a_time(kind: type[Kind]) -> type[Kind]:
    """A class whose objects C lets be used by one thread at a time: others wait for the end of a method."""
    for name, value in list(vars(kind).items()):
        if name == "close" or (name.startswith("__") and name != "__repr__"):
            continue
        if inspect.isfunction(value):
            setattr(kind, name, _in_turn(value))
        elif isinstance(value, property) and value.fget is not None:
            setattr(kind, name, property(_in_turn(value.fget), doc=value.__doc__))
    return kind


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(self: Handle, *arguments: Any, **options: Any) -> Any:
        with self._turn:
            return method(self, *arguments, **options)

    return wrapper
