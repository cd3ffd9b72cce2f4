"""The fourteen numbers, each from the room that owns its formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from poise import performance, risk
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.regime import RegimeState
from poise.domain.weights import Weights
from poise.typing import Matrix, Vector

PRO_FORMA_BARS = 500
SHORT_HISTORY_BARS = 250
MIN_PRO_FORMA_BARS = 20


@dataclass(frozen=True)
class ProForma:
    """Today's weights over the bars on which every held asset has a return.

    Attributes
    ----------
    returns : ndarray of shape (n_observations,)
        Of the whole portfolio; cash earns nothing.
    market : ndarray of shape (n_observations,)
        Of the benchmark on the same bars.
    assets : ndarray of shape (n_observations, n_held)
    weights : ndarray of shape (n_held,)
    warnings : tuple of str
    """

    returns: Vector
    market: Vector
    assets: Matrix
    weights: Vector
    warnings: tuple[str, ...]


def pro_forma(symbols: tuple[str, ...], returns: Matrix, weights: Weights, market: Vector) -> ProForma:
    """Apply `weights` to the last rows of `returns`.

    A held asset without enough common history would shorten everyone's: while the common bars are fewer
    than 60 and fewer than half of the window, the asset with the shortest history is left out and named.

    Parameters
    ----------
    symbols : tuple of str
    returns : ndarray of shape (n_observations, n_assets)
        Simple returns; NaN where missing.
    weights : Weights
    market : ndarray of shape (n_observations,)
    """
    window = returns[-PRO_FORMA_BARS:]
    market = market[-PRO_FORMA_BARS:]
    held = [i for i, s in enumerate(symbols) if weights.get(s, 0.0) != 0.0]
    left_out = []
    enough = min(60, len(window) // 2)
    known = np.isfinite(window)
    while held:
        complete = known[:, held].all(axis=1)
        if int(complete.sum()) >= max(enough, 1):
            break
        shortest = min(held, key=lambda i: int(known[:, i].sum()))
        held.remove(shortest)
        left_out.append(symbols[shortest])
    complete = known[:, held].all(axis=1) & np.isfinite(market) if held else np.isfinite(market)
    fractions = np.array([weights[symbols[i]] for i in held])
    assets = window[complete][:, held]
    warnings = [
        f"pro_forma_excludes: {symbol} has too little history to be part of the pro forma risk"
        for symbol in left_out
    ]
    if len(assets) < SHORT_HISTORY_BARS:
        warnings.append(
            f"short_history: risk figures rest on {len(assets)} bars, {SHORT_HISTORY_BARS} are wanted"
        )
    return ProForma(assets @ fractions, market[complete], assets, fractions, tuple(warnings))


@dataclass(frozen=True, eq=False)
class Measurement:
    """What the metrics of one bar are computed from, so that they are computed only when somebody reads them.

    Attributes
    ----------
    total_value : float
    weights : Weights
    symbols : tuple of str
    returns : ndarray of shape (n_observations, n_assets)
        The last bars, a copy; NaN where missing.
    market : ndarray of shape (n_observations,)
    correlation, covariance : ndarray of shape (n_assets, n_assets)
        Of one bar; NaN where an asset is still warming.
    regime : RegimeState
    periods_per_year : float
    """

    total_value: float
    weights: Weights
    symbols: tuple[str, ...]
    returns: Matrix
    market: Vector
    correlation: Matrix
    covariance: Matrix
    regime: RegimeState
    periods_per_year: float

    @cached_property
    def history(self) -> ProForma:
        """Today's weights over the last bars."""
        return pro_forma(self.symbols, self.returns, self.weights, self.market)

    @cached_property
    def metrics(self) -> EnhancedPortfolioMetrics:
        """The fourteen numbers."""
        history = self.history
        risky = np.array([self.weights.get(s, 0.0) for s in self.symbols])
        estimated = np.isfinite(np.diag(self.covariance)) & (risky != 0.0)
        value_at_risk, expected_shortfall = _tail(history)
        max_drawdown = risk.max_drawdown(history.returns) if len(history.returns) else math.nan
        concentration = risk.concentration_ratio(risky)
        enough = len(history.returns) >= 2
        return EnhancedPortfolioMetrics(
            total_value_usd=self.total_value,
            asset_count=int(np.count_nonzero(risky)),
            concentration_ratio=concentration,
            correlation_matrix=_nested(self.symbols, self.correlation),
            risk_score=risk.risk_score(
                cvar_95=expected_shortfall,
                concentration_ratio=concentration,
                average_correlation=_average_held_correlation(self.correlation, risky),
                max_drawdown=max_drawdown,
                exposure=self.weights.exposure,
                regime_probabilities={str(k): p for k, p in self.regime.probabilities.items()},
            ),
            cash_percentage=100.0 * self.weights.cash,
            sharpe_ratio=(
                performance.sharpe_ratio(history.returns, periods_per_year=self.periods_per_year)
                if enough
                else math.nan
            ),
            max_drawdown=max_drawdown,
            volatility=(
                performance.annualized_volatility(history.returns, periods_per_year=self.periods_per_year)
                if enough
                else math.nan
            ),
            beta_to_market=risk.beta(history.returns, history.market) if enough else math.nan,
            diversification_ratio=(
                risk.diversification_ratio(risky[estimated], self.covariance[np.ix_(estimated, estimated)])
                if estimated.sum() > 1
                else 1.0
            ),
            market_regime=self.regime.label,
            var_95=value_at_risk,
            cvar_95=expected_shortfall,
        )


def market_returns(returns: Matrix, caps: Vector | None) -> Vector:
    """Return the market's return per bar: cap-weighted where caps are known, else equal-weighted.

    Each bar uses the assets that have a return at it; NaN where none has.
    """
    known = np.isfinite(returns)
    weights = (
        np.ones(returns.shape[1]) if caps is None or not np.isfinite(caps).any() else np.nan_to_num(caps)
    )
    total = known @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0.0, np.where(known, returns, 0.0) @ weights / total, np.nan)


def aligned_tail(values: Vector, length: int) -> Vector:
    """Return the last `length` values, NaN before the first."""
    tail = np.full(length, math.nan)
    recent = values[-length:]
    if len(recent):
        tail[-len(recent) :] = recent
    return tail


def _tail(history: ProForma) -> tuple[float, float]:
    """Return VaR and CVaR at 95 %: filtered historical, plain historical while that is warming."""
    if not len(history.weights):
        return 0.0, 0.0
    if len(history.returns) < MIN_PRO_FORMA_BARS:
        return math.nan, math.nan
    tail = risk.filtered_value_at_risk(history.assets, history.weights, confidence_level=0.95)
    return tail.value_at_risk, tail.conditional_value_at_risk


def _average_held_correlation(correlation: Matrix, risky: Vector) -> float:
    held = np.flatnonzero(risky)
    if len(held) < 2:
        return math.nan
    pairs = correlation[np.ix_(held, held)][np.triu_indices(len(held), k=1)]
    pairs = pairs[np.isfinite(pairs)]
    return float(pairs.mean()) if len(pairs) else math.nan


def _nested(symbols: tuple[str, ...], matrix: Matrix) -> dict[str, dict[str, float]]:
    return {
        a: dict(zip(symbols, map(float, row), strict=True)) for a, row in zip(symbols, matrix, strict=True)
    }
