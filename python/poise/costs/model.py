"""The cost of a trade: fee, half spread and the square-root law of market impact.

Boyd et al. (2017), "Multi-Period Trading via Convex Optimization", section 2.3; the square-root law on
Bitcoin over four decades of size: Donier and Bonart (2015), "A Million Metaorder Analysis of Market Impact
on the Bitcoin". Names: `x` signed dollars, `Y` the impact coefficient, `ADV` a day's dollar volume.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.typing import ArrayLike, Vector

BASIS_POINT = 1e-4

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CostEstimate:
    """What trades would cost, in dollars per asset; nothing here is negative.

    Attributes
    ----------
    fee, half_spread, impact, total : ndarray of shape (n_assets,)
        Dollars; ``total`` is the sum of the three. Impact is infinite where something is to be traded
        on a day without volume. Zero-dimensional when every input was a scalar.
    spread_assumed : ndarray of bool
        Where the default spread stood in for an unknown one.
    liquidity_unknown : ndarray of bool
        Where the dollar volume is unknown: impact is taken as 0 and participation is unchecked.
    volatility_unknown : ndarray of bool
        Where the volatility is unknown: impact is taken as 0.
    """

    fee: Vector
    half_spread: Vector
    impact: Vector
    total: Vector
    spread_assumed: Mask
    liquidity_unknown: Mask
    volatility_unknown: Mask


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Proportional fee, half the spread, and impact growing with the root of participation.

    ``cost(x) = fee |x| + spread/2 |x| + Y sigma |x| sqrt(|x| / ADV)``

    Parameters
    ----------
    fee_bps : float, default=10.0
        Taker fee, basis points of the traded notional, in [0, 10000).
    default_spread_bps : float, default=10.0
        Full bid-ask spread where none is known.
    impact_coefficient : float, default=1.0
        ``Y`` of the square-root law; 0 switches impact off.
    participation_cap : float, default=0.10
        Most of a day's dollar volume that may be traded, in (0, 1].

    Raises
    ------
    ParameterError
        If a parameter is not finite or lies outside its range.

    References
    ----------
    .. [1] Boyd et al. (2017). Multi-Period Trading via Convex Optimization, section 2.3.
    .. [2] Donier and Bonart (2015). A Million Metaorder Analysis of Market Impact on the Bitcoin.

    Examples
    --------
    >>> cost = CostModel().estimate(10_000.0, spread_bps=4.0, daily_volatility=0.03, dollar_volume=1e8)
    >>> round(float(cost.fee), 2), round(float(cost.half_spread), 2), round(float(cost.impact), 2)
    (10.0, 2.0, 3.0)
    """

    fee_bps: float = 10.0
    default_spread_bps: float = 10.0
    impact_coefficient: float = 1.0
    participation_cap: float = 0.10

    @classmethod
    def of(cls, settings: Any) -> CostModel:
        """Take the values from settings that carry them as attributes (``PortfolioSettings`` does)."""
        return cls(
            fee_bps=settings.fee_bps,
            default_spread_bps=settings.default_spread_bps,
            impact_coefficient=settings.impact_coefficient,
            participation_cap=settings.participation_cap,
        )

    def __post_init__(self) -> None:
        for name in ("fee_bps", "default_spread_bps", "impact_coefficient"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ParameterError(f"{name} is {value}, expected a finite number of at least 0")
        if self.fee_bps >= 10_000.0:
            raise ParameterError(f"fee_bps is {self.fee_bps}, expected less than 10000: the whole notional")
        if not 0.0 < self.participation_cap <= 1.0:
            raise ParameterError(f"participation_cap is {self.participation_cap}, expected 0 < cap <= 1")

    def estimate(
        self,
        notional: ArrayLike,
        *,
        spread_bps: ArrayLike,
        daily_volatility: ArrayLike,
        dollar_volume: ArrayLike,
    ) -> CostEstimate:
        """Estimate what trading `notional` costs.

        Parameters
        ----------
        notional : float or ndarray of shape (n_assets,)
            Signed dollars: positive buys, negative sells. Finite.
        spread_bps : float or ndarray of shape (n_assets,)
            Full spread in basis points; NaN where unknown.
        daily_volatility : float or ndarray of shape (n_assets,)
            Standard deviation of a day's return, a fraction; NaN where unknown.
        dollar_volume : float or ndarray of shape (n_assets,)
            A day's dollars; NaN where unknown.

        Returns
        -------
        CostEstimate
            Dollars, never negative, in the broadcast shape of the inputs.

        Raises
        ------
        NonFiniteError
            If a notional is NaN or an input infinite; the message names the first index.
        ParameterError
            If a spread, volatility or volume is negative.
        ShapeError
            If the shapes do not broadcast.
        """
        x, spread, volatility, volume = conditions(notional, spread_bps, daily_volatility, dollar_volume)
        size = np.abs(x)
        fee = np.asarray(size * (self.fee_bps * BASIS_POINT))
        half_spread = np.asarray(size * self.half_spread_fraction(spread))
        impact = np.asarray(size * self.impact_fraction(size, volatility, volume))
        return CostEstimate(
            fee=fee,
            half_spread=half_spread,
            impact=impact,
            total=np.asarray(fee + half_spread + impact),
            spread_assumed=np.asarray(np.isnan(spread)),
            liquidity_unknown=np.asarray(np.isnan(volume)),
            volatility_unknown=np.asarray(np.isnan(volatility)),
        )

    def rate(self, spread_bps: ArrayLike = math.nan) -> Vector:
        """Return the marginal one-way cost of a small trade, a fraction: fee plus half the spread.

        This is the proportional cost that no-trade bands widen with; impact vanishes for small trades.

        Parameters
        ----------
        spread_bps : float or ndarray of shape (n_assets,), default=nan
            Full spread; the default spread where NaN.
        """
        _, spread, _, _ = conditions(0.0, spread_bps, math.nan, math.nan)
        return np.asarray(self.fee_bps * BASIS_POINT + self.half_spread_fraction(spread))

    def half_spread_fraction(self, spread_bps: Vector) -> Vector:
        """Return half of the full spread as a fraction, the default where it is NaN."""
        known = np.where(np.isnan(spread_bps), self.default_spread_bps, spread_bps)
        return np.asarray(known * (0.5 * BASIS_POINT))

    def impact_fraction(self, size: Vector, daily_volatility: Vector, dollar_volume: Vector) -> Vector:
        """Return ``Y sigma sqrt(size / ADV)``; 0 where volatility or volume is unknown or `size` is 0."""
        counted = ~np.isnan(daily_volatility) & ~np.isnan(dollar_volume) & (size > 0.0)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            participation = np.where(counted, size / dollar_volume, 0.0)
            fraction = self.impact_coefficient * daily_volatility * np.sqrt(participation)
        if self.impact_coefficient > 0.0:
            # A flat asset on a day without volume would be 0 * inf: nothing trades, so it costs everything.
            fraction = np.where(np.isinf(participation), math.inf, fraction)
        return np.where(counted & (self.impact_coefficient > 0.0), fraction, 0.0)


def conditions(
    notional: Any, spread_bps: Any, daily_volatility: Any, dollar_volume: Any
) -> tuple[Vector, Vector, Vector, Vector]:
    """Broadcast and check the inputs of an estimate; NaN is allowed in all but the notional."""
    named = {
        "notional": np.asarray(notional, dtype=np.float64),
        "spread_bps": np.asarray(spread_bps, dtype=np.float64),
        "daily_volatility": np.asarray(daily_volatility, dtype=np.float64),
        "dollar_volume": np.asarray(dollar_volume, dtype=np.float64),
    }
    _refuse(np.isnan(named["notional"]), named["notional"], "notional", "a finite number")
    for name, values in named.items():
        # Most calls end here; these two pass over NaN.
        least, most = (
            np.fmin.reduce(values, axis=None, initial=0.0),
            np.fmax.reduce(values, axis=None, initial=0.0),
        )
        if most < math.inf and (least == 0.0 or (name == "notional" and least > -math.inf)):
            continue
        _refuse(np.isinf(values), values, name, "a finite number")
        if name != "notional":
            negative = values < 0.0
            if negative.any():
                where = _first(negative)
                raise ParameterError(f"{name}{where} is {values[negative].flat[0]}, expected at least 0")
    try:
        x, spread, volatility, volume = np.broadcast_arrays(*named.values())
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in named.items())
        raise ShapeError(f"shapes do not fit: {shapes}; pass scalars or one value per asset") from None
    return x, spread, volatility, volume


def _refuse(bad: Mask, values: Vector, name: str, wanted: str) -> None:
    if bad.any():
        raise NonFiniteError(f"{name}{_first(bad)} is {values[bad].flat[0]}, expected {wanted}")


def _first(mask: Mask) -> str:
    """Return ``[3]`` for the first true entry of a vector, nothing for a scalar."""
    return "" if mask.ndim == 0 else str([int(i) for i in np.argwhere(mask)[0]])
