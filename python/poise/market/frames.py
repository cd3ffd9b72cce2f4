"""Prices and context as the doors receive them, brought into one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poise.domain.prices import PricePanel
from poise.errors import DataError, UnknownSymbolError, did_you_mean
from poise.market.columns import canonical, time_column
from poise.market.context import CONTEXT_KEYS, enriched, require_known_keys
from poise.market.data import CalendarPolicy, MarketData, OnBadBar
from poise.market.forms import read_prices
from poise.market.merge import joined
from poise.market.objects import FORMS


def panel_from(
    price_data: Any = None,
    *,
    symbol: str | None = None,
    market_data: Any = None,
    on_bad_bar: OnBadBar = "refuse",
    on_mixed_calendars: CalendarPolicy = "union",
) -> MarketData:
    """Return prices and context in any accepted form as market data.

    Parameters
    ----------
    price_data : object, optional
        A ``PricePanel`` or ``MarketData``; a pandas or polars frame of one symbol's bars (``close``, maybe
        open, high, low, volume; needs `symbol`), of wide closes (one column a symbol) or of long bars;
        a pandas series; ccxt rows ``[[ms, open, high, low, close, volume], ...]``; a mapping from symbol to
        any single-symbol form; the path of a file. Times stand in the index or a column ``ts``,
        ``timestamp`` or ``date``.
    symbol : str, optional
        The symbol asked about; it names single-symbol data and must be among the prices.
    market_data : mapping or prices, optional
        Any of ``prices`` (wide), ``bars`` (long), ``volumes`` (units), ``market_caps``, ``sectors``,
        ``benchmark`` (a symbol or closes with times), ``spreads`` (basis points), ``views``; or prices alone.
        A symbol that stands in several is taken from `price_data`, then ``prices``, then ``bars``.
    on_bad_bar, on_mixed_calendars
        As in :func:`poise.market.read_bars`.

    Returns
    -------
    MarketData
        What is unknown is left out with a warning (``liquidity_unknown``, ``untiered``).

    Raises
    ------
    DataError
        If there are no prices (``no_prices``) or they cannot be used.
    InputError
        If `market_data` has an unknown key or a figure that cannot be.
    UnknownSymbolError
        If `symbol` or the benchmark has no prices.
    """
    context = _context(market_data)
    sources = [
        ("price_data", price_data),
        ("market_data['prices']", context.get("prices")),
        ("market_data['bars']", context.get("bars")),
    ]
    given = [(label, data) for label, data in sources if data is not None]
    if not given:
        raise DataError(
            f"no prices: pass price_data, or market_data with 'prices' or 'bars'; accepted are {FORMS}",
            source="market_data",
            problem="no_prices",
        )
    parts = [
        read_prices(
            data, symbol=symbol, source=label, on_bad_bar=on_bad_bar, on_mixed_calendars=on_mixed_calendars
        )
        for label, data in given
    ]
    result = parts[0]
    for part in parts[1:]:
        result = joined(result, part, on_mixed_calendars=on_mixed_calendars)
    _require_symbol(symbol, result)
    return enriched(result, context)


def _context(market_data: Any) -> Mapping[str, Any]:
    """Return the mapping as given; prices alone become its ``prices``."""
    if market_data is None:
        return {}
    if not isinstance(market_data, Mapping):
        return {"prices": market_data}
    names = {canonical(key) for key in market_data}
    if "close" in names or (time_column(names) is not None and not names & set(CONTEXT_KEYS)):
        return {"prices": market_data}
    require_known_keys(market_data)
    return market_data


def _require_symbol(symbol: str | None, data: MarketData) -> None:
    panel: PricePanel = data.panel
    if symbol is None or symbol in panel.symbols:
        return
    if symbol in data.references:
        kind = data.references[symbol].kind
        raise UnknownSymbolError(
            f"{symbol} is a reference ({kind}), read but never traded; ask about a traded asset"
        )
    raise UnknownSymbolError(f"{symbol} is not in the prices{did_you_mean(symbol, panel.symbols)}")
