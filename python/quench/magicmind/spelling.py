"""Both spellings of MagicMind's names: those of its Python, and those of its C++ that documents and people use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any


class BothSpellings:
    """Knows each method by its C++ name too: `SetPrecision` is `set_precision`. Type checkers see the latter only."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            other = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            if name[:1].isupper() and other in dir(type(self)):
                return getattr(self, other)
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
