"""Closes of many assets on one time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from poise.domain.assets import AssetTable
from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from poise.typing import Matrix, Times, Vector

DAY_SECONDS = 86_400.0
_NANOSECOND = 1e-9


def as_datetime(moment: np.datetime64) -> datetime:
    """Return a ``datetime64`` as an aware UTC datetime (microseconds)."""
    return datetime.fromtimestamp(int(moment.astype("datetime64[us]").astype(np.int64)) / 1e6, tz=UTC)


@dataclass(frozen=True)
class Bar:
    """One completed bar for every asset.

    Attributes
    ----------
    opened : numpy.datetime64
        The label: the time at which the bar opened, UTC.
    closed : numpy.datetime64
        When its values became known.
    symbols : tuple of str
    closes : ndarray of shape (n_assets,)
        NaN where an asset has no value.
    dollar_volumes, market_caps : ndarray of shape (n_assets,) or None
    """

    opened: np.datetime64
    closed: np.datetime64
    symbols: tuple[str, ...]
    closes: Vector
    dollar_volumes: Vector | None = None
    market_caps: Vector | None = None

    def copied(self) -> Bar:
        """Return the bar with arrays of its own: a live loop may use its buffers again."""
        volumes, caps = self.dollar_volumes, self.market_caps
        return replace(
            self,
            closes=self.closes.copy(),
            dollar_volumes=None if volumes is None else volumes.copy(),
            market_caps=None if caps is None else caps.copy(),
        )

    @property
    def as_of(self) -> datetime:
        """When the bar's values became known, UTC."""
        return as_datetime(self.closed)

    def prices(self) -> dict[str, float]:
        """Return the finite closes by symbol."""
        return {s: float(p) for s, p in zip(self.symbols, self.closes, strict=True) if np.isfinite(p)}


@dataclass(frozen=True)
class PricePanel:
    """Closes of many assets on one time axis, with what else is known of them.

    Parameters
    ----------
    opened : ndarray of shape (n_observations,)
        Bar labels (open times), ``datetime64[ns]``, UTC, strictly increasing.
    symbols : sequence of str
    closes : ndarray of shape (n_observations, n_assets)
        Positive; NaN where an asset has no value. Never forward-filled.
    bar_seconds : float
        Length of a bar; a bar is known at ``opened + bar_seconds``.
    periods_per_year : float
        Bars a year of these assets' calendar: crypto 365 daily, 8760 hourly; exchanges 252 daily.
    dollar_volumes, market_caps : ndarray of shape (n_observations, n_assets) or None
    assets : AssetTable
        Profiles; may be empty.
    source : str
        Where the prices came from, for people.
    """

    opened: Times
    symbols: tuple[str, ...]
    closes: Matrix
    bar_seconds: float
    periods_per_year: float
    dollar_volumes: Matrix | None = None
    market_caps: Matrix | None = None
    assets: AssetTable = field(default_factory=AssetTable)
    source: str = ""

    def __post_init__(self) -> None:
        opened = np.asarray(self.opened, dtype="datetime64[ns]")
        closes = np.ascontiguousarray(self.closes, dtype=np.float64)
        object.__setattr__(self, "opened", opened)
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "closes", closes)
        expected = (len(opened), len(self.symbols))
        if 0 in expected:
            raise EmptyInputError(
                f"prices have {expected[0]} rows and {expected[1]} assets; both must be positive"
            )
        for name in ("closes", "dollar_volumes", "market_caps"):
            block = getattr(self, name)
            if block is not None and block.shape != expected:
                raise ShapeError(f"{name} has shape {block.shape}, expected {expected}")
        if len(set(self.symbols)) != len(self.symbols):
            twice = next(s for s in self.symbols if self.symbols.count(s) > 1)
            raise InputError(f"symbol {twice} stands twice in the prices; keep one column")
        if np.any(np.diff(opened.astype(np.int64)) <= 0):
            raise InputError("bar times must strictly increase; sort and deduplicate them first")
        bad = np.isinf(closes) | (closes <= 0.0)
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise NonFiniteError(
                f"close of {self.symbols[column]} at {opened[row]} is {closes[row, column]}; "
                "closes are positive, NaN where missing"
            )

    @property
    def n_observations(self) -> int:
        """Rows."""
        return len(self.opened)

    @property
    def n_assets(self) -> int:
        """Columns."""
        return len(self.symbols)

    @property
    def closed(self) -> Times:
        """When each bar became known."""
        return self.opened + np.timedelta64(round(self.bar_seconds / _NANOSECOND), "ns")

    @property
    def as_of(self) -> datetime:
        """When the last bar became known, UTC."""
        return as_datetime(self.closed[-1])

    def column(self, symbol: str) -> int:
        """Return the position of `symbol`.

        Raises
        ------
        UnknownSymbolError
            If it is not among the symbols; the message names the nearest one.
        """
        try:
            return self.symbols.index(symbol)
        except ValueError:
            raise UnknownSymbolError(
                f"{symbol} is not in the prices{did_you_mean(symbol, self.symbols)}"
            ) from None

    def bar(self, row: int) -> Bar:
        """Return row `row` as a completed bar."""
        volumes, caps = self.dollar_volumes, self.market_caps
        return Bar(
            opened=self.opened[row],
            closed=self.closed[row],
            symbols=self.symbols,
            closes=self.closes[row],
            dollar_volumes=None if volumes is None else volumes[row],
            market_caps=None if caps is None else caps[row],
        )

    def bars(self) -> Iterator[Bar]:
        """Yield each row as a completed bar, oldest first."""
        return (self.bar(row) for row in range(self.n_observations))

    def rows(self, start: int, stop: int | None = None) -> PricePanel:
        """Return rows ``start:stop`` as views."""
        cut = slice(start, stop)
        return replace(
            self,
            opened=self.opened[cut],
            closes=self.closes[cut],
            dollar_volumes=None if self.dollar_volumes is None else self.dollar_volumes[cut],
            market_caps=None if self.market_caps is None else self.market_caps[cut],
        )

    def extended(self, bars: Sequence[Bar]) -> PricePanel:
        """Return a panel with `bars` after the last row; what they do not tell of is missing.

        Raises
        ------
        ShapeError
            If a bar is for other symbols.
        InputError
            If the bars do not move forward in time.
        """
        if not bars:
            return self
        for bar in bars:
            if bar.symbols != self.symbols:
                raise ShapeError(
                    f"a bar's {len(bar.symbols)} symbols are not the {self.n_assets} of the panel"
                )

        def grown(name: str, block: Matrix | None) -> Matrix | None:
            rows = [getattr(bar, name) for bar in bars]
            if block is None and all(row is None for row in rows):
                return None
            missing = np.full(self.n_assets, np.nan)
            past = np.full(self.closes.shape, np.nan) if block is None else block
            return np.vstack([past, *(missing if row is None else row for row in rows)])

        return replace(
            self,
            opened=np.concatenate([self.opened, np.array([bar.opened for bar in bars], self.opened.dtype)]),
            closes=np.vstack([self.closes, *(bar.closes for bar in bars)]),
            dollar_volumes=grown("dollar_volumes", self.dollar_volumes),
            market_caps=grown("market_caps", self.market_caps),
        )

    def select(self, symbols: Sequence[str]) -> PricePanel:
        """Return the named assets only, in that order."""
        columns = [self.column(s) for s in symbols]
        return replace(
            self,
            symbols=tuple(symbols),
            closes=self.closes[:, columns],
            dollar_volumes=None if self.dollar_volumes is None else self.dollar_volumes[:, columns],
            market_caps=None if self.market_caps is None else self.market_caps[:, columns],
        )

    def to_returns(self) -> Matrix:
        """Return simple returns of shape ``(n_observations - 1, n_assets)``; NaN beside a missing close."""
        return self.closes[1:] / self.closes[:-1] - 1.0

    def last_prices(self) -> dict[str, float]:
        """Return the last known close of each asset that ever had one."""
        known = np.isfinite(self.closes)
        rows = self.n_observations - 1 - np.argmax(known[::-1], axis=0)
        return {
            symbol: float(self.closes[rows[i], i])
            for i, symbol in enumerate(self.symbols)
            if known[:, i].any()
        }

    def alive(self) -> tuple[str, ...]:
        """Return the symbols with a close in the last row."""
        return tuple(s for s, p in zip(self.symbols, self.closes[-1], strict=True) if np.isfinite(p))
