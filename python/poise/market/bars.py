"""Bars from a file: read, judged, laid on one time axis."""

from __future__ import annotations

import os

from poise.market.clean import clean_bars
from poise.market.columns import raw_bars
from poise.market.data import CalendarPolicy, MarketData, OnBadBar
from poise.market.files import load_table
from poise.market.panel import build_market_data


def read_bars(
    path: str | os.PathLike[str],
    *,
    on_bad_bar: OnBadBar = "refuse",
    on_mixed_calendars: CalendarPolicy = "union",
) -> MarketData:
    """Load bars in long format from a Parquet or CSV file.

    One row a bar: a time (``ts``, ``timestamp`` or ``date``; UTC, a time without a zone is UTC, the
    label is the open of the bar), ``symbol`` and ``close``. Optional: ``open``, ``high``, ``low``;
    ``adj_close``, used instead of ``close`` for a symbol that has it beside every close; ``volume`` in
    units of the asset, ``volume_usd`` or ``quote_volume`` in money (preferred); ``market_cap``; ``kind``,
    of which ``index``, ``rate``, ``commodity`` and ``future`` are references, never traded, maybe zero or
    negative. Upper case and spaces in column names do not matter; other columns are ignored.

    An empty close is missing, never filled. What is settled on the way is counted in the report.

    Parameters
    ----------
    path : str or path-like
        A Parquet file (known by its content) or comma-separated UTF-8 text.
    on_bad_bar : {"refuse", "drop"}
        Whether a row that cannot be believed is an error or left out and counted.
    on_mixed_calendars : {"union", "intersection", "refuse"}
        Time axis where assets that trade every day stand beside assets on exchange days: all bars of
        any, bars that both calendars have, or an error.

    Returns
    -------
    MarketData
        The panel has the symbols in alphabetical order.

    Raises
    ------
    DataError
        With a stable word in ``problem``: ``missing_file``, ``is_directory``, ``empty_file``,
        ``unreadable_file``, ``unsupported_format``, ``missing_column``, ``duplicate_column``, ``no_rows``,
        ``no_tradable_asset``, ``too_few_bars``, ``mixed_calendars``; and of rows, where `on_bad_bar` is
        ``refuse``: ``ragged_row``, ``unreadable_time``, ``missing_symbol``, ``reserved_symbol``,
        ``bad_close``, ``conflicting_bars``. The message names file, symbol, column, first row and remedy.
    """
    table = load_table(path, on_bad_bar=on_bad_bar)
    bars = raw_bars(table.frame, table.titles, os.fspath(path))
    clean = clean_bars(bars, on_bad_bar=on_bad_bar, already_dropped=table.dropped)
    return build_market_data(clean, on_mixed_calendars=on_mixed_calendars)
