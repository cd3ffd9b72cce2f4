"""Scoring: four factors per asset, blended by regime, validated against the market, filtered with reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.domain.arrays import float_array
from poise.domain.proposals import Signal
from poise.domain.regime import RegimeState
from poise.errors import ParameterError, ShapeError
from poise.strategy.closes import CloseWindow, close_window
from poise.strategy.momentum import WINDOW_ROWS, Momentum, measure_momentum
from poise.strategy.outlook import Outlook
from poise.strategy.regime_rules import FACTORS, NEUTRAL_MOMENTUM_WEIGHT, factor_weights
from poise.strategy.reversion import measure_reversion
from poise.strategy.standardize import has_cross_section, robust_z
from poise.strategy.validation import validate
from poise.typing import Matrix, Vector

MIN_SCORE = 0.25
MAX_AGE_BARS = 2
INFORMATION_COEFFICIENT = 0.05
"""The most that a factor is believed to know: the edge filter asks whether even that would pay."""

EDGE_OVER_COST = 2.0


@dataclass(frozen=True, eq=False)
class SignalBook(Mapping[str, Signal]):
    """The signals of one bar, by symbol.

    A signal that was cut has score 0 and confidence 0; its ``factors`` keep what was measured, the total
    under ``combined``.

    Attributes
    ----------
    symbols : tuple of str
    signals : mapping of str to Signal
    trend : ndarray of shape (n_assets,)
        Time-series momentum, -1 to 1; NaN without enough history.
    market_trend : float
        The same of the equal-weighted market.
    factors : ndarray of shape (n_assets, 4)
        Standardised factors, columns in the order of ``FACTORS``; NaN where there is no value.
    score : ndarray of shape (n_assets,)
        Combined score before the filters.
    kept : ndarray of bool, shape (n_assets,)
        Which signals passed the filters.
    """

    symbols: tuple[str, ...]
    signals: Mapping[str, Signal]
    trend: Vector
    market_trend: float
    factors: Matrix
    score: Vector
    kept: np.ndarray[Any, np.dtype[np.bool_]]

    def __getitem__(self, symbol: str) -> Signal:
        return self.signals[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.signals)

    def __len__(self) -> int:
        return len(self.signals)

    def factor(self, name: str) -> Vector:
        """Return one standardised factor, shape ``(n_assets,)``, NaN where there is no value."""
        column: Vector = self.factors[:, FACTORS.index(name)]
        return column


def score_signals(
    symbols: Sequence[str],
    closes: Matrix,
    *,
    regime: RegimeState | None = None,
    outlook: Outlook | None = None,
    target: Mapping[str, float] | None = None,
    quality: Mapping[str, float] | None = None,
    sectors: Mapping[str, str] | None = None,
    tradable: npt.NDArray[np.bool_] | None = None,
    momentum_weight: float = NEUTRAL_MOMENTUM_WEIGHT,
    round_trip_cost: Vector | None = None,
    holding_days: float = 20.0,
) -> SignalBook:
    """Score every asset on its closes up to now.

    Factors are standardised across assets (median and MAD, clipped to +-3). Among fewer than four assets
    momentum is measured against the asset's own history (twice its trend, -2 to 2), quality and
    diversification, which only compare, are 0. Mean reversion is always in units of the asset's own
    history: where it is not established it is 0, and a cross-section of mostly zeros has no spread.
    A factor without a value counts as neutral and lowers the confidence.

    Confidence is ``v min(1, |score| / 2) coverage``: validation by market and sector, strength, and the
    share of the factor weights that had data. A signal is kept when ``|score| >= 0.25``, its sign held
    for two bars, its price is at most two bars old, it may be held, and its edge at the best believable
    information coefficient (0.05) pays twice the round trip (where `round_trip_cost` is known).

    Parameters
    ----------
    symbols : sequence of str
    closes : ndarray of shape (n_rows, n_assets)
        Daily, positive, last row now; NaN where missing. The last 257 rows decide.
    regime : RegimeState, optional
        Blends the factor weights; equal probabilities while unknown.
    outlook : Outlook, optional
        For diversification; without it that factor has no value.
    target : mapping of str to float, optional
        The current target portfolio; equal weights of the active assets unless it holds any.
    quality : mapping of str to float, optional
        Quality score by symbol, 0 to 1; NaN or left out where unknown.
    sectors : mapping of str to str, optional
    tradable : ndarray of bool, shape (n_assets,), optional
        Which assets may be held; all unless given.
    momentum_weight : float, default=0.3
        Scales momentum's weight by ``momentum_weight / 0.3``; 0 takes it out.
    round_trip_cost : ndarray of shape (n_assets,), optional
        Cost of buying and selling again, a fraction of the amount; NaN where unknown.
    holding_days : float, default=20
        Bars over which the edge is earned.

    Returns
    -------
    SignalBook

    Raises
    ------
    ShapeError, EmptyInputError, NonFiniteError
        If the closes cannot be used.
    ParameterError
        If `momentum_weight` is negative or `holding_days` not positive.

    References
    ----------
    .. [1] Grinold (1994). Alpha is volatility times IC times score.
    """
    names = tuple(symbols)
    if not momentum_weight >= 0.0 or not holding_days > 0.0:
        raise ParameterError(
            f"momentum_weight = {momentum_weight} and holding_days = {holding_days}; "
            "pass a weight of at least 0 and a positive number of days"
        )
    allowed = (
        np.ones(len(names), dtype=bool)
        if tradable is None
        else _aligned(tradable.astype(np.float64), names, "tradable") > 0.0
    )
    cost = None if round_trip_cost is None else _aligned(round_trip_cost, names, "round_trip_cost")
    # One row more than momentum needs: the sign of a bar ago is compared.
    window = close_window(closes, names, max_rows=WINDOW_ROWS + 1)
    weights = factor_weights(regime, momentum_weight)
    static = np.column_stack([_quality(names, quality), _diversification(names, outlook, target)])
    momentum, factors = _factors(window, static)
    score = np.nan_to_num(factors) @ weights
    before = np.nan_to_num(_factors(window.without_last(), static)[1]) @ weights
    validation = validate(score, momentum.trend, momentum.market_trend, sectors, names)
    coverage = weights[0] * momentum.coverage + np.isfinite(factors[:, 1:]) @ weights[1:]
    confidence = validation * np.minimum(1.0, np.abs(score) / 2.0) * coverage
    # Grinold's alpha over the holding period, at the most that a factor is believed to know.
    sigma = momentum.volatility * math.sqrt(holding_days)
    edge = INFORMATION_COEFFICIENT * sigma * np.abs(score) * validation
    checks = _Checks(score, before, window.age()[:-1], coverage, allowed, edge, cost)
    signals = {}
    kept = np.zeros(len(names), dtype=bool)
    for i, symbol in enumerate(names):
        cuts = checks.cuts(i)
        kept[i] = not cuts
        strength = (float(score[i]), float(confidence[i]), float(validation[i]))
        signals[symbol] = _signal(symbol, factors[i], strength, cuts)
    return SignalBook(names, signals, momentum.trend, momentum.market_trend, factors, score, kept)


def _factors(window: CloseWindow, static: Matrix) -> tuple[Momentum, Matrix]:
    """Return momentum and the standardised factors, shape ``(n_assets, 4)``, at the window's last row."""
    momentum = measure_momentum(window)
    raw = momentum.raw
    trend_z = robust_z(raw) if has_cross_section(raw) else 2.0 * raw
    return momentum, np.column_stack([trend_z, measure_reversion(window), static])


def _comparison(values: Vector) -> Vector:
    """Standardise a factor that only means something beside others."""
    return robust_z(values) if has_cross_section(values) else np.where(np.isfinite(values), 0.0, np.nan)


def _quality(symbols: tuple[str, ...], quality: Mapping[str, float] | None) -> Vector:
    return _comparison(np.array([float((quality or {}).get(s, math.nan)) for s in symbols]))


def _diversification(
    symbols: tuple[str, ...], outlook: Outlook | None, target: Mapping[str, float] | None
) -> Vector:
    """Return the standardised ``1 - correlation`` with the target portfolio."""
    if outlook is None:
        return np.full(len(symbols), np.nan)
    if outlook.symbols != symbols:
        raise ShapeError("the outlook is for other symbols than the closes; pass both in the same order")
    usable = outlook.active & ~outlook.degenerate
    held = np.array([max(float((target or {}).get(s, 0.0)), 0.0) for s in symbols]) * usable
    if not held.any():
        held = usable.astype(float)
    block = np.ix_(usable, usable)
    covariance_with = outlook.covariance[block] @ held[usable]
    variance = float(held[usable] @ covariance_with)
    values = np.full(len(symbols), np.nan)
    if variance > 0.0:
        values[usable] = 1.0 - covariance_with / (outlook.volatility[usable] * math.sqrt(variance))
    return _comparison(values)


@dataclass(frozen=True)
class _Checks:
    """What the filters look at, per asset."""

    score: Vector
    before: Vector
    age: np.ndarray[Any, np.dtype[np.int64]]
    coverage: Vector
    allowed: np.ndarray[Any, np.dtype[np.bool_]]
    edge: Vector
    cost: Vector | None

    def cuts(self, i: int) -> list[str]:
        """Return why the signal of asset `i` is cut; empty when it is kept."""
        if not self.coverage[i] > 0.0:
            return ["no factor has enough history (coverage 0)"]
        found = []
        if not self.allowed[i]:
            found.append("may not be held")
        if self.age[i] > MAX_AGE_BARS:
            found.append(f"last price is {self.age[i]} bars old, {MAX_AGE_BARS} are allowed")
        if abs(self.score[i]) < MIN_SCORE:
            found.append(f"|score| {abs(self.score[i]):.2f} below {MIN_SCORE}")
        elif np.sign(self.score[i]) != np.sign(self.before[i]):
            found.append(f"sign is new: {self.score[i]:+.2f} after {self.before[i]:+.2f} a bar ago")
        if self.cost is not None and self.edge[i] < EDGE_OVER_COST * self.cost[i]:
            found.append(
                f"edge {self.edge[i]:.2%} below {EDGE_OVER_COST:g} x round trip of {self.cost[i]:.2%}"
            )
        return found


def _signal(symbol: str, factors: Vector, strength: tuple[float, float, float], cuts: list[str]) -> Signal:
    """Put one asset's signal into words; `strength` is score, confidence and validation."""
    score, confidence, validation = strength
    measured = {name: float(value) for name, value in zip(FACTORS, factors, strict=True)}
    unknown = [name.replace("_", " ") for name, value in measured.items() if math.isnan(value)]
    parts = (
        [f"cut: {'; '.join(cuts)}"]
        if cuts
        else [f"kept: score {score:+.2f}, validation {validation:.2f}, confidence {confidence:.2f}"]
    )
    if unknown:
        parts.append(f"neutral for want of data: {', '.join(unknown)}")
    return Signal(
        symbol=symbol,
        score=0.0 if cuts else score,
        confidence=0.0 if cuts else confidence,
        factors={**measured, "combined": score},
        reason="; ".join(parts),
    )


def _aligned(values: Vector, symbols: tuple[str, ...], name: str) -> Vector:
    array = float_array(values, name)
    if array.shape != (len(symbols),):
        raise ShapeError(f"{name} has shape {array.shape}, expected ({len(symbols)},); one value per symbol")
    return array
