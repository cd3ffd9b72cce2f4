"""What trading costs, in the units of the weights and of the objective."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from poise.costs import CostModel
from poise.domain.labels import Labels
from poise.errors import ParameterError
from poise.optimization.constraints.draft import Draft, number
from poise.optimization.goals import Frictions
from poise.typing import ArrayLike, Vector


@dataclass(frozen=True, eq=False)
class TradingCosts:
    """The cost of getting from the current weights to new ones, spread over the time that they are held.

    An asset whose weight changes by ``x`` costs ``(fee + half_spread) * |x| + impact * |x| ** 1.5`` once, a
    fraction of the portfolio; a solver counts that divided by `holding_periods` against its objective, which
    is per period.

    Parameters
    ----------
    current_weights : mapping of asset to float, or array_like of shape (n_assets,)
        What is held; what a mapping leaves out is not.
    fee, half_spread : float, mapping or array_like of shape (n_assets,), default=0.0
        Fractions of what is traded: 0.001 is 10 basis points.
    impact : float, mapping or array_like of shape (n_assets,), default=0.0
        ``Y * sigma * sqrt(portfolio_value / ADV)``, sigma and ADV of one day: the square-root law in units of
        weights. :meth:`of` works it out.
    holding_periods : float, default=1.0
        Periods of the covariance and the expected returns that a trade is expected to serve. With daily
        moments and 20 the costs of a trade count at a twentieth each day. Costs of a single trade against
        moments of one day without this would forbid nearly all trading.

    Notes
    -----
    A proportional cost leaves a region around the best weights in which no trade pays; the answer then is the
    current weights bit for bit, and outside it trades stop at its edge.

    Examples
    --------
    >>> from poise.optimization import TradingCosts, solve_mean_variance
    >>> costs = TradingCosts([0.5, 0.5], fee=0.001, holding_periods=20)
    >>> solve_mean_variance([0.0, 0.0], [[4e-4, 0.0], [0.0, 4.1e-4]], risk_aversion=3.0, costs=costs).weights
    array([0.5, 0.5])
    """

    current_weights: ArrayLike
    fee: Any = 0.0
    half_spread: Any = 0.0
    impact: Any = 0.0
    holding_periods: float = 1.0

    @classmethod
    def of(
        cls,
        model: CostModel,
        current_weights: ArrayLike,
        *,
        portfolio_value: float,
        spread_bps: ArrayLike = math.nan,
        daily_volatility: ArrayLike = math.nan,
        dollar_volume: ArrayLike = math.nan,
        holding_periods: float = 1.0,
    ) -> Self:
        """Return the costs that the model charges a portfolio of this value.

        Parameters
        ----------
        model : CostModel
            The one that backtests, fills and attribution use.
        current_weights : mapping or array_like of shape (n_assets,)
        portfolio_value : float
            In dollars, positive.
        spread_bps, daily_volatility, dollar_volume : float or ndarray of shape (n_assets,), default=nan
            As in :meth:`CostModel.estimate`, in the order of the assets; NaN where unknown. No volume makes
            no trade possible, for which there is ParticipationLimit; here it is refused.
        holding_periods : float, default=1.0

        Raises
        ------
        ParameterError
            If the value is not positive, or a volume is 0.
        """
        value = number(portfolio_value, "portfolio_value")
        if not 0.0 < value < math.inf:
            raise ParameterError(f"portfolio_value is {value:g}, expected a positive amount")
        estimate = model.estimate(
            value, spread_bps=spread_bps, daily_volatility=daily_volatility, dollar_volume=dollar_volume
        )
        if np.isinf(estimate.impact).any():
            raise ParameterError("an asset has no volume; pass NaN for unknown, or a ParticipationLimit")
        # Of trading a whole portfolio's worth: the root makes the share of a weight its power 1.5.
        return cls(
            current_weights,
            fee=estimate.fee / value,
            half_spread=estimate.half_spread / value,
            impact=estimate.impact / value,
            holding_periods=holding_periods,
        )

    def frictions(self, labels: Labels, n_assets: int) -> Frictions:
        """Return the costs per period in numbers, in the order of the assets.

        Raises
        ------
        ParameterError
            If a cost is negative or `holding_periods` not positive.
        ShapeError, NonFiniteError, UnknownSymbolError
            If a vector has another length, holds NaN or names other assets.
        """
        draft = Draft(labels, np.zeros(n_assets), np.ones(n_assets))
        periods = number(self.holding_periods, "holding_periods")
        if not 0.0 < periods < math.inf:
            raise ParameterError(f"holding_periods is {periods:g}, expected a positive number of periods")
        fee, half_spread, impact = (
            _each(getattr(self, name), name, draft) for name in ("fee", "half_spread", "impact")
        )
        current = draft.book(self.current_weights, "current_weights")
        return Frictions(current, (fee + half_spread) / periods, impact / periods)


def _each(values: Any, name: str, draft: Draft) -> Vector:
    if np.ndim(values) == 0 and not isinstance(values, dict):
        vector = np.full(draft.n_assets, number(values, name))
    else:
        vector = draft.vector(values, name)
    if not (np.isfinite(vector) & (vector >= 0.0)).all():
        i = int(np.argmin(np.where(np.isfinite(vector), vector, -np.inf)))
        raise ParameterError(f"{name} of asset {draft.names[i]} is {vector[i]:g}, expected at least 0")
    return vector
