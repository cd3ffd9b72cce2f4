"""A simulated market whose regimes, volatilities and correlations are known.

Four regimes follow each other as a semi-Markov chain. Within one, log returns are multivariate Student t
with constant correlation, scaled by a slow common volatility (an AR(1) in logs): tails are fat, volatility
clusters and everything falls together in a crash. Some assets are listed late; on request one is delisted
and one is a stablecoin that loses its peg.

The few parameters are round figures chosen against hourly spot closes of fifteen large coins, 2018 to 2021:
annualised volatility 0.8 to 1.6, excess kurtosis of hourly returns 16 to 100, autocorrelation of absolute
returns 0.28 at one hour and 0.18 at a day, mean correlation 0.55.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from poise.domain.assets import AssetProfile, AssetTable
from poise.domain.portfolio import Portfolio
from poise.domain.prices import DAY_SECONDS, PricePanel
from poise.errors import InputError, ParameterError
from poise.typing import REGIME_LABELS, Matrix, RegimeLabel, Vector

DAYS_PER_YEAR = 365.0
MARK = "SIM"


@dataclass(frozen=True)
class RegimeParameters:
    """One regime of the simulated market, in annual figures."""

    drift: float
    volatility: float
    correlation: float
    mean_duration_days: float


REGIMES: Mapping[RegimeLabel, RegimeParameters] = MappingProxyType(
    {
        "bull": RegimeParameters(drift=1.6, volatility=0.80, correlation=0.45, mean_duration_days=90.0),
        "bear": RegimeParameters(drift=-1.3, volatility=0.95, correlation=0.60, mean_duration_days=70.0),
        "sideways": RegimeParameters(drift=0.2, volatility=0.60, correlation=0.40, mean_duration_days=70.0),
        "high_volatility": RegimeParameters(
            drift=-0.8, volatility=2.00, correlation=0.80, mean_duration_days=25.0
        ),
    }
)

DEGREES_OF_FREEDOM = 4.5
LOG_VOLATILITY_SPREAD = 0.35
LOG_VOLATILITY_HALF_LIFE_DAYS = 3.0

_SECTORS = ("store_of_value", "smart_contracts", "exchange", "payments", "defi")


@dataclass(frozen=True)
class SimulatedMarket:
    """Prices with their truth.

    Attributes
    ----------
    panel : PricePanel
        Closes, dollar volumes, market caps and an asset table (figures declared).
    regimes : tuple of str
        The true regime of each bar.
    volatility_multipliers : ndarray of shape (n_assets,)
        Each asset's volatility relative to the regime's.
    highs, lows, opens : ndarray of shape (n_observations, n_assets)
    seed : int
    """

    panel: PricePanel
    regimes: tuple[RegimeLabel, ...]
    volatility_multipliers: Vector
    opens: Matrix
    highs: Matrix
    lows: Matrix
    seed: int

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, in the order of the columns."""
        return self.panel.symbols

    def true_correlation(self, row: int) -> Matrix:
        """Return the true correlation of the returns at bar `row`, shape ``(n_assets, n_assets)``."""
        rho = REGIMES[self.regimes[row]].correlation
        n = self.panel.n_assets
        return np.full((n, n), rho) + (1.0 - rho) * np.eye(n)

    def ohlcv(self, symbol: str) -> list[list[float]]:
        """Return candles as an exchange's API delivers them: ``[ms, open, high, low, close, volume]``."""
        i = self.panel.column(symbol)
        milliseconds = self.panel.opened.astype("datetime64[ms]").astype(np.int64)
        closes = self.panel.closes[:, i]
        assert self.panel.dollar_volumes is not None  # noqa: S101 - the simulator always makes volumes
        units = self.panel.dollar_volumes[:, i] / closes
        return [
            [int(ms), float(o), float(h), float(low), float(c), float(v)]
            for ms, o, h, low, c, v in zip(
                milliseconds, self.opens[:, i], self.highs[:, i], self.lows[:, i], closes, units, strict=True
            )
            if math.isfinite(c)
        ]

    def market_data(self) -> dict[str, Any]:
        """Return what the doors take as ``market_data``: long bars, market caps, sectors, spreads."""
        rows = [
            {"ts": candle[0], "symbol": symbol, "close": candle[4], "volume": candle[5]}
            for symbol in self.symbols
            for candle in self.ohlcv(symbol)
        ]
        profiles = [self.panel.assets[s] for s in self.symbols]
        return {
            "bars": rows,
            "market_caps": {p.symbol: p.market_cap_usd for p in profiles},
            "sectors": {p.symbol: p.sector for p in profiles},
            "spreads": {p.symbol: p.spread_bps for p in profiles},
        }

    def equal_portfolio(self, value: float = 10_000.0, cash_fraction: float = 0.0) -> Portfolio:
        """Return a portfolio worth `value` at the last close, spread equally over the assets alive then."""
        alive = self.panel.alive()
        last = self.panel.last_prices()
        each = value * (1.0 - cash_fraction) / len(alive)
        return Portfolio(cash=value * cash_fraction, positions={s: each / last[s] for s in alive})


def simulated_market(
    *,
    seed: int,
    n_assets: int = 8,
    days: int = 500,
    bar_seconds: float = DAY_SECONDS,
    symbols: Sequence[str] | None = None,
    late_listings: int = 0,
    delisted: bool = False,
    depeg: bool = False,
    start: str = "2019-01-01",
) -> SimulatedMarket:
    """Simulate a crypto-like market from a seed.

    Parameters
    ----------
    seed : int
        Same seed, same market.
    n_assets : int, default=8
        Ignored when `symbols` are given.
    days : int, default=500
        Length; at least 2 bars must come of it.
    bar_seconds : float, default=86400
        86400 for daily, 3600 for hourly bars.
    symbols : sequence of str, optional
        Names; ``SIM1/USDT``, ``SIM2/USDT``, ... by default, marked so that nobody takes them for real.
    late_listings : int, default=0
        How many of the last assets start later, spread over the first two thirds.
    delisted : bool, default=False
        The second asset ends at three quarters of the time.
    depeg : bool, default=False
        The last asset is a stablecoin that loses 12 % of its peg at two thirds of the time.
    start : str, default="2019-01-01"

    Returns
    -------
    SimulatedMarket

    Raises
    ------
    ParameterError
        If a size is out of range.
    InputError
        If symbols repeat.
    """
    names = tuple(symbols) if symbols is not None else tuple(f"{MARK}{i + 1}/USDT" for i in range(n_assets))
    bars_per_day = DAY_SECONDS / bar_seconds
    n_bars = int(days * bars_per_day)
    if not names or n_bars < 2:
        raise ParameterError(
            f"{len(names)} assets over {n_bars} bars; at least 1 asset and 2 bars are needed"
        )
    if len(set(names)) != len(names):
        raise InputError("symbols repeat; give each asset its own name")
    if not 0 <= late_listings < max(len(names), 1):
        raise ParameterError(f"late_listings is {late_listings}, expected 0 to {len(names) - 1}")
    rng = np.random.default_rng(seed)
    regimes = _regime_path(rng, n_bars, bars_per_day)
    multipliers = np.exp(0.25 * rng.standard_normal(len(names)))
    multipliers[0] = 0.8
    log_returns = _log_returns(rng, regimes, multipliers, bars_per_day)
    if depeg:
        log_returns[:, -1] = _stablecoin(rng, n_bars)
    first = np.concatenate([[100.0], 10.0 ** rng.uniform(-1.0, 3.0, len(names) - 1)])
    if depeg:
        first[-1] = 1.0
    closes = first * np.exp(np.cumsum(log_returns, axis=0))
    opens = np.vstack([first, closes[:-1]])
    width = np.abs(rng.normal(0.0, 1.0, closes.shape)) * np.std(log_returns, axis=0)
    highs = np.maximum(opens, closes) * np.exp(0.7 * width)
    lows = np.minimum(opens, closes) * np.exp(-0.7 * width)
    caps = _market_caps(len(names)) * closes / first
    volumes = 0.03 / bars_per_day * caps * np.exp(0.4 * rng.standard_normal(closes.shape))
    _cut(closes, late_listings=late_listings, delisted=delisted)
    missing = np.isnan(closes)
    volumes[missing] = np.nan
    caps[missing] = np.nan
    step = np.timedelta64(round(bar_seconds), "s")
    panel = PricePanel(
        opened=np.datetime64(start, "ns") + np.arange(n_bars) * step,
        symbols=names,
        closes=closes,
        bar_seconds=bar_seconds,
        periods_per_year=DAYS_PER_YEAR * bars_per_day,
        dollar_volumes=volumes,
        market_caps=caps,
        assets=_asset_table(names, depeg=depeg),
        source=f"simulated market, seed {seed} (not real prices)",
    )
    return SimulatedMarket(
        panel=panel,
        regimes=regimes,
        volatility_multipliers=multipliers,
        opens=opens,
        highs=highs,
        lows=lows,
        seed=seed,
    )


def _regime_path(rng: np.random.Generator, n_bars: int, bars_per_day: float) -> tuple[RegimeLabel, ...]:
    path: list[RegimeLabel] = []
    label: RegimeLabel = "sideways"
    while len(path) < n_bars:
        # A gamma of shape 4 has few of the very short spells that an exponential would give.
        spell = rng.gamma(4.0, REGIMES[label].mean_duration_days / 4.0) * bars_per_day
        path.extend([label] * max(1, round(spell)))
        others = [other for other in REGIME_LABELS if other != label]
        label = others[int(rng.integers(len(others)))]
    return tuple(path[:n_bars])


def _log_returns(
    rng: np.random.Generator, regimes: tuple[RegimeLabel, ...], multipliers: Vector, bars_per_day: float
) -> Matrix:
    n_bars, n_assets = len(regimes), len(multipliers)
    per_year = DAYS_PER_YEAR * bars_per_day
    drift = np.array([REGIMES[r].drift for r in regimes]) / per_year
    scale = np.array([REGIMES[r].volatility for r in regimes]) / math.sqrt(per_year)
    rho = np.array([REGIMES[r].correlation for r in regimes])[:, None]
    persistence = 0.5 ** (1.0 / (LOG_VOLATILITY_HALF_LIFE_DAYS * bars_per_day))
    shocks = rng.standard_normal(n_bars) * LOG_VOLATILITY_SPREAD * math.sqrt(1.0 - persistence**2)
    slow = np.empty(n_bars)
    level = LOG_VOLATILITY_SPREAD * rng.standard_normal()
    for t in range(n_bars):
        level = persistence * level + shocks[t]
        slow[t] = level
    # exp(2 * level) has mean exp(2 spread^2): taken out, so that the regime's volatility is the true one.
    scale = scale * np.exp(slow - LOG_VOLATILITY_SPREAD**2)
    common = rng.standard_normal((n_bars, 1))
    own = rng.standard_normal((n_bars, n_assets))
    mixing = np.sqrt((DEGREES_OF_FREEDOM - 2.0) / rng.chisquare(DEGREES_OF_FREEDOM, n_bars))[:, None]
    shape = (np.sqrt(rho) * common + np.sqrt(1.0 - rho) * own) * mixing
    sigma = scale[:, None] * multipliers
    return np.asarray(drift[:, None] - 0.5 * sigma**2 + sigma * shape)


def _stablecoin(rng: np.random.Generator, n_bars: int) -> Vector:
    log_price = 1e-4 * rng.standard_normal(n_bars)
    broken = (2 * n_bars) // 3
    log_price[broken:] += math.log(0.88)
    return np.asarray(np.diff(log_price, prepend=0.0))


def _market_caps(n_assets: int) -> Vector:
    return np.asarray(6e11 / np.arange(1, n_assets + 1) ** 1.5, dtype=np.float64)


def _cut(closes: Matrix, *, late_listings: int, delisted: bool) -> None:
    n_bars, n_assets = closes.shape
    for k in range(late_listings):
        first = round((k + 1) * (2 * n_bars / 3) / (late_listings + 1))
        closes[:first, n_assets - 1 - k] = np.nan
    if delisted and n_assets > 1:
        closes[(3 * n_bars) // 4 :, 1] = np.nan


def _asset_table(names: tuple[str, ...], *, depeg: bool) -> AssetTable:
    caps = _market_caps(len(names))
    last = len(names) - 1
    return AssetTable(
        AssetProfile(
            symbol=name,
            name=f"{name} (simulated)",
            sector="stablecoin" if depeg and i == last else _SECTORS[i % len(_SECTORS)],
            kind="stablecoin" if depeg and i == last else "crypto",
            market_cap_usd=float(caps[i]),
            dollar_volume_usd=float(0.03 * caps[i]),
            spread_bps=float(2.0 + i),
            declared=True,
        )
        for i, name in enumerate(names)
    )
