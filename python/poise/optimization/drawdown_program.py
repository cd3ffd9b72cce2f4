"""The linear program of conditional drawdown at risk, for HiGHS.

With ``u`` the drawdowns and ``z`` their excesses over a quantile ``t``: minimise ``t + sum(z) / ((1 - a) T)``
under ``u[s] >= u[s - 1] - r[s]'w``, ``z >= u - t`` and ``u, z, t >= 0``, where ``u`` starts at 0. Any prices
``0 <= lam <= 1 / ((1 - a) T)`` of sum 1 and ``0 <= beta[s] <= beta[s + 1] + lam[s]`` bound every CDaR from
below by the least of ``-beta'Rw``, a greedy choice: that is the certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NotConvergedError
from poise.optimization.answer import binding_bounds
from poise.optimization.box import BoundPair, bound_prices, closed, greedy, sides_of
from poise.optimization.guarantees import settled
from poise.optimization.limits import SUM_TOLERANCE, asset_name
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.scenario_goals import falls, tail_mean
from poise.typing import Matrix, Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROVEN = 1e-8
"""Relative gap up to which an answer counts as optimal."""

LEAST_SIZE = 1e-6
"""Weights that make nothing of the returns, as a perfect hedge does, are judged by this part of them."""

AT_BOUND = 1e-11
"""A weight this near to its bound stands there: the simplex means it."""

Floor = tuple[Vector, float]


def minimum_cdar(
    returns: Matrix, level: float, bounds: BoundPair, floor: Floor | None, labels: Labels
) -> tuple[OptimizationResult, float]:
    """Return the weights of least CDaR and the floor's price; some within the bounds earn the floor."""
    riskless = np.flatnonzero((returns == returns[0]).all(axis=0)) if len(returns) > 1 else np.zeros(0, int)
    lower, upper = _without(riskless, closed(bounds, labels), floor)
    scale = float(np.abs(returns).max()) or 1.0
    scaled = returns / scale
    weights, lam, beta, price, steps = _solved(scaled, level, (lower, upper), floor)
    weights = _snapped(_shared_by_twins(returns, weights, lower, upper), lower, upper)
    weights = settled(weights, lower, upper, (1.0, 1.0))
    path = scaled @ weights
    risk = tail_mean(falls(path), np.full(len(path), 1.0 / len(path)), level)
    gain, earned = _gain(scaled, level, floor, (lam, beta, price))
    gap = max(risk - (earned - float(gain @ greedy(gain, lower, upper))), 0.0)
    size = max(
        risk, float((np.abs(scaled) @ np.abs(weights)).mean()), LEAST_SIZE * float(np.abs(scaled).mean())
    )
    certificate = gap / size if gap > 0.0 else 0.0
    status = OptimizationStatus.DEGENERATE if riskless.size else OptimizationStatus.OPTIMAL
    prices = scale * bound_prices(-gain, weights, *closed(bounds, labels))
    # Left out by convention, not by a bound.
    prices[riskless[(lower[riskless] == 0.0) & (upper[riskless] == 0.0)]] = 0.0
    names = ", ".join(str(asset_name(labels, int(i))) for i in riskless)
    result = OptimizationResult(
        weights=labels.vector(weights),
        status=status if certificate <= PROVEN else OptimizationStatus.INACCURATE,
        certificate=certificate,
        iterations=steps,
        binding=binding_bounds(sides_of(weights, *bounds), labels, prices),
        messages=(f"without variance: {names}",) if names else (),
        objective=risk * scale,
        duality_gap=gap * scale,
    )
    return result, max(price, 0.0) * scale


def _without(riskless: NDArray[np.intp], bounds: BoundPair, floor: Floor | None) -> BoundPair:
    """Hold assets that never vary nearest to 0, where the others can then still do what is asked."""
    lower, upper = bounds[0].copy(), bounds[1].copy()
    lower[riskless] = upper[riskless] = np.clip(0.0, lower[riskless], upper[riskless])
    room = lower.sum() <= 1.0 + SUM_TOLERANCE and upper.sum() >= 1.0 - SUM_TOLERANCE
    earns = room and (floor is None or float(floor[0] @ greedy(floor[0], lower, upper)) >= floor[1])
    return (lower, upper) if earns else bounds


def _solved(
    returns: Matrix, level: float, bounds: BoundPair, floor: Floor | None
) -> tuple[Vector, Vector, Vector, float, int]:
    """Return weights, prices of the quantile, of the path and of the floor, and HiGHS's iterations."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, diags_array, eye_array, hstack, vstack

    n_rows, n_assets = returns.shape
    fall = eye_array(n_rows) - diags_array(np.ones(n_rows - 1), offsets=-1, shape=(n_rows, n_rows))
    one, none = csr_array(np.ones((n_rows, 1))), csr_array((n_rows, 1))
    path = hstack([csr_array(-returns), none, -fall, csr_array((n_rows, n_rows))])
    tail = hstack([csr_array((n_rows, n_assets)), -one, eye_array(n_rows), -eye_array(n_rows)])
    rows, right = [path, tail], [np.zeros(2 * n_rows)]
    if floor is not None:
        unit = float(np.abs(floor[0]).max()) or 1.0
        rows.append(csr_array(np.r_[-floor[0] / unit, np.zeros(2 * n_rows + 1)][np.newaxis]))
        right.append(np.array([-floor[1] / unit]))
    cost = np.r_[np.zeros(n_assets), 1.0, np.zeros(n_rows), np.full(n_rows, 1.0 / ((1.0 - level) * n_rows))]
    box = np.column_stack(bounds)
    answer = linprog(
        cost,
        A_ub=vstack(rows).tocsr(),
        b_ub=np.concatenate(right),
        A_eq=np.r_[np.ones(n_assets), np.zeros(2 * n_rows + 1)][np.newaxis],
        b_eq=[1.0],
        bounds=np.r_[box, np.tile([0.0, np.inf], (2 * n_rows + 1, 1))],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if answer.x is None:
        raise NotConvergedError(f"HiGHS stopped without an answer: {answer.message}")
    prices = -answer.ineqlin.marginals
    price = float(prices[-1]) / unit if floor is not None else 0.0
    return answer.x[:n_assets], prices[n_rows : 2 * n_rows], prices[:n_rows], price, int(answer.nit)


def _gain(
    returns: Matrix, level: float, floor: Floor | None, prices: tuple[Vector, Vector, float]
) -> tuple[Vector, float]:
    """Return what each asset takes off the CDaR, under prices near those given, and what the floor adds.

    What is added, less the largest ``gain'w`` within the bounds, is a number that no CDaR is below.
    """
    lam, beta, price = prices
    cap = 1.0 / ((1.0 - level) * len(lam))
    lam = np.clip(lam, 0.0, cap)
    lam = lam / max(lam.sum(), 1.0)
    room = cap - lam
    lam = lam + (1.0 - lam.sum()) / max(room.sum(), 1e-300) * room
    kept = np.zeros(len(beta) + 1)
    for s in range(len(beta) - 1, -1, -1):
        kept[s] = min(max(beta[s], 0.0), kept[s + 1] + lam[s])
    gain = kept[:-1] @ returns
    if floor is None:
        return gain, 0.0
    return gain + max(price, 0.0) * floor[0], max(price, 0.0) * floor[1]


def _shared_by_twins(returns: Matrix, weights: Vector, lower: Vector, upper: Vector) -> Vector:
    """Return weights equal among assets that are alike; the simplex leaves one of them everything."""
    alike = np.vstack([returns, lower, upper])
    _, group = np.unique(alike, axis=1, return_inverse=True)
    group = group.ravel()
    shared: Vector = (np.bincount(group, weights) / np.bincount(group))[group]
    return shared


def _snapped(weights: Vector, lower: Vector, upper: Vector) -> Vector:
    """Put weights that stand at a bound up to the simplex's tolerance exactly there."""
    weights = np.where(weights - lower < AT_BOUND, lower, weights)
    snapped: Vector = np.where(upper - weights < AT_BOUND, upper, weights)
    return snapped
