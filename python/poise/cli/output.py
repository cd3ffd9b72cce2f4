"""What goes to the terminal: tables for people on it, one JSON document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from poise.domain.strict_json import dumps
from poise.errors import ConfigError, DataError

PIPE_WIDTH = 100
"""Columns where there is no terminal to ask."""


def console(*, error: bool = False) -> Console:
    """Return a console on standard output or standard error, as they are now."""
    made = Console(stderr=error, highlight=False)
    return made if made.is_terminal else Console(stderr=error, highlight=False, width=PIPE_WIDTH)


def printable(text: str) -> str:
    """Return `text` with a mark in place of what a terminal would obey rather than show."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def safe(text: str) -> str:
    """Return `text` ready for markup: nothing in it is read as markup or moves the cursor."""
    return escape(printable(text))


def say(markup: str = "") -> None:
    """Print one paragraph for people, long lines left to the terminal."""
    console().print(markup, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print one strict JSON document on standard output."""
    text = dumps(document, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(kind: str, message: str, *, as_json: bool, cause: Exception | None = None) -> None:
    """Print what went wrong: as a JSON document on standard output, else in words on standard error."""
    if as_json:
        print_json({"error": {"type": kind, "message": message, **_details(cause)}})
        return
    err = console(error=True)
    if isinstance(cause, ConfigError) and len(cause.violations) > 1:
        err.print(f"[bold red]error[/]: {len(cause.violations)} settings are refused", soft_wrap=True)
        for line in cause.violations:
            err.print(f"  - {safe(line)}", soft_wrap=True)
    else:
        err.print(f"[bold red]error[/]: {safe(message)}", soft_wrap=True)


def _details(cause: Exception | None) -> dict[str, Any]:
    match cause:
        case ConfigError():
            return {"violations": cause.violations}
        case DataError():
            return {"problem": cause.problem, "source": cause.source}
        case _:
            return {}


@contextmanager
def progress(description: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal and nothing elsewhere; yields ``report(done, in_all)``."""
    err = console(error=True)
    if quiet or not err.is_terminal:
        yield lambda _done, _in_all: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task(description, total=None)
        yield lambda done, in_all: bars.update(task, completed=done, total=in_all)


@contextmanager
def busy(description: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something of unknown length is under way; yields ``tell(description)``."""
    err = console(error=True)
    if quiet or not err.is_terminal:
        yield lambda _description: None
        return
    with err.status(safe(description)) as status:
        yield lambda description: status.update(safe(description))


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: int = 1,
    numbers: Sequence[int] | None = None,
) -> RenderableType:
    """Return a titled table whose first `words` columns are text and the others right-aligned numbers.

    `numbers` names the columns of numbers where those are not the last ones. Without any column name there is
    no head.
    """
    right = range(words, len(columns)) if numbers is None else numbers
    made = Table(show_header=any(columns), header_style="dim", box=None, padding=(0, 2, 0, 0))
    for k, name in enumerate(columns):
        made.add_column(name, justify="right" if k in right else "left")
    for row in rows:
        made.add_row(*(safe(cell) for cell in row))
    return Group(Text(title, style="bold"), made)
