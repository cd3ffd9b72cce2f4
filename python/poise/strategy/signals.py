"""Scoring: four factors per asset, blended by regime, validated against the market, filtered with reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from poise.domain.arrays import float_array
from poise.domain.regime import RegimeState
from poise.errors import ParameterError, ShapeError
from poise.moments.robust import has_cross_section, robust_z
from poise.strategy.closes import CloseWindow, close_window
from poise.strategy.conflicts import find_conflicts
from poise.strategy.filters import Checks, Strength, signal_of
from poise.strategy.momentum import WINDOW_ROWS, Momentum, measure_momentum
from poise.strategy.outlook import Outlook
from poise.strategy.regime_rules import FACTORS, NEUTRAL_MOMENTUM_WEIGHT, factor_weights
from poise.strategy.reversion import measure_reversion
from poise.strategy.signal_book import SignalBook
from poise.strategy.skill import MAX_COEFFICIENT, Skill
from poise.strategy.validation import validate
from poise.typing import Matrix, Vector
from poise.universe.tiers import TIERS

_Z_CLIP = 3.0


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
    intraday_trend: Vector | None = None,
    skill: Skill | None = None,
    tiers: Mapping[str, int | None] | None = None,
    dollar_volume: Vector | None = None,
) -> SignalBook:
    """Score every asset on its closes up to now.

    Factors are standardised across assets (median and MAD, clipped to +-3). Among fewer than four assets
    momentum is measured against the asset's own history (twice its trend, -2 to 2), quality and
    diversification, which only compare, are 0. Mean reversion is always in units of the asset's own
    history: where it is not established it is 0, and a cross-section of mostly zeros has no spread.
    A factor without a value counts as neutral and lowers the confidence.

    Scores of highly correlated assets that point in opposite directions damp each other
    (:func:`~poise.strategy.conflicts.find_conflicts`). Confidence is ``v min(1, |score| / 2) coverage``:
    validation by market, peers and timeframes (:func:`~poise.strategy.validation.validate`), strength, and
    the share of the factor weights that had data. A signal is kept when its damped ``|score| >= 0.25``, its
    sign held for two bars, its price is at most two bars old, it may be held, it trades what its tier asks
    for (where `dollar_volume` is known), and its edge pays twice the round trip (where `round_trip_cost` is
    known).

    The edge is Grinold's alpha ``IC sigma |z| v`` over the holding period. z is the damped score over the
    norm of the weights that had data, clipped to +-3: a weighted mean of four scores of unit variance
    varies less than one of them. Until the combined score has been judged on 250 bars the information
    coefficient has the benefit of the doubt (0.05, the most that is ever believed), afterwards it is the
    one measured, shrunk; at or below zero every signal is cut.

    Parameters
    ----------
    symbols : sequence of str
    closes : ndarray of shape (n_rows, n_assets)
        Daily, positive, last row now; NaN where missing. The last 257 rows decide.
    regime : RegimeState, optional
        Blends the factor weights; equal probabilities while unknown.
    outlook : Outlook, optional
        For diversification, confirmation by correlated assets and conflicts; without it that factor has no
        value and correlations are not asked.
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
    intraday_trend : ndarray of shape (n_assets,), optional
        Trend of four-hour bars, -1 to 1, NaN where unknown;
        :func:`~poise.strategy.intraday.measure_intraday_trend` measures it.
    skill : Skill, optional
        What the factors have known so far (:class:`~poise.strategy.skill.FactorSkill`): adapts their weights
        and sets the information coefficient. Without it the regime's table decides alone. A judged factor
        that is no discovery counts less (:attr:`~poise.strategy.skill.Skill.trust`).
    tiers : mapping of str to int, optional
        1 to 3 by symbol; an untiered asset is held to the lowest tier's liquidity.
    dollar_volume : ndarray of shape (n_assets,), optional
        A day's dollars; NaN where unknown: the signal's reason then says that liquidity is unchecked. Without
        it no liquidity is asked for.

    Returns
    -------
    SignalBook

    Raises
    ------
    ShapeError, EmptyInputError, NonFiniteError
        If the closes cannot be used.
    ParameterError
        If `momentum_weight` is negative or `holding_days` not positive, or a tier is unknown.

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
    fast = None if intraday_trend is None else _aligned(intraday_trend, names, "intraday_trend")
    # One row more than momentum needs: the sign of a bar ago is compared.
    window = close_window(closes, names, max_rows=WINDOW_ROWS + 1)
    table = factor_weights(regime, momentum_weight)
    weights = table if skill is None else skill.weigh(table)
    static = np.column_stack([_quality(names, quality), _diversification(names, outlook, target)])
    momentum, factors = _factors(window, static)
    score = np.nan_to_num(factors) @ weights
    before = np.nan_to_num(_factors(window.without_last(), static)[1]) @ weights
    correlation = None if outlook is None else outlook.correlation
    validation = validate(
        score,
        momentum.trend,
        momentum.market_trend,
        sectors,
        names,
        correlation=correlation,
        intraday_trend=fast,
    )
    conflicts = find_conflicts(score, correlation)
    damped = score * conflicts.damping
    coverage = weights[0] * momentum.coverage + np.isfinite(factors[:, 1:]) @ weights[1:]
    confidence = validation * np.minimum(1.0, np.abs(damped) / 2.0) * coverage
    # Grinold's alpha over the holding period, for an information coefficient of 1.
    unit = momentum.volatility * math.sqrt(holding_days) * _unit_score(damped, factors, weights) * validation
    known = skill is not None and bool(skill.judged[-1])
    believed = skill.coefficient if skill is not None else 0.0
    edge = np.abs(unit) * (believed if known else MAX_COEFFICIENT)
    checks = Checks(
        symbols=names,
        score=score,
        conflicts=conflicts,
        correlation=correlation,
        before=before,
        age=window.age()[:-1],
        coverage=coverage,
        allowed=allowed,
        edge=edge,
        cost=cost,
        skilled=bool(weights.any()) and (not known or believed > 0.0),
        tiers=_known_tiers(names, tiers),
        dollar_volume=None if dollar_volume is None else _aligned(dollar_volume, names, "dollar_volume"),
    )
    signals = {}
    kept = np.zeros(len(names), dtype=bool)
    for i, symbol in enumerate(names):
        cuts = checks.cuts(i)
        kept[i] = not cuts
        strength = Strength(float(score[i]), float(damped[i]), float(confidence[i]), float(validation[i]))
        signals[symbol] = signal_of(symbol, factors[i], strength, cuts, checks.remarks(i))
    return SignalBook(
        names,
        signals,
        momentum.trend,
        momentum.market_trend,
        factors,
        score,
        conflicts.damping,
        validation,
        weights,
        np.nan_to_num(unit) * believed if believed > 0.0 else np.zeros(len(names)),
        kept,
        np.ones(len(FACTORS)) if skill is None else skill.trust,
        {} if skill is None else skill.doubts,
    )


def _known_tiers(symbols: tuple[str, ...], tiers: Mapping[str, int | None] | None) -> tuple[int | None, ...]:
    found = tuple((tiers or {}).get(s) for s in symbols)
    for symbol, tier in zip(symbols, found, strict=True):
        if tier not in {None, *TIERS}:
            raise ParameterError(f"tier of {symbol} is {tier!r}; pass 1, 2, 3 or None for untiered")
    return found


def _unit_score(score: Vector, factors: Matrix, weights: Vector) -> Vector:
    """Return the score in standard deviations of a blend of independent factors; 0 without any."""
    norm = np.sqrt(np.isfinite(factors) @ weights**2)
    z: Vector = np.clip(np.divide(score, norm, out=np.zeros(len(score)), where=norm > 0.0), -_Z_CLIP, _Z_CLIP)
    return z


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


def _aligned(values: Vector, symbols: tuple[str, ...], name: str) -> Vector:
    array = float_array(values, name)
    if array.shape != (len(symbols),):
        raise ShapeError(f"{name} has shape {array.shape}, expected ({len(symbols)},); one value per symbol")
    return array
