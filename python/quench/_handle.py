"""Objects of C in the hands of Python."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._native import ffi
from ._status import ClosedError

if TYPE_CHECKING:
    from typing_extensions import Self


class Handle:
    """An object of C, freed with its Python object, with `close()`, or at the end of a `with` block.

    Whatever is asked of a closed one raises `ClosedError`.
    """

    _closed_by = "closed"
    _cdata: Any = None

    def _own(self, pointer: Any, destroy: Any) -> None:
        """Takes a pointer over, which `destroy` frees."""
        self._cdata = ffi.gc(pointer, destroy)

    @property
    def _pointer(self) -> Any:
        pointer = self._cdata
        if pointer is None:
            raise ClosedError(f"this {type(self).__name__} has been {self._closed_by}: make another one")
        return pointer

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._cdata is None

    def close(self) -> None:
        """Frees it now; it cannot be used any more. Closing twice does no harm."""
        pointer, self._cdata = self._cdata, None
        if pointer is not None:
            ffi.release(pointer)

    def __enter__(self) -> Self:
        self._pointer  # noqa: B018 - raises when closed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
