"""Which legs, and in which order: sales that reduce risk, other sales, then the purchases they pay for.

One greedy rule serves all: the next leg is the one that lowers a quadratic form most per dollar of cost, and
what the others are worth is worked out again after it, so legs that offset each other follow one another.
Ties go to the earlier asset. Names: `gap` the distance from target delta, `pull` half the gradient of the
form, Sigma delta.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poise.typing import Matrix, Vector

# Stands in for the cost of a free leg, so that free legs are still ranked by what they earn.
_FREE = 1e-12


def sequence_legs(
    changes: Vector,
    costs: Vector,
    *,
    weights: Vector,
    gap: Vector,
    covariance: Matrix,
) -> list[int]:
    """Return the assets to trade, in order: risk-reducing sales, other sales, purchases.

    Parameters
    ----------
    changes : ndarray of shape (n_assets,)
        Weight changes; 0 is no leg.
    costs : ndarray of shape (n_assets,)
        Dollars.
    weights : ndarray of shape (n_assets,)
        Held now; a sale reduces risk where the asset's marginal contribution to variance is positive.
    gap : ndarray of shape (n_assets,)
        Weights held less target weights.
    covariance : ndarray of shape (n_assets, n_assets)

    Returns
    -------
    list of int
    """
    reduces_risk = covariance @ weights > 0.0
    sale, purchase = changes < 0.0, changes > 0.0
    order: list[int] = []
    pull = covariance @ gap
    for legs in (sale & reduces_risk, sale & ~reduces_risk, purchase):
        kept = np.where(legs, changes, 0.0)
        order.extend(asset for asset, _ in _greedy(kept, costs, pull, covariance))
        pull = pull + covariance @ kept
    return order


def select_worthwhile(
    changes: Vector,
    costs: Vector,
    *,
    gap: Vector,
    covariance: Matrix,
    least: float,
    premium: Vector | None = None,
) -> list[int]:
    """Take legs, best first, while the next one still earns `least` per dollar.

    A leg earns what it takes off ``delta' Sigma delta``, and its expected return where there is one.

    Parameters
    ----------
    changes, costs, gap, covariance
        As for :func:`sequence_legs`.
    least : float
        Reduction of the quadratic form that a dollar of cost must buy.
    premium : ndarray of shape (n_assets,), optional
        What a unit of weight is expected to earn, in units of the quadratic form.

    Returns
    -------
    list of int
        The assets taken.
    """
    taken = []
    pull = covariance @ gap
    if premium is not None:
        # A change x earns x * premium: as much as moving the target by premium / 2 in the gradient.
        pull = pull - premium / 2.0
    for asset, earned in _greedy(changes, costs, pull, covariance):
        if not (earned > 0.0 and earned >= least * costs[asset]):
            break
        taken.append(asset)
    return taken


def select_risk_reducing(sales: Vector, *, weights: Vector, covariance: Matrix) -> list[int]:
    """Take the sales that lower the variance of the whole book, one after the other.

    Parameters
    ----------
    sales : ndarray of shape (n_assets,)
        Weight changes, none positive.
    weights, covariance
        As for :func:`sequence_legs`.

    Returns
    -------
    list of int
        The assets taken; a sale that would only take off a hedge is not among them.
    """
    taken = []
    for asset, earned in _greedy(sales, np.ones_like(sales), covariance @ weights, covariance):
        if not earned > 0.0:
            break
        taken.append(asset)
    return taken


def _greedy(changes: Vector, costs: Vector, pull: Vector, covariance: Matrix) -> Iterator[tuple[int, float]]:
    """Yield every leg, the best per cost first, with the reduction of the form it brings at its turn."""
    legs = np.flatnonzero(changes)
    change, cost = changes[legs], np.maximum(costs[legs], _FREE)
    own = change * covariance[legs, legs]
    waiting = np.ones(len(legs), dtype=bool)
    while waiting.any():
        earned = -change * (2.0 * pull[legs] + own)
        best = int(np.where(waiting, earned / cost, -np.inf).argmax())
        waiting[best] = False
        yield int(legs[best]), float(earned[best])
        pull = pull + change[best] * covariance[:, legs[best]]
