"""Textbook portfolios of the assets at hand: one by name, all side by side, and the frontier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise import optimization
from poise.decision.history import MAX_GAP_SECONDS
from poise.domain.prices import PricePanel
from poise.errors import NotEnoughDataError, ParameterError, PoiseError, did_you_mean
from poise.moments import constant_correlation_shrinkage, james_stein_means
from poise.optimization import (
    EfficientFrontier,
    OptimizationResult,
    efficient_frontier,
)
from poise.typing import Bounds, Matrix, Vector

WINDOW = 504
"""Daily returns looked at, at most: two years of an exchange's days."""

LEAST_ROWS = 60
"""Fewer returns that all assets share say nothing about fifty pairs."""

LEAST_KNOWN = 0.5
"""Part of the days on which an asset must have a close to take part."""

Builder = Callable[["SharedReturns", Bounds], Any]

STRATEGIES: dict[str, Builder] = {
    "equal_weight": lambda _, bounds: optimization.EqualWeight(bounds=bounds),
    "market_cap": lambda shared, bounds: optimization.CapWeight(
        market_caps=shared.known_caps(), bounds=bounds
    ),
    "inverse_volatility": lambda _, bounds: optimization.InverseVolatility(bounds=bounds),
    "risk_parity": lambda _, bounds: optimization.RiskParity(bounds=bounds),
    "hierarchical_risk_parity": lambda _, bounds: optimization.HierarchicalRiskParity(bounds=bounds),
    "minimum_variance": lambda _, bounds: optimization.MinimumVariance(bounds=bounds),
    "maximum_diversification": lambda _, bounds: optimization.MaximumDiversification(bounds=bounds),
    "mean_variance": lambda _, bounds: optimization.MeanVariance(bounds=bounds),
    "maximum_sharpe": lambda _, bounds: optimization.MaximumSharpe(bounds=bounds),
    "minimum_cvar": lambda _, bounds: optimization.MinimumCVaR(bounds=bounds),
    "minimum_cdar": lambda _, bounds: optimization.MinimumCDaR(bounds=bounds),
    "kelly": lambda _, bounds: optimization.Kelly(bounds=bounds),
    "momentum_tilt": lambda _, bounds: optimization.MomentumTilt(bounds=bounds),
    "mean_reversion": lambda _, bounds: optimization.MeanReversion(bounds=bounds),
}
"""By name, what builds the estimator; every one is fitted to the same returns under the same caps."""


@dataclass(frozen=True, eq=False)
class SharedReturns:
    """Daily returns without gaps of the assets that can be held.

    Attributes
    ----------
    symbols : tuple of str
    returns : ndarray of shape (n_observations, n_assets)
        Simple, of the days on which all of them have one.
    periods_per_year : float
        Such days in a year.
    market_caps : ndarray of shape (n_assets,)
        Dollars; NaN where nobody knows.
    left_out : tuple of str
        Assets alive whose history is too short or full of gaps.
    """

    symbols: tuple[str, ...]
    returns: Matrix
    periods_per_year: float
    market_caps: Vector
    left_out: tuple[str, ...]

    def known_caps(self) -> Vector:
        """Return the market caps.

        Raises
        ------
        ParameterError
            If one is unknown.
        """
        unknown = [s for s, cap in zip(self.symbols, self.market_caps, strict=True) if not cap > 0.0]
        if unknown:
            raise ParameterError(
                f"market_cap: nobody knows how large {', '.join(unknown[:5])} is; give bars with market_cap"
            )
        return self.market_caps


@dataclass(frozen=True, eq=False)
class NamedPortfolio:
    """What one strategy asks for.

    Attributes
    ----------
    name : str
    weights : dict of str to float
        Fractions; what they leave is cash.
    volatility, expected_return : float
        A year, by the same shrunk covariance and means for every strategy; a mean is barely known.
    result : OptimizationResult or None
        Status, certificate, bounds that bind; None where the strategy could not be asked.
    problem : str
        Why it could not, in words; empty otherwise.
    """

    name: str
    weights: dict[str, float]
    volatility: float
    expected_return: float
    result: OptimizationResult | None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values, for JSON."""
        told = {
            "weights": self.weights,
            "volatility": self.volatility,
            "expected_return": self.expected_return,
        }
        if self.result is None:
            return {**told, "status": "unavailable", "messages": [self.problem]}
        return {
            **told,
            "status": str(self.result.status),
            "certificate": self.result.certificate,
            "binding": [tuple(bound) for bound in self.result.binding],
            "messages": [*self.result.fallbacks, *self.result.messages],
            "seconds": self.result.seconds,
        }


def shared_returns(panel: PricePanel) -> SharedReturns:
    """Return the last two years of daily returns that the assets alive have in common.

    A return goes from one day on which all have a close to the next: what trades round the clock moves over a
    weekend as the exchange does. An asset with closes on fewer than half of the days is left out rather than
    let it shorten the history of all others.

    Parameters
    ----------
    panel : PricePanel
        Daily bars.

    Raises
    ------
    NotEnoughDataError
        If fewer than 60 returns are left.
    """
    alive = panel.alive()
    closes = panel.select(alive).closes[-WINDOW - 1 :]
    known = np.isfinite(closes)
    kept = np.flatnonzero(known.mean(axis=0) >= LEAST_KNOWN)
    symbols = tuple(alive[i] for i in kept)
    rows = np.flatnonzero(known[:, kept].all(axis=1)) if kept.size else np.zeros(0, dtype=np.intp)
    opened = panel.opened[-WINDOW - 1 :][rows]
    near = np.diff(opened) / np.timedelta64(1, "s") <= MAX_GAP_SECONDS
    if near.sum() < LEAST_ROWS:
        raise NotEnoughDataError(
            f"{int(near.sum())} returns that all of {len(symbols)} assets share are too few for a portfolio; "
            f"pass a history with at least {LEAST_ROWS}"
        )
    shared = closes[rows][:, kept]
    returns = (shared[1:] / shared[:-1] - 1.0)[near]
    return SharedReturns(
        symbols,
        np.ascontiguousarray(returns),
        panel.periods_per_year * len(returns) / (len(closes) - 1),
        np.array([_market_cap(panel, symbol) for symbol in symbols]),
        tuple(symbol for symbol in alive if symbol not in symbols),
    )


def _market_cap(panel: PricePanel, symbol: str) -> float:
    """Return the last known size in dollars, measured or declared; NaN without one."""
    if panel.market_caps is not None:
        measured = panel.market_caps[:, panel.column(symbol)]
        seen = np.flatnonzero(measured > 0.0)
        if seen.size:
            return float(measured[seen[-1]])
    return panel.assets.profile(symbol).market_cap_usd or math.nan


def named_portfolios(
    shared: SharedReturns, names: Sequence[str], *, max_weight: float = 1.0
) -> tuple[NamedPortfolio, ...]:
    """Return what each strategy asks for; ``all`` stands for every one.

    Parameters
    ----------
    shared : SharedReturns
    names : sequence of str
        Of `STRATEGIES`.
    max_weight : float, default=1
        Most of one asset.

    Raises
    ------
    ParameterError
        If a name is unknown.
    """
    wanted = list(STRATEGIES) if "all" in names else list(dict.fromkeys(names))
    for name in wanted:
        if name not in STRATEGIES:
            raise ParameterError(
                f"{name!r} is no strategy{did_you_mean(name, STRATEGIES)}; known are all, "
                f"{', '.join(STRATEGIES)}"
            )
    means, covariance = _yearly_moments(shared)
    return tuple(_asked(name, shared, means, covariance, max_weight) for name in wanted)


@dataclass(frozen=True, eq=False)
class PanelFrontier:
    """The efficient frontier of shared returns.

    Attributes
    ----------
    symbols : tuple of str
    expected_returns, volatilities : ndarray of shape (n_assets,)
        Of the assets alone, a year: means shrunk towards one another, shrunk covariance.
    frontier : EfficientFrontier
        A year.
    """

    symbols: tuple[str, ...]
    expected_returns: Vector
    volatilities: Vector
    frontier: EfficientFrontier

    def to_dict(self) -> dict[str, Any]:
        """Return corner portfolios and the best ratio, plain, for JSON."""

        def named(weights: Vector) -> dict[str, float]:
            return {s: float(w) for s, w in zip(self.symbols, weights, strict=True)}

        best = self.frontier.maximum_sharpe()
        return {
            "corners": [
                {
                    "expected_return": corner.expected_return,
                    "volatility": corner.volatility,
                    "risk_tolerance": corner.risk_tolerance,
                    "weights": named(corner.weights),
                }
                for corner in self.frontier.corners
            ],
            "maximum_sharpe": {"sharpe_ratio": best.objective, "weights": named(best.weights)},
            "minimum_variance": {"weights": named(self.frontier.minimum_variance().weights)},
        }


def panel_frontier(shared: SharedReturns, *, max_weight: float = 1.0) -> PanelFrontier:
    """Return the efficient frontier with at most `max_weight` of an asset."""
    means, covariance = _yearly_moments(shared)
    frontier = efficient_frontier(means, covariance, bounds=(0.0, max_weight))
    return PanelFrontier(shared.symbols, means, np.sqrt(np.diagonal(covariance)), frontier)


def _asked(
    name: str, shared: SharedReturns, means: Vector, covariance: Matrix, max_weight: float
) -> NamedPortfolio:
    try:
        estimator = STRATEGIES[name](shared, (0.0, max_weight))
        result = estimator.fit(shared.returns).result_
    except PoiseError as error:
        return NamedPortfolio(name, {}, math.nan, math.nan, None, str(error))
    weights = np.asarray(result.weights, dtype=np.float64)
    return NamedPortfolio(
        name,
        {s: float(w) for s, w in zip(shared.symbols, weights, strict=True)},
        math.sqrt(max(float(weights @ covariance @ weights), 0.0)),
        float(means @ weights),
        result,
    )


def _yearly_moments(shared: SharedReturns) -> tuple[Vector, Matrix]:
    covariance = np.asarray(constant_correlation_shrinkage(shared.returns).covariance)
    means = np.asarray(james_stein_means(shared.returns, covariance=covariance).expected_returns)
    return means * shared.periods_per_year, covariance * shared.periods_per_year
