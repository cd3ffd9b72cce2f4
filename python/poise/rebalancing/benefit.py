"""What it is worth to be at the target, in dollars.

The tracking form of single-period optimization (Boyd et al., 2017, section 4): holding `delta = w - w*`
instead of the target costs ``(gamma/2) delta' Sigma delta`` of return a day, so `V` dollars gain in `H` days

    benefit = V H (gamma/2) [delta' Sigma delta before - delta' Sigma delta after]

No expected return is needed. Where one is believed (``use_alpha``), the trade `dw` earns ``V h alpha' dw``
besides, with the `alpha` of a day that the kept signals tell and `h` the holding period of the rules, over
which their skill was measured.

Two numbers make the form mean the same for a bond book and a crypto book (docs/decisions/0003):

* `gamma` is at least the risk aversion under which the target itself would be chosen, ``S / sigma*`` for a
  book of annual volatility `sigma*` and a Sharpe ratio `S` of one half. A fixed gamma would say that a calm
  book is worth nothing, and it would stay in cash for ever.
* `H` is how long the trade is expected to last: the regime's expected remaining duration, between the
  holding period of the rules and 60 days, or as long as the book has gone without a rebalance if that is
  longer. A gap that has cost something for so long is expected to go on; waiting until it has cost as much
  as the trade never pays more than twice what hindsight would have (the rent-or-buy rule).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poise.domain.conditions import MarketConditions
from poise.errors import NotEnoughDataError
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.rules import RebalanceRules
from poise.typing import Matrix, Vector

EXPECTED_SHARPE_RATIO = 0.5
"""Annual, of a diversified book before costs: the low end of what long histories of balanced books show."""

LONGEST_REGIME_DAYS = 60.0
DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, eq=False)
class DailyRisk:
    """Volatilities and covariance of one day, complete.

    Attributes
    ----------
    volatility : ndarray of shape (n_assets,)
    covariance : ndarray of shape (n_assets, n_assets)
    substituted : tuple of str
        Symbols whose covariance was not known; see :func:`daily_risk`.
    """

    volatility: Vector
    covariance: Matrix
    substituted: tuple[str, ...]


def daily_risk(conditions: MarketConditions) -> DailyRisk:
    """Scale the moments of one bar to a day and complete those of warming assets.

    An asset whose covariance is not known gets its own volatility, or the median volatility of the others,
    and no correlation with anything. For a book that moves toward its target in one direction this
    understates the benefit (the diversifying or reinforcing part is not counted), so a trade is refused
    sooner rather than made on a guess.

    Raises
    ------
    NotEnoughDataError
        If no asset has a volatility yet.
    """
    covariance = conditions.covariance * conditions.bars_per_day
    own = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    volatility = np.where(np.isfinite(own), own, conditions.volatility * np.sqrt(conditions.bars_per_day))
    known = np.isfinite(volatility)
    if not known.any():
        raise NotEnoughDataError("no asset has a volatility yet; wait for the estimates to warm up")
    volatility = np.where(known, volatility, np.median(volatility[known]))
    warming = _warming(covariance)
    if warming.any():
        covariance[warming, :] = 0.0
        covariance[:, warming] = 0.0
        covariance[warming, warming] = volatility[warming] ** 2
    substituted = tuple(s for s, w in zip(conditions.symbols, warming, strict=True) if w)
    return DailyRisk(volatility=volatility, covariance=covariance, substituted=substituted)


def _warming(covariance: Matrix) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the fewest rows that must go, most gaps first, until no NaN is left."""
    missing = ~np.isfinite(covariance)
    warming = missing.diagonal().copy()
    missing[warming, :] = False
    missing[:, warming] = False
    while missing.any():
        worst = int(missing.sum(axis=1).argmax())
        warming[worst] = True
        missing[worst, :] = False
        missing[:, worst] = False
    return warming


def implied_risk_aversion(daily_variance: float, rules: RebalanceRules) -> float:
    """Return the rules' risk aversion, or that under which a book of this variance is chosen, if higher."""
    annual_volatility = math.sqrt(max(daily_variance, 0.0) * DAYS_PER_YEAR)
    if annual_volatility == 0.0:
        return rules.risk_aversion
    return max(rules.risk_aversion, EXPECTED_SHARPE_RATIO / annual_volatility)


def horizon_days(snapshot: BookSnapshot, rules: RebalanceRules, *, idle_days: float = 0.0) -> float:
    """Return how many days a trade of now is expected to last."""
    shortest = max(rules.holding_period_days, idle_days)
    if snapshot.regime is None or not math.isfinite(snapshot.regime.expected_remaining):
        return shortest
    remaining = snapshot.regime.expected_remaining / snapshot.conditions.bars_per_day
    return max(shortest, min(remaining, LONGEST_REGIME_DAYS))


@dataclass(frozen=True, eq=False)
class TrackingUtility:
    """The dollar value of changing weights, for a book whose distance from target is `gap`.

    Attributes
    ----------
    covariance : ndarray of shape (n_assets, n_assets)
        Of one day.
    gap : ndarray of shape (n_assets,)
        Weights held less target weights.
    dollars : float
        ``V H gamma / 2``.
    horizon_days : float
        ``H``.
    alpha_dollars : ndarray of shape (n_assets,) or None
        Dollars that the whole book in one asset is expected to earn beyond the market over the holding
        period; None without expected returns.
    """

    covariance: Matrix
    gap: Vector
    dollars: float
    horizon_days: float
    alpha_dollars: Vector | None = None

    @classmethod
    def of(
        cls, snapshot: BookSnapshot, covariance: Matrix, rules: RebalanceRules, *, idle_days: float = 0.0
    ) -> TrackingUtility:
        """Take value, horizon and risk aversion from the book, its rules and the days it has been idle."""
        target = snapshot.target_weights
        days = horizon_days(snapshot, rules, idle_days=idle_days)
        gamma = implied_risk_aversion(float(target @ covariance @ target), rules)
        value = snapshot.total_value
        # Not over H: how long a gap stays says nothing about how long a signal is right.
        alpha = None if snapshot.alpha is None else value * rules.holding_period_days * snapshot.alpha
        return cls(covariance, snapshot.weights - target, value * days * gamma / 2.0, days, alpha)

    def benefit(self, changes: Vector) -> float:
        """Return the dollars gained by adding `changes` to the weights; negative when it leads away."""
        return float(self.shares(changes).sum())

    def shares(self, changes: Vector) -> Vector:
        """Return each asset's share of the benefit; the shares sum to the whole.

        The quadratic form telescopes exactly into ``-x_i [Sigma (delta before + delta after)]_i``: what leg
        `i` earns at the midpoint of the trade, whatever the order of the legs.
        """
        midpoint: Vector = self.covariance @ (2.0 * self.gap + changes)
        shares: Vector = -self.dollars * changes * midpoint
        return shares if self.alpha_dollars is None else shares + self.alpha_dollars * changes

    def expected_gain(self, changes: Vector) -> float:
        """Return the part of the benefit that expected returns make up, dollars; 0 without them."""
        return 0.0 if self.alpha_dollars is None else float(self.alpha_dollars @ changes)

    @property
    def premium(self) -> Vector | None:
        """Expected dollars in units of the quadratic form, per unit of weight; None without any."""
        return None if self.alpha_dollars is None else self.alpha_dollars / self.dollars
