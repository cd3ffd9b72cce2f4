"""Times in words, and results as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable

from poise.bench.harness import Contender, Result


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them, to three digits.

    Examples
    --------
    >>> duration(0.0123), duration(4.2e-8), duration(61.0)
    ('12.3 ms', '42 ns', '61 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9995 * scale:
            return f"{_three_digits(seconds / scale)} {unit}"
    return f"{_three_digits(seconds / 1e-9)} ns"


def factor(ratio: float) -> str:
    """Return a ratio to two or three digits.

    Examples
    --------
    >>> factor(0.853), factor(12.34), factor(1234.5)
    ('0.85', '12.3', '1234')
    """
    return f"{ratio:.2f}" if ratio < 10.0 else _three_digits(ratio)


def remark(result: Result, name: str) -> str:
    """Return what a reader has to know of a contender: that it answers another question, or its note."""
    contender = result.case.contenders[name]
    if not isinstance(contender, Contender):
        return ""
    return "; ".join(part for part in (contender.note, contender.differs) if part)


def table(results: Iterable[Result]) -> str:
    """Return the results as one Markdown table, a line per contender; who did not take part is named.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    str
        Columns: row, question, size, contender, median, spread (interquartile range), min, times poise, note.
    """
    head = ["row", "question", "size", "contender", "median", "spread", "min", "x poise", "note"]
    lines = [line(head), "|---|---|---|---|---:|---:|---:|---:|---|"]
    for result in results:
        case = result.case
        lines += [
            line([case.row, case.question, case.size, name, *cells])
            for name, *cells in contender_rows(result)
        ]
    return "\n".join(lines)


def contender_rows(result: Result) -> list[list[str]]:
    """Return the cells of each contender in the order of the case: name, median, spread, min, ratio, note."""
    rows = []
    for name in result.case.contenders:
        timing = result.timings.get(name)
        if timing is None:
            why = result.missing.get(name) or result.failed[name]
            rows.append([name, "", "", "", "", why])
        else:
            times = (duration(t) for t in (timing.median, timing.spread, timing.minimum))
            rows.append([name, *times, factor(result.ratio(name)), remark(result, name)])
    return rows


def line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table; a bar inside a cell is escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"
