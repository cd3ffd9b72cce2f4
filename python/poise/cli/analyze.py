"""``poise analyze``: one look at the market and the book."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from poise.cli.correlation_tables import correlation_tables
from poise.cli.inputs import load_book, load_market
from poise.cli.options import AsJson, BadBarRule, ConfigFile, DataFile, PortfolioFile
from poise.cli.output import busy, console, print_json, safe, say
from poise.cli.portfolio_tables import frontier_table, portfolio_tables
from poise.cli.tables import analysis_tables
from poise.config.paths import expanded
from poise.config.settings import load_settings
from poise.decision import (
    PanelFrontier,
    across_markets,
    named_portfolios,
    panel_frontier,
    regime_path,
    shared_returns,
)
from poise.domain.analysis import StrategyAnalysis
from poise.domain.prices import PricePanel
from poise.enhanced_portfolio_strategy import EnhancedPortfolioStrategy
from poise.errors import ParameterError
from poise.market import to_daily
from poise.report import figures, require_writable, write_figure
from poise.report.correlation import named_summary

FILES = {
    "regime": "poise-regime.html",
    "correlation": "poise-correlation.html",
    "frontier": "poise-frontier.html",
}


def analyze(
    data: DataFile = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", metavar="SYMBOL", help="Recommend for this asset.")
    ] = None,
    portfolio: PortfolioFile = None,
    regime: Annotated[
        bool, typer.Option("--regime", metavar="", help="Draw the regimes and their probabilities, too.")
    ] = False,
    correlation: Annotated[
        bool, typer.Option("--correlation", metavar="", help="Draw the correlation matrix, too.")
    ] = False,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="Show a textbook portfolio, too: risk_parity, kelly, ..., or all; may be repeated.",
        ),
    ] = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", metavar="", help="Draw and tabulate the efficient frontier, too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write figures there; the present folder when left out."),
    ] = None,
    config: ConfigFile = None,
    on_bad_bar: BadBarRule = None,
    as_json: AsJson = False,
) -> None:
    """Show metrics, risk, regime, correlation, signals and target weights at the last bar.

    Example: poise analyze --data bars.parquet --symbol BTC --json

    Example: poise analyze --regime --correlation --out figures

    Example: poise analyze --strategy all --frontier
    """
    settings, _ = load_settings(config)
    wanted = _wanted(out, regime=regime, correlation=correlation, frontier=frontier)
    with busy("analyzing", quiet=as_json):
        market, data_warnings = load_market(settings, data, on_bad_bar)
        panel = to_daily(market.panel)
        book, book_warnings = load_book(settings, portfolio, panel)
        analysis = EnhancedPortfolioStrategy(settings.portfolio).analyze_data(
            market, symbol=symbol, portfolio=book, warnings=(*data_warnings, *book_warnings)
        )
        summary = named_summary(analysis.metrics.correlation_matrix)
        across = across_markets(panel)
        most = settings.portfolio.max_position_size
        shared = shared_returns(panel) if strategy or frontier else None
        named = named_portfolios(shared, strategy, max_weight=most) if shared and strategy else ()
        efficient = panel_frontier(shared, max_weight=most) if shared and frontier else None
        written = {name: _draw(name, path, analysis, panel, efficient) for name, path in wanted.items()}
    if as_json:
        found: dict[str, Any] = {"correlation": summary, "across_markets": across}
        if named:
            found["strategies"] = {each.name: each.to_dict() for each in named}
        if efficient:
            found["frontier"] = efficient.to_dict()
        print_json(
            {"mode": "paper", **analysis.to_dict(), **found, "data": market.report, "figures": written}
        )
        return
    shown = console()
    parts = list(analysis_tables(analysis, correlation_tables(summary, across)))
    if shared and named:
        parts += portfolio_tables(named, shared)
    if efficient:
        parts.append(frontier_table(efficient))
    for part in parts:
        shown.print(part)
        shown.print()
    for name, path in written.items():
        say(f"[bold]Figure[/]  {name}: {safe(str(path))}")


def _wanted(out: Path | None, *, regime: bool, correlation: bool, frontier: bool) -> dict[str, Path]:
    """Return the file of each figure asked for; that it can be written is seen before the long computation.

    Raises
    ------
    ParameterError
        If a folder is named and no figure.
    OutputError
        If a file cannot be written.
    """
    flags = {"regime": regime, "correlation": correlation, "frontier": frontier}
    asked = [name for name, wanted in flags.items() if wanted]
    if out is not None and not asked:
        raise ParameterError(
            "--out names a folder, but no figure is asked for; add --regime, --correlation or --frontier"
        )
    folder = expanded(out or Path())
    files = {name: folder / FILES[name] for name in asked}
    for file in files.values():
        require_writable(file, what="figure")
    return files


def _draw(
    name: str, path: Path, analysis: StrategyAnalysis, panel: PricePanel, efficient: PanelFrontier | None
) -> Path:
    drawn: dict[str, Callable[[], Any]] = {
        "regime": lambda: figures.regime_figure(regime_path(panel)),
        "correlation": lambda: figures.correlation_figure(analysis.metrics.correlation_matrix),
        "frontier": lambda: figures.frontier_figure(efficient) if efficient else None,
    }
    titles = {"regime": "Market regimes", "correlation": "Correlation", "frontier": "Efficient frontier"}
    subtitle = f"{analysis.source}, as of {analysis.as_of:%Y-%m-%d %H:%M} UTC"
    return write_figure(drawn[name](), path, title=titles[name], subtitle=subtitle)
