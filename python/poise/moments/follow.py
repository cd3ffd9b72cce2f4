"""One bar for an outlook on a market where nobody is missing: both estimates and two returns in one call."""

from __future__ import annotations

from typing import NamedTuple

from poise import _native
from poise.moments.iterated import IteratedEwmaCovariance
from poise.moments.shrunk import ShrunkEwmaCovariance
from poise.typing import Vector


class Followed(NamedTuple):
    """What one bar left behind.

    Attributes
    ----------
    volatility : ndarray of shape (n_assets,)
        Expected for the next bar.
    least_volatility : float
    market_return : float
        The mean return of the bar.
    base_return : float
        The mean weighted by one over the volatility before the bar.
    """

    volatility: Vector
    least_volatility: float
    market_return: float
    base_return: float


def follow_whole_row(
    iterated: IteratedEwmaCovariance,
    noise: ShrunkEwmaCovariance,
    row: Vector,
    volatility: Vector,
    *,
    winsor: float,
) -> Followed | None:
    """Take a row into both estimators, the second in units of the volatility before it.

    Parameters
    ----------
    iterated, noise : estimators
        That have seen rows of as many assets.
    row, volatility : ndarray of shape (n_assets,)
    winsor : float
        Volatilities that a return counts at most.

    Returns
    -------
    Followed or None
        None, and nothing changed, where a return is missing.

    Raises
    ------
    ParameterError
        If a return is so large (1e154) that its square is infinite; nothing is changed then.
    """
    found = _native.follow(iterated.kernel, noise.kernel, row, volatility, winsor)
    return None if found is None else Followed(*found)


def row_mean(row: Vector) -> float:
    """Return the mean of a row, to the bits that :func:`follow_whole_row` tells."""
    return _native.row_mean(row)


def inverse_volatility_mean(row: Vector, volatility: Vector) -> float:
    """Return the mean weighted by one over the volatility, to the same bits."""
    return _native.inverse_volatility_mean(row, volatility)
