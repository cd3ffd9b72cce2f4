"""The small real data sets that come with poise, so that everything runs offline.

The asset table beside them is *declared*: round figures of the era for size, dollar volume and spread, no
measurements. Licences of the closes: ``DATA_LICENSES.md``.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from poise.domain.assets import AssetKind, AssetProfile, AssetTable
from poise.errors import ParameterError, did_you_mean
from poise.market.clean import clean_bars
from poise.market.columns import wide_bars
from poise.market.data import MarketData
from poise.market.panel import build_market_data
from poise.market.quality import SIZE_WARNINGS
from poise.typing import Vector

SampleName: TypeAlias = Literal["etfs", "stocks"]

_DATA = Path(__file__).parent / "data"

_SOURCES: dict[str, str] = {
    "etfs": "embedded sample: 23 ETFs, daily closes 2008-2016 "
    "(prices not dividend-adjusted; size, volume and spread declared)",
    "stocks": "embedded sample: 20 US stocks, daily adjusted closes 2012-2021 "
    "(chosen in hindsight; size, volume and spread declared)",
}

_WARNINGS: dict[str, tuple[str, ...]] = {
    "etfs": (
        (
            "not_adjusted: prices are not adjusted for dividends, so bond funds look poorer than they were; "
            "judge a strategy on adjusted closes of your own"
        ),
    ),
    "stocks": (
        (
            "survivorship: these companies were chosen in hindsight; results are too good; "
            "try things out on them, judge on data of your own"
        ),
    ),
}
_DECLARED = (
    "declared: size, dollar volume and spread of the sample are declared round figures, not measurements; "
    "pass bars with measured ones for costs and limits that count"
)


def sample(name: SampleName = "etfs") -> MarketData:
    """Return an embedded data set: closes only, with a declared asset table.

    Parameters
    ----------
    name : {"etfs", "stocks"}
        ``etfs``: 23 ETFs over asset classes, 2008-01-02 to 2016-07-01, not adjusted for dividends.
        ``stocks``: 20 US stocks, adjusted closes, 2012-01-03 to 2021-12-31.

    Returns
    -------
    MarketData
        Exchange calendar, 252 days a year; asset class or sector in ``panel.assets``.

    Raises
    ------
    ParameterError
        If there is no sample of that name.
    """
    if name not in get_args(SampleName):
        known = get_args(SampleName)
        raise ParameterError(
            f"sample is {name!r}, expected one of {', '.join(known)}{did_you_mean(str(name), known)}"
        )
    import pyarrow.parquet as pq

    # `read_table` and `to_numpy` would load pandas; a sample should come up at once.
    with pq.ParquetFile(_DATA / f"{name}.parquet") as file:
        table = file.read()
    symbols = tuple(title for title in table.column_names if title != "date")
    days = _array(table.column("date").cast("int32")).astype("datetime64[D]").astype("datetime64[ns]")
    closes = np.column_stack([_doubles(table.column(symbol)) for symbol in symbols])
    profiles = _declared_profiles(symbols)
    bars = replace(
        wide_bars(days.astype(np.int64), symbols, closes, f"sample {name}"),
        kinds=tuple(profile.kind for profile in profiles),
    )
    data = build_market_data(clean_bars(bars))
    panel = replace(data.panel, assets=AssetTable(profiles), source=_SOURCES[name])
    # The table fills in what the closes alone leave unknown.
    remaining = (w for w in data.warnings if not w.startswith(SIZE_WARNINGS))
    report = replace(data.report, source=_SOURCES[name], warnings=(*_WARNINGS[name], _DECLARED, *remaining))
    return replace(data, panel=panel, report=report)


def _doubles(column: Any) -> Vector:
    """Return a column as float64: decimals as the nearest double, single precision as it is."""
    values: Vector = _array(column.cast("float64"))
    # The cast multiplies by 0.001, which may miss the nearest double; rounding divides by 1000.
    return np.round(values, column.type.scale) if hasattr(column.type, "scale") else values


def _array(column: Any) -> npt.NDArray[Any]:
    return np.from_dlpack(column.combine_chunks())


def _declared_profiles(symbols: tuple[str, ...]) -> tuple[AssetProfile, ...]:
    with (_DATA / "assets.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["symbol"]: row for row in csv.DictReader(stream)}
    return tuple(
        AssetProfile(
            symbol=symbol,
            name=rows[symbol]["name"],
            sector=rows[symbol]["sector"],
            kind=cast("AssetKind", rows[symbol]["kind"]),
            market_cap_usd=float(rows[symbol]["market_cap_usd"]),
            dollar_volume_usd=float(rows[symbol]["dollar_volume_usd"]),
            spread_bps=float(rows[symbol]["spread_bps"]),
            declared=True,
        )
        for symbol in symbols
    )
