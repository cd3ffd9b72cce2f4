"""One self-contained HTML file: no network, no server, the chart script inlined once."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from poise.config.paths import expanded
from poise.errors import OutputError
from poise.report import figures, sections
from poise.report.document import ReportContent
from poise.report.markup import section

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the browser may do: run what stands in the file, fetch nothing."""

Written: TypeAlias = Literal["report", "figure"]

_WAY_OUT: Mapping[Written, str] = {"report": "path with --report", "figure": "folder with --out"}


def require_writable(path: str | Path, *, what: Written = "report") -> None:
    """Make the folder of a report or figure and see that a file can be written there.

    Raises
    ------
    OutputError
        If it cannot; the message names the file.
    """
    target = expanded(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        is_new = not target.exists()
        with target.open("ab"):
            pass
        if is_new:
            target.unlink()
    except OSError as error:
        raise _unwritable(target, error, what) from error


def write_report(content: ReportContent, path: str | Path) -> Path:
    """Write `content` as one HTML file and return its absolute path.

    Raises
    ------
    OutputError
        If the file cannot be written; the message names it.
    """
    return _write(render(content), expanded(path), "report")


def _write(page: str, target: Path, what: Written) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A path that is no Unicode may be quoted in it.
        target.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise _unwritable(target, error, what) from error
    return target.resolve()


def _unwritable(target: Path, error: OSError, what: Written) -> OutputError:
    return OutputError(
        f"cannot write the {what} to {target}: {error.strerror or error}; choose another {_WAY_OUT[what]}"
    )


def render(content: ReportContent) -> str:
    """Return the report as HTML."""
    return _page(content.title, sections.subtitle(content), content.mode, "".join(_body(content)))


def write_figure(figure: Any, path: str | Path, *, title: str, subtitle: str, mode: str = "PAPER") -> Path:
    """Write one figure as a self-contained HTML file and return its absolute path.

    Parameters
    ----------
    figure : plotly figure
        Of :mod:`poise.report.figures`.
    path : str or Path
    title, subtitle : str
        What it shows, from which prices and up to when.
    mode : {"PAPER", "LIVE"}, default="PAPER"

    Raises
    ------
    OutputError
        If the file cannot be written; the message names it.
    """
    page = _page(title, subtitle, mode, section(title, _chart(figure, "figure")))
    return _write(page, expanded(path), "figure")


def _page(title: str, subtitle: str, mode: str, body: str) -> str:
    shown = escape(title)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>poise: {shown}</title><style>{_style()}</style>{_script()}</head><body>"
        f"<header><div><h1>{shown}</h1><p>{escape(subtitle)}</p></div>"
        f"<span class='mode {mode.lower()}'>{escape(mode)}</span></header>"
        f"<main>{body}</main></body></html>\n"
    )


def _body(content: ReportContent) -> list[str]:
    result = content.backtest
    parts = [sections.headline(content)]
    if result is not None:
        parts += [
            section("Equity and regimes", _chart(figures.equity_figure(result), "equity")),
            section("Drawdown", _chart(figures.drawdown_figure(result), "drawdown")),
            section("Weights over time", _chart(figures.weights_figure(result), "weights")),
            section("Performance", sections.performance(result)),
        ]
    parts += [
        section("The book now", sections.book(content)),
        section("Why", sections.reasons(content)),
        section("Trades", sections.trades(content)),
        section("Correlation", _correlation(content)),
        section("Metrics of the book before trading", sections.metrics(content)),
    ]
    if result is not None and result.rebalances:
        parts.append(section("Rebalances of the rehearsal", sections.rebalances(result)))
    parts += [
        section("Warnings", sections.warnings(content)),
        section("How this was made", sections.provenance(content)),
    ]
    return parts


def _correlation(content: ReportContent) -> str:
    matrix = content.decision.metrics.correlation_matrix
    if not figures.measured(matrix):
        return "<p>No asset has enough history for a correlation.</p>"
    return _chart(figures.correlation_figure(matrix), "correlation")


def _style() -> str:
    return files("poise.report").joinpath("style.css").read_text(encoding="utf-8")


def _script() -> str:
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"


def _chart(figure: Any, name: str) -> str:
    config = {"displayModeBar": False, "responsive": True}
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config, div_id=f"chart-{name}")
    return html
