"""The objective and the limits of several steps as those of their trades, stacked one step after another."""

from __future__ import annotations

import numpy as np

from poise.errors import ParameterError
from poise.optimization.constraints.parts import ConstraintSet, Distance, Row
from poise.optimization.goals import Quadratic, root_of
from poise.typing import Matrix, Vector


def stacked(means: Matrix, matrices: list[Matrix], aversion: float, current: Vector) -> Quadratic:
    """Return the horizon's objective over its trades, stacked: each moves the weights of all later steps."""
    horizon, n_assets = means.shape
    later = np.zeros((n_assets, n_assets))
    pull = np.zeros(n_assets)
    hessian = np.empty((horizon, n_assets, horizon, n_assets))
    linear = np.empty((horizon, n_assets))
    for step in reversed(range(horizon)):
        later = later + matrices[step]
        pull = pull + means[step] - aversion * (matrices[step] @ current)
        linear[step] = pull
        hessian[step, :, : step + 1, :] = later[:, np.newaxis, :]
        hessian[: step + 1, :, step, :] = later[np.newaxis]
    size = horizon * n_assets
    return Quadratic(hessian.reshape(size, size), aversion, linear.ravel(), sign=-1.0)


def utility_untraded(means: Matrix, matrices: list[Matrix], aversion: float, current: Vector) -> float:
    """Return the horizon's utility of staying put, which the objective over trades leaves out."""
    risk = sum(float(current @ matrix @ current) for matrix in matrices)
    return float((means @ current).sum()) - 0.5 * aversion * risk


def require_one_start(limits: ConstraintSet, current: Vector) -> None:
    """Refuse limits of trading that start from other weights than the costs."""
    starts = [(each.name, each.weights) for each in limits.turnover]
    starts += [(box.name, 0.5 * (box.lower + box.upper)) for box in limits.boxes]
    for name, start in starts:
        if not np.allclose(start, current, rtol=0.0, atol=1e-12):
            raise ParameterError(
                f"{name} starts from other current weights than the costs; pass the same to both"
            )


def limits_over_time(
    limits: ConstraintSet, hard: tuple[Vector, Vector], matrices: list[Matrix], current: Vector
) -> ConstraintSet:
    """Return the limits of every step as limits of the stacked trades; those of the first are a box."""
    n_assets, horizon = limits.n_assets, len(matrices)
    # From one bound to the other at most, and no further than liquidity allows.
    room = np.minimum.reduce([hard[1] - hard[0], *(0.5 * (box.upper - box.lower) for box in limits.boxes)])
    upper = np.tile(room, (horizon, 1))
    lower = -upper
    lower[0], upper[0] = limits.lower - current, limits.upper - current
    budget = Row(limits.total_name or "sum of weights", np.ones(n_assets), *limits.total, "sum of weights")
    rows = []
    for step in range(horizon):
        until = np.repeat(np.arange(horizon) <= step, n_assets)
        each_step = [budget, *limits.rows]
        if step:
            each_step += [
                Row(f"bounds of {limits.names[i]}", np.eye(n_assets)[i], hard[0][i], hard[1][i], "")
                for i in range(n_assets)
                if np.isfinite([hard[0][i], hard[1][i]]).any()
            ]
        for row in each_step:
            held = float(row.coefficients @ current)
            coefficients = np.where(until, np.tile(row.coefficients, horizon), 0.0)
            name = f"{row.name}, step {step + 1}"
            rows.append(Row(name, coefficients, row.lower - held, row.upper - held, name))
    return ConstraintSet(
        lower.ravel(),
        upper.ravel(),
        (-np.inf, np.inf),
        tuple(rows),
        *_distances_over_time(limits, matrices, current),
        names=tuple(range(horizon * n_assets)),
        total_name="",
        relaxations=limits.relaxations,
    )


def _distances_over_time(
    limits: ConstraintSet, matrices: list[Matrix], current: Vector
) -> tuple[tuple[Distance, ...], tuple[Distance, ...]]:
    """Return turnover and tracking error of every step as distances of the stacked trades.

    A step's turnover is that of its own trade; what it tracks are the weights after it, by its covariance.
    """
    horizon, eye = len(matrices), np.eye(limits.n_assets)
    turnover: list[Distance] = []
    tracking: list[Distance] = []
    for step, matrix in enumerate(matrices):
        own = np.kron(np.arange(horizon) == step, eye)
        until = np.kron(np.arange(horizon) <= step, eye)
        nothing = np.zeros(limits.n_assets)
        turnover += [
            Distance(f"{each.name}, step {step + 1}", nothing, each.limit, own) for each in limits.turnover
        ]
        root = root_of(matrix) if limits.tracking else eye
        for each in limits.tracking:
            away = root @ (each.weights - current)
            tracking.append(Distance(f"{each.name}, step {step + 1}", away, each.limit, root @ until))
    return tuple(turnover), tuple(tracking)
