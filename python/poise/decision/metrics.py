"""The fourteen numbers, each from the room that owns its formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from poise import performance, risk
from poise.decision.pro_forma import ProForma, pro_forma
from poise.domain.metrics import EnhancedPortfolioMetrics, on_read
from poise.domain.regime import RegimeState
from poise.domain.risk import RiskAssessment, VarBacktestReport
from poise.domain.weights import Weights
from poise.typing import Matrix, Vector

MIN_PRO_FORMA_BARS = 20
"""Scenarios, or bars, before a tail is told."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What metrics and risk assessment of one bar are computed from, when somebody reads them.

    Attributes
    ----------
    total_value : float
    weights : Weights
    symbols : tuple of str
    returns : ndarray of shape (n_observations, n_assets)
        The last bars, a copy; NaN where missing.
    market : ndarray of shape (n_observations,)
    scenarios : ndarray of shape (n_scenarios, n_assets)
        Of the next bar, by filtered historical simulation; NaN where an asset has none.
    backtest : VarBacktest
        How such forecasts stood up so far, a copy.
    correlation, covariance : ndarray of shape (n_assets, n_assets)
        Of one bar; NaN where an asset is still warming.
    regime : RegimeState
    periods_per_year : float
    account_drawdown, account_max_drawdown : float
        Of the book as it was followed, positive fractions.
    """

    total_value: float
    weights: Weights
    symbols: tuple[str, ...]
    returns: Matrix
    market: Vector
    scenarios: Matrix
    backtest: risk.VarBacktest
    correlation: Matrix
    covariance: Matrix
    regime: RegimeState
    periods_per_year: float
    account_drawdown: float = 0.0
    account_max_drawdown: float = 0.0

    @cached_property
    def history(self) -> ProForma:
        """Today's weights over the last bars."""
        return pro_forma(self.symbols, self.returns, self.risky, self.market)

    @cached_property
    def risky(self) -> Vector:
        """The fractions held, one per symbol."""
        fractions = self.weights.risky
        return np.array([fractions.get(s, 0.0) for s in self.symbols])

    @cached_property
    def outcomes(self) -> tuple[str, Matrix]:
        """How the next bar could turn out: the method, and the returns of what is held, one row a scenario.

        Plain history while filtered scenarios are few; no row at all while that is short, too.
        """
        filtered = self.scenarios
        if len(self.history.columns) < len(self.symbols):
            filtered = filtered[:, list(self.history.columns)]
        known = np.isfinite(filtered)
        if not known.all():
            filtered = filtered[known.all(axis=1)]
        if len(filtered) >= MIN_PRO_FORMA_BARS:
            return "filtered_historical", filtered
        enough = len(self.history.returns) >= MIN_PRO_FORMA_BARS
        return "historical", self.history.assets if enough else self.history.assets[:0]

    def tail(self, confidence_level: float) -> tuple[float, float]:
        """Return value at risk and conditional value at risk on :attr:`outcomes`, by the model alone."""
        if not self.history.columns:
            return 0.0, 0.0
        _, outcomes = self.outcomes
        if not len(outcomes):
            return math.nan, math.nan
        tail = risk.tail_risk(outcomes @ self.history.weights, confidence_level=confidence_level)
        return tail.value_at_risk, tail.conditional_value_at_risk

    @cached_property
    def trial(self) -> VarBacktestReport | None:
        """How earlier forecasts stood up; None while there are fewer than 250."""
        return self.backtest.report()

    @property
    def inflation(self) -> float:
        """What the model's losses are multiplied by: more than 1 while the backtest rejects it."""
        return 1.0 if self.trial is None else self.trial.inflation

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind about the figures, each beginning with a stable word and a colon."""
        if self.trial is None or not self.trial.rejected:
            return self.history.warnings
        found = self.trial
        health = (
            f"risk_model: rejected over {found.n_observations} bars by {' and '.join(found.rejected)}; "
            f"value at risk and shortfall are multiplied by {found.inflation:.2f}; "
            "leave room under the limits while it lasts"
        )
        return (*self.history.warnings, health)

    @cached_property
    def metrics(self) -> EnhancedPortfolioMetrics:
        """The fourteen numbers."""
        history, risky = self.history, self.risky
        value_at_risk, expected_shortfall = (self.inflation * loss for loss in self.tail(0.95))
        per_year = self.periods_per_year
        enough = len(history.returns) >= 2
        return EnhancedPortfolioMetrics(
            total_value_usd=self.total_value,
            asset_count=int(np.count_nonzero(risky)),
            concentration_ratio=risk.concentration_ratio(risky),
            correlation_matrix=on_read(partial(nested, self.symbols, self.correlation)),
            risk_score=risk.risk_score(**self.score_arguments(expected_shortfall)),
            cash_percentage=100.0 * self.weights.cash,
            sharpe_ratio=(
                performance.sharpe_ratio(history.returns, periods_per_year=per_year) if enough else math.nan
            ),
            max_drawdown=self.max_drawdown,
            volatility=(
                performance.annualized_volatility(history.returns, periods_per_year=per_year)
                if enough
                else math.nan
            ),
            beta_to_market=self.beta,
            diversification_ratio=self.diversification_ratio,
            market_regime=self.regime.label,
            var_95=value_at_risk,
            cvar_95=expected_shortfall,
        )

    @cached_property
    def assessment(self) -> RiskAssessment:
        """The risk in full."""
        from poise.decision.assessment import assess

        return assess(self)

    def score_arguments(self, cvar_95: float) -> dict[str, Any]:
        """Return the arguments of :func:`poise.risk.risk_score`."""
        return {
            "cvar_95": cvar_95,
            "concentration_ratio": risk.concentration_ratio(self.risky),
            "average_correlation": self.average_correlation,
            "max_drawdown": self.max_drawdown,
            "exposure": self.weights.exposure,
            "regime_probabilities": {str(k): p for k, p in self.regime.probabilities.items()},
        }

    @cached_property
    def max_drawdown(self) -> float:
        """Pro forma, a positive fraction; NaN without a bar."""
        returns = self.history.returns
        return risk.max_drawdown(returns) if len(returns) else math.nan

    @cached_property
    def beta(self) -> float:
        """Pro forma, to the market; NaN with fewer than two bars."""
        history = self.history
        return risk.beta(history.returns, history.market) if len(history.returns) >= 2 else math.nan

    @cached_property
    def estimated(self) -> npt.NDArray[np.intp]:
        """The places of the assets held that have a covariance."""
        return np.flatnonzero(np.isfinite(np.diag(self.covariance)) & (self.risky != 0.0))

    @cached_property
    def diversification_ratio(self) -> float:
        """Of the assets held that have a covariance."""
        held = self.estimated
        if len(held) < 2:
            return 1.0
        covariance = (
            self.covariance if len(held) == len(self.symbols) else self.covariance[np.ix_(held, held)]
        )
        return risk.diversification_ratio(self.risky[held], covariance)

    @cached_property
    def average_correlation(self) -> float:
        """Of the assets held; NaN for fewer than two."""
        held = np.flatnonzero(self.risky)
        if len(held) < 2:
            return math.nan
        block = self.correlation if len(held) == len(self.symbols) else self.correlation[np.ix_(held, held)]
        known = np.isfinite(block)
        # Symmetric: every pair counts twice, and the diagonal of what is known is one.
        itself = int(np.count_nonzero(np.diagonal(known)))
        n_pairs = int(np.count_nonzero(known)) - itself
        total = float(np.sum(block) if n_pairs + itself == block.size else np.sum(block[known]))
        return (total - itself) / n_pairs if n_pairs else math.nan


def nested(symbols: tuple[str, ...], matrix: Matrix) -> dict[str, dict[str, float]]:
    """Return a matrix as the table that the fourteen numbers show."""
    # tolist makes floats of a whole row at once.
    return {a: dict(zip(symbols, row, strict=True)) for a, row in zip(symbols, matrix.tolist(), strict=True)}
