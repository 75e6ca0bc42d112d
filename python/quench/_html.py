"""Tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ._arrays import shape_text


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; tuples in it are shapes."""

    def cell(tag: str, value: object) -> str:
        return f"<{tag}>{escape(shape_text(value) if isinstance(value, tuple) else str(value))}</{tag}>"

    def row(tag: str, values: Sequence[object]) -> str:
        return "<tr>" + "".join(cell(tag, value) for value in values) + "</tr>"

    body = "".join(row("td", values) for values in rows)
    return f"<table><caption>{escape(caption)}</caption><thead>{row('th', head)}</thead><tbody>{body}</tbody></table>"
