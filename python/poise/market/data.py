"""What the market room hands on: prices, references and the account of how they were cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from poise.domain.prices import PricePanel
from poise.typing import Matrix, Times, Vector

if TYPE_CHECKING:
    import numpy as np

Calendar: TypeAlias = Literal["continuous", "exchange", "mixed"]
"""Trading seven days a week, on an exchange's days, or some of each."""

OnBadBar: TypeAlias = Literal["refuse", "drop"]
"""What to do with a bar that cannot be believed."""

CalendarPolicy: TypeAlias = Literal["union", "intersection", "refuse"]
"""How to lay assets of different calendars on one time axis."""

DROP_HINT = "or drop such rows with on_bad_bar='drop' (--on-bad-bar drop)"
"""The way out of a refusal that concerns rows."""


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Return the first few names in words: ``A, B and 3 more``."""
    names = tuple(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


@dataclass(frozen=True)
class ReferenceSeries:
    """An index, rate, commodity or future: read, never traded; values may be zero or negative.

    Attributes
    ----------
    symbol : str
    kind : str
    opened : ndarray of shape (n_observations,)
        Bar labels (open times), ``datetime64[ns]``, UTC, strictly increasing.
    values : ndarray of shape (n_observations,)
        Finite, in the unit of the source (a yield in percent stays in percent).
    """

    symbol: str
    kind: str
    opened: Times
    values: Vector


@dataclass(frozen=True)
class Benchmark:
    """What a portfolio is measured against, on the time axis of the panel.

    Attributes
    ----------
    name : str
    opened : ndarray of shape (n_observations,)
        The panel's bar labels.
    closes : ndarray of shape (n_observations,)
        NaN where the benchmark has no value; never filled.
    """

    name: str
    opened: Times
    closes: Vector


@dataclass(frozen=True)
class Delisting:
    """An asset whose bars end before the panel does.

    Attributes
    ----------
    symbol : str
    last_bar : numpy.datetime64
        Label of its last bar.
    last_price : float
        Its last tradable price, as traded (not adjusted for dividends).
    """

    symbol: str
    last_bar: np.datetime64
    last_price: float


@dataclass(frozen=True)
class DataReport:
    """What was read and what was settled on the way; nothing is mended silently.

    Attributes
    ----------
    source : str
        The file, or what the data was handed in as.
    rows_read, rows_used : int
        Data rows in the source, and those that gave a value.
    n_assets, n_bars : int
        Shape of the panel.
    start, end : numpy.datetime64
        First and last bar label.
    bar_seconds, periods_per_year : float
    calendar : {"continuous", "exchange", "mixed"}
    dropped : mapping of str to int
        Rows dropped on request (``on_bad_bar="drop"``) by problem word.
    identical_duplicates : int
        Rows that repeat another one exactly; one is kept.
    unsorted_rows : int
        Rows that stood before an earlier bar of the same symbol.
    missing_closes : int
        Rows without a close.
    gaps : int
        Bars missing inside an asset's life while others traded; left missing, never filled.
    missing_times : int
        Bars that no asset has although the calendar (seven days a week) expects them.
    broken_ohlc : int
        Rows whose open, high or low contradicts the close; those values are set missing.
    broken_volumes, broken_market_caps : int
        Negative, infinite or unreadable values, set missing.
    zero_volume : int
    stale_closes : int
        Bars whose close stood still for three days or more, kept as they are.
    large_moves : int
        Bars with an absolute log return above 1 against the bar before, kept as they are.
    adjusted : tuple of str
        Symbols whose ``adj_close`` was used.
    references : tuple of str
        Symbols read as references and kept out of the tradable panel.
    without_values : tuple of str
        Assets without a single value.
    delisted : tuple of Delisting
    warnings : tuple of str
        Each begins with a stable word and a colon: ``delisted: ...``.
    """

    source: str
    rows_read: int
    rows_used: int
    n_assets: int
    n_bars: int
    start: np.datetime64
    end: np.datetime64
    bar_seconds: float
    periods_per_year: float
    calendar: Calendar
    dropped: Mapping[str, int] = field(default_factory=dict)
    identical_duplicates: int = 0
    unsorted_rows: int = 0
    missing_closes: int = 0
    gaps: int = 0
    missing_times: int = 0
    broken_ohlc: int = 0
    broken_volumes: int = 0
    broken_market_caps: int = 0
    zero_volume: int = 0
    stale_closes: int = 0
    large_moves: int = 0
    adjusted: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    without_values: tuple[str, ...] = ()
    delisted: tuple[Delisting, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "dropped", MappingProxyType(dict(self.dropped)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, f.name) for f in fields(self))
        return (type(self), tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values))

    @property
    def n_dropped(self) -> int:
        """Rows dropped on request, all problems together."""
        return sum(self.dropped.values())

    def warned(self, *warnings: str) -> DataReport:
        """Return the report with further warnings; one that stands there already is not repeated."""
        return replace(self, warnings=tuple(dict.fromkeys((*self.warnings, *warnings))))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["dropped"] = dict(self.dropped)
        return plain


@dataclass(frozen=True)
class MarketData:
    """Prices ready for use, with what was read beside them.

    Attributes
    ----------
    panel : PricePanel
        Tradable assets; closes are NaN where an asset has no value. Where a symbol has an ``adj_close``
        on every bar, its closes here move as that does and end at the last traded price.
    report : DataReport
    references : mapping of str to ReferenceSeries
        Indices, rates, commodities and futures by symbol.
    opens, highs, lows : ndarray of shape (n_observations, n_assets) or None
        On the scale of the panel's closes; NaN where missing or contradicting the close.
    last_closes : mapping of str to float
        Last tradable price of each asset as traded, not adjusted: what a unit is worth.
    benchmark : Benchmark or None
    views : mapping, sequence or None
        What somebody expects; handed through untouched to the strategy.
    """

    panel: PricePanel
    report: DataReport
    references: Mapping[str, ReferenceSeries] = field(default_factory=dict)
    opens: Matrix | None = None
    highs: Matrix | None = None
    lows: Matrix | None = None
    last_closes: Mapping[str, float] = field(default_factory=dict)
    benchmark: Benchmark | None = None
    views: Any = None

    @property
    def source(self) -> str:
        """Where the prices came from, for people."""
        return self.panel.source

    @property
    def warnings(self) -> tuple[str, ...]:
        """The report's warnings."""
        return self.report.warnings
