"""Base books: which solver writes the weights of a set of assets, and what stands in where it cannot.

The chain is declared once: the full method, then inverse volatility, then equal weights, then cash. Every
step down is recorded with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from poise.errors import PoiseError
from poise.optimization import solve_maximum_diversification, solve_minimum_variance, solve_risk_parity
from poise.strategy.limits import Limits
from poise.strategy.outlook import Outlook
from poise.typing import Vector

ENSEMBLE = (("risk_parity", 0.5), ("maximum_diversification", 0.25), ("minimum_variance", 0.25))
"""Averaging models reduces estimation risk (Tu and Zhou 2011)."""

CHAIN = ("inverse_volatility", "equal_weight", "cash")
"""What stands in for a method that cannot be used, in this order."""

ROOM = 1.5
"""Caps that add up to less than this leave a solver little to choose."""

GOOD_ENOUGH = 1e-6
"""The certificate a solver stopped by rounding must still reach."""

_SUM_SLACK = 1e-9
_SOLVERS: dict[str, Callable[..., Any]] = {
    "risk_parity": solve_risk_parity,
    "maximum_diversification": solve_maximum_diversification,
    "minimum_variance": solve_minimum_variance,
}


class BaseBooks:
    """The base books of one set of assets and one exposure; every solver runs at most once.

    A book is made fully invested and then scaled down. It keeps the caps of the final weights already
    before scaling, so that a low exposure does not concentrate it. That freedom is taken only where the
    caps, adding up to less than 1.5, would otherwise write the book alone, and never beyond the final caps.

    Parameters
    ----------
    outlook : Outlook
    limits : Limits
        Caps of final weights; 0 for what is not in the set.
    exposure : float
        Fraction to invest.

    Attributes
    ----------
    invested : float
        The exposure, or less where the caps allow no more.
    limits : Limits
        Caps of final weights.
    full : Limits
        Caps of the fully invested book; `invested` times any book under them keeps the final caps.
    fallbacks : list of str
        Steps of the chain that were taken, each with its reason.
    """

    def __init__(self, outlook: Outlook, limits: Limits, exposure: float) -> None:
        self.limits = limits
        capacity = limits.capacity
        self.invested = min(exposure, capacity)
        stretch = max(1.0, min(ROOM / capacity, 1.0 / self.invested)) if self.invested > 0.0 else 1.0
        self.full = limits.stretched(stretch)
        self.fallbacks: list[str] = []
        self._outlook = outlook
        self._written: dict[str, tuple[str, Vector]] = {}

    def write(self, method: str) -> tuple[str, Vector]:
        """Return the method that wrote the book and its weights, summing to 1 or to what the caps allow.

        `method` is a solver, one of the chain, or ``ensemble``, which averages three solvers.
        """
        if method not in self._written:
            self._written[method] = self._average() if method == "ensemble" else self._book(method)
        return self._written[method]

    def _average(self) -> tuple[str, Vector]:
        parts = [(share, *self.write(method)) for method, share in ENSEMBLE]
        weights = np.sum([share * weights for share, _, weights in parts], axis=0)
        used = sorted({name for _, name, _ in parts})
        return "ensemble" if used == sorted(
            m for m, _ in ENSEMBLE
        ) else f"ensemble of {', '.join(used)}", weights

    def _book(self, method: str) -> tuple[str, Vector]:
        if method in CHAIN:
            return self._simple(method)
        held = np.flatnonzero(self.full.caps > 0.0)
        if not held.size:
            return self._down(method, "no asset may be held", "cash")
        upper = self.full.caps[held]
        if math.fsum(upper) <= 1.0 + _SUM_SLACK:
            # The caps leave no choice: every asset is held at its own.
            return method, self.full.fill(self.full.caps, 1.0)
        covariance = np.ascontiguousarray(self._outlook.covariance[np.ix_(held, held)])
        try:
            result = _SOLVERS[method](covariance, bounds=(0.0, upper))
        except PoiseError as error:
            return self._down(method, str(error), "inverse_volatility")
        if result.status == "inaccurate" and not result.certificate <= GOOD_ENOUGH:
            return self._down(method, f"certificate only {result.certificate:.1e}", "inverse_volatility")
        self.fallbacks.extend(result.fallbacks)
        shape = np.zeros(len(self.full.caps))
        shape[held] = np.maximum(result.weights, 0.0)
        # Only risk parity can be relaxed, and then minimum variance answered.
        return "minimum_variance" if result.status == "relaxed" else method, self.full.fill(shape, 1.0)

    def _simple(self, method: str) -> tuple[str, Vector]:
        held = self.full.caps > 0.0
        if not held.any():
            if method != "cash":
                return self._down(method, "no asset may be held", "cash")
            return method, np.zeros(len(held))
        volatility = np.nan_to_num(self._outlook.volatility)
        unknown = int((held & ~(volatility > 0.0)).sum())
        if method == "equal_weight":
            return method, self.full.fill(held.astype(np.float64), 1.0)
        if unknown:
            return self._down(method, f"{unknown} assets without a volatility", "equal_weight")
        return method, self.full.fill(np.where(held, 1.0 / np.where(held, volatility, 1.0), 0.0), 1.0)

    def _down(self, method: str, reason: str, instead: str) -> tuple[str, Vector]:
        self.fallbacks.append(f"{method}: {reason}; {instead.replace('_', ' ')} instead")
        return self.write(instead)
