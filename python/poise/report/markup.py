"""Pieces of HTML; every word that goes in is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def section(title: str, body: str) -> str:
    """Return a titled box around `body`, which is HTML already."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1, narrow: bool = False
) -> str:
    """Return a table whose first `text_columns` columns hold words and the others numbers."""

    def cell(tag: str, k: int, value: str) -> str:
        return f"<{tag}{'' if k < text_columns else ' class=n'}>{escape(value)}</{tag}>"

    header = "".join(cell("th", k, value) for k, value in enumerate(head))
    body = "".join(f"<tr>{''.join(cell('td', k, v) for k, v in enumerate(row))}</tr>" for row in rows)
    kind = "scroll narrow" if narrow else "scroll"
    return f"<div class='{kind}'><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"


def bullets(lines: Iterable[str]) -> str:
    """Return a list; nothing where there is no line."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def note(text: str) -> str:
    """Return small print."""
    return f"<p class='note'>{escape(text)}</p>"


def cards(facts: Iterable[tuple[str, str, str]]) -> str:
    """Return one card per name, value and remark."""
    boxes = "".join(
        f"<div class='card'><span>{escape(name)}</span><b>{escape(value)}</b>"
        f"<small>{escape(remark)}</small></div>"
        for name, value, remark in facts
    )
    return f"<div class='cards'>{boxes}</div>"
