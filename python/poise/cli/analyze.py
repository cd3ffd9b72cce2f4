"""``poise analyze``: one look at the market and the book."""

from __future__ import annotations

from typing import Annotated

import typer

from poise.cli.inputs import load_book, load_market
from poise.cli.options import AsJson, BadBarRule, ConfigFile, DataFile, PortfolioFile
from poise.cli.output import busy, console, print_json
from poise.cli.tables import analysis_tables
from poise.config.settings import load_settings
from poise.enhanced_portfolio_strategy import EnhancedPortfolioStrategy
from poise.market import to_daily


def analyze(
    data: DataFile = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", metavar="SYMBOL", help="Recommend for this asset.")
    ] = None,
    portfolio: PortfolioFile = None,
    config: ConfigFile = None,
    on_bad_bar: BadBarRule = None,
    as_json: AsJson = False,
) -> None:
    """Show metrics, regime, signals and target weights at the last bar.

    Example: poise analyze --data bars.parquet --symbol BTC --json
    """
    settings, _ = load_settings(config)
    with busy("analyzing", quiet=as_json):
        market, data_warnings = load_market(settings, data, on_bad_bar)
        book, book_warnings = load_book(settings, portfolio, to_daily(market.panel))
        analysis = EnhancedPortfolioStrategy(settings.portfolio).analyze_data(
            market, symbol=symbol, portfolio=book, warnings=(*data_warnings, *book_warnings)
        )
    if as_json:
        print_json({"mode": "paper", **analysis.to_dict(), "data": market.report})
        return
    out = console()
    for part in analysis_tables(analysis):
        out.print(part)
        out.print()
