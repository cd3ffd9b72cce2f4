"""The fourteen numbers in the time of a live bar.

What :class:`poise.decision.metrics.Measurement` reads from copies of whole windows is read here where it
stands, by kernels that go through it once. Where anything is missing there is no quick answer, and the
measurement is asked: both give the same numbers up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, cast

from poise import _native
from poise.decision.metrics import MIN_PRO_FORMA_BARS, nested
from poise.domain.metrics import EnhancedPortfolioMetrics, Nested, on_read
from poise.domain.regime import RegimeState
from poise.domain.weights import CASH_ROUNDING
from poise.performance.moments import ratio, within_floats
from poise.risk import risk_score
from poise.strategy import BookOutlook
from poise.typing import Matrix, Vector


class LiveBook(NamedTuple):
    """What is held after a bar, and what is known of it.

    Attributes
    ----------
    symbols : tuple of str
    total_value : float
    fractions : ndarray of shape (n_assets,)
        Held, one per symbol.
    tail : tuple of float
        Value at risk and conditional value at risk at 95 %, before `inflation`.
    inflation : float
    outlook : BookOutlook
    regime : RegimeState
    periods_per_year : float
    """

    symbols: tuple[str, ...]
    total_value: float
    fractions: Vector
    tail: tuple[float, float]
    inflation: float
    outlook: BookOutlook
    regime: RegimeState
    periods_per_year: float


def live_metrics(
    book: LiveBook, returns: Matrix, market: Vector, *, market_is_weights: bool
) -> EnhancedPortfolioMetrics | None:
    """Return the fourteen numbers, or None where a return of the window is missing.

    Parameters
    ----------
    book : LiveBook
    returns : ndarray of shape (n_observations, n_assets)
        The last bars.
    market : ndarray of shape (n_assets,) or (n_observations,)
        The market's weights, of any positive sum, or its returns.
    market_is_weights : bool
    """
    fractions = book.fractions
    if len(returns) < MIN_PRO_FORMA_BARS:
        return None
    told = _native.hindsight(returns, fractions, market, market_is_weights)
    if told is None:
        return None
    (mean, deviation, max_drawdown, beta), (invested, gross, n_held, concentration) = told
    cash = 1.0 - invested
    value_at_risk, shortfall = book.tail
    value_at_risk, shortfall = book.inflation * value_at_risk, book.inflation * shortfall
    annual = math.sqrt(book.periods_per_year)
    return EnhancedPortfolioMetrics(
        total_value_usd=book.total_value,
        asset_count=n_held,
        concentration_ratio=concentration,
        correlation_matrix=on_read(partial(_written, book.symbols, book.outlook.correlation)),
        risk_score=risk_score(
            cvar_95=shortfall,
            concentration_ratio=concentration,
            average_correlation=book.outlook.average_correlation,
            max_drawdown=max_drawdown,
            exposure=gross,
            regime_probabilities=cast("Mapping[str, float]", book.regime.probabilities),
        ),
        cash_percentage=0.0 if abs(cash) < CASH_ROUNDING else 100.0 * cash,
        sharpe_ratio=within_floats(annual * ratio(mean, deviation)),
        max_drawdown=max_drawdown,
        volatility=annual * deviation,
        beta_to_market=beta,
        diversification_ratio=book.outlook.diversification_ratio,
        market_regime=book.regime.label,
        var_95=value_at_risk,
        cvar_95=shortfall,
    )


def _written(symbols: tuple[str, ...], correlation: Callable[[], Matrix]) -> Nested:
    return nested(symbols, correlation())
