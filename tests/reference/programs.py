"""Quadratic programs of portfolios, drawn to be ordinary or to hurt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

INF = np.inf


@dataclass(frozen=True)
class Problem:
    """One program, as `_native.quadratic_program` takes it, and a word for what makes it hard."""

    kind: str
    hessian: np.ndarray
    linear: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    total: tuple[float, float] = (1.0, 1.0)
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    row_lower: np.ndarray = field(default_factory=lambda: np.zeros(0))
    row_upper: np.ndarray = field(default_factory=lambda: np.zeros(0))
    current: np.ndarray | None = None
    linear_cost: np.ndarray | None = None
    impact_cost: np.ndarray | None = None
    turnover: float = INF

    def __post_init__(self) -> None:
        if self.rows.shape[0] == 0:
            object.__setattr__(self, "rows", np.zeros((0, len(self.linear))))

    @property
    def n(self) -> int:
        return len(self.linear)

    def arguments(self) -> dict[str, Any]:
        """Return what the border takes."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "kind"}

    def costs(self, weights: np.ndarray) -> float:
        if self.current is None:
            return 0.0
        moved = np.abs(weights - self.current)
        linear = 0.0 if self.linear_cost is None else self.linear_cost @ moved
        impact = 0.0 if self.impact_cost is None else self.impact_cost @ moved**1.5
        return float(linear + impact)

    def objective(self, weights: np.ndarray) -> float:
        quadratic = 0.5 * weights @ self.hessian @ weights - self.linear @ weights
        return float(quadratic + self.costs(weights))

    def scale(self) -> float:
        """Return the mean variance: what an objective gap is measured by where the objective is small."""
        return float(np.trace(self.hessian) / self.n)

    def turned_over(self, weights: np.ndarray) -> float:
        if self.current is None:
            return 0.0
        moved = weights - self.current
        return float(0.5 * (np.abs(moved).sum() + abs(moved.sum())))

    def violations(self, weights: np.ndarray) -> dict[str, float]:
        """Return by how much each kind of limit is missed: bounds, budget, rows, turnover."""
        activity, total = self.rows @ weights, weights.sum()
        return {
            "bounds": float(np.max(np.maximum(self.lower - weights, weights - self.upper), initial=0.0)),
            "budget": max(self.total[0] - total, total - self.total[1], 0.0),
            "rows": float(
                np.max(np.maximum(self.row_lower - activity, activity - self.row_upper), initial=0.0)
            ),
            "turnover": max(self.turned_over(weights) - self.turnover, 0.0),
        }


def sample_covariance(rng: np.random.Generator, n: int, n_observations: int) -> np.ndarray:
    """A market with a factor, seen for some time; singular where that is shorter than the list of assets."""
    loading = rng.uniform(-0.3, 1.2, size=n)
    R = rng.normal(size=(n_observations, 1)) * loading + rng.normal(size=(n_observations, n))
    R = R * rng.uniform(0.2, 3.0, size=n) * 0.02
    return R.T @ R / n_observations


def groups(rng: np.random.Generator, n: int, n_groups: int) -> np.ndarray:
    """Membership of every asset in one of some groups, a row per group."""
    of = rng.integers(n_groups, size=n)
    return (of == np.arange(n_groups)[:, None]).astype(float)


def with_rows(rng: np.random.Generator, problem: Problem, inside: np.ndarray) -> Problem:
    """Groups, an exposure and an equality around weights that meet them."""
    n = problem.n
    members = groups(rng, n, int(rng.integers(1, 6)))
    exposure = rng.normal(size=(1, n))
    rows = np.vstack([members, exposure])
    at = rows @ inside
    room = rng.uniform(0.0, 0.2, size=len(rows))
    low, high = at - room, at + room
    low[rng.random(len(rows)) < 0.4] = -INF
    if rng.random() < 0.4:
        low[-1] = high[-1] = at[-1]
    elif rng.random() < 0.5:
        high[-1] = INF
    return replace(problem, rows=rows, row_lower=low, row_upper=high)


def with_trading(rng: np.random.Generator, problem: Problem, current: np.ndarray) -> Problem:
    """Costs, impact, a limit of turnover, or several of them."""
    kind = rng.integers(1, 8)
    pull = np.sqrt(problem.scale()) * 0.05
    changes: dict[str, Any] = {"current": current}
    if kind & 1:
        changes["linear_cost"] = rng.uniform(0.0, 1.0, size=problem.n) * pull * (rng.random(problem.n) < 0.8)
    if kind & 2:
        changes["impact_cost"] = rng.uniform(0.0, 3.0, size=problem.n) * pull
    if kind & 4:
        changes["turnover"] = float(rng.uniform(0.02, 0.5))
    return replace(problem, **changes)


def feasible_weights(
    rng: np.random.Generator, lower: np.ndarray, upper: np.ndarray, total: float
) -> np.ndarray:
    """Weights within the bounds with the sum asked for, somewhere."""
    part = rng.uniform(0.2, 0.8)
    for _ in range(200):
        weights = lower + (upper - lower) * np.clip(rng.uniform(size=len(lower)) * 2.0 * part, 0.0, 1.0)
        missing = total - weights.sum()
        room = (upper - weights) if missing > 0.0 else (weights - lower)
        if room.sum() >= abs(missing):
            return weights + missing * room / max(room.sum(), 1e-300)
    raise AssertionError("no weights between these bounds")


def ordinary(seed: int) -> Problem:
    """Boxes, groups, turnover and costs on a regular covariance; always feasible."""
    rng = np.random.default_rng([1, seed])
    n = int(rng.integers(2, 41))
    S = sample_covariance(rng, n, 2 * n + 20)
    linear = rng.normal(size=n) * np.sqrt(np.diag(S)) * 10.0 ** rng.uniform(-3.0, 0.5)
    style = rng.integers(4)
    lower, upper = np.zeros(n), np.ones(n)
    if style == 1:
        upper = np.full(n, 2.0 / n)
    elif style == 2:
        lower = rng.uniform(0.0, 0.5 / n, size=n)
        upper = np.maximum(rng.uniform(1.5, 4.0, size=n) / n, lower)
    elif style == 3:
        lower, upper = np.full(n, -0.3), np.full(n, 1.0)
    problem = Problem("ordinary", S, linear * (seed % 5 > 0), lower, upper)
    if rng.random() < 0.3:
        problem = replace(problem, total=(0.5, 1.0))
    inside = feasible_weights(rng, lower, upper, 1.0)
    if rng.random() < 0.7:
        problem = with_rows(rng, problem, inside)
    if rng.random() < 0.6:
        problem = with_trading(rng, problem, inside)
    return problem


KINDS = (
    "fewer observations", "twins", "constant", "hedge", "zero budget", "tight caps", "infeasible caps",
    "infeasible rows", "huge", "tiny", "mixed scales", "returns dominate", "repeated rows", "no risk",
)  # fmt: skip


def nasty(seed: int) -> Problem:
    """What makes solvers fail, one kind after another."""
    rng = np.random.default_rng([2, seed])
    kind = KINDS[seed % len(KINDS)]
    n = int(rng.integers(2, 25))
    S = sample_covariance(rng, n, max(2, n // 3) if kind == "fewer observations" else 2 * n + 10)
    linear = rng.normal(size=n) * np.sqrt(np.diag(S)) * 0.2
    S, linear = degenerate(kind, S, linear)
    lower, upper, total = np.zeros(n), np.ones(n), 1.0
    if kind == "zero budget":
        lower, upper, total = np.full(n, -0.2), np.full(n, 0.2), 0.0
    elif kind in ("tight caps", "infeasible caps"):
        upper = rng.uniform(0.5, 1.5, size=n)
        upper *= (1.0 if kind == "tight caps" else 0.8) / upper.sum()
    problem = Problem(kind, S, linear, lower, upper, (total, total))
    if kind not in ("tight caps", "infeasible caps"):
        inside = feasible_weights(rng, lower, upper, total)
        problem = with_rows(rng, problem, inside)
        if rng.random() < 0.5:
            problem = with_trading(rng, problem, inside)
    return distorted(rng, problem)


def degenerate(kind: str, S: np.ndarray, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twins, assets that never move, a perfect hedge, or no risk at all."""
    n, S = len(S), S.copy()
    if kind == "twins":
        take = np.arange(n)
        take[n // 2 :] = take[: n - n // 2]
        return S[np.ix_(take, take)], linear[take]
    if kind == "constant":
        S[[0, -1], :] = 0.0
        S[:, [0, -1]] = 0.0
    elif kind == "hedge":
        S[1, :] = -S[0, :]
        S[:, 1] = -S[:, 0]
        S[1, 1] = S[0, 0]
        S[0, 1] = S[1, 0] = -S[0, 0]
    elif kind == "no risk":
        S[:] = 0.0
    return S, linear


def distorted(rng: np.random.Generator, problem: Problem) -> Problem:
    """The problem with the rows and the units that its kind asks for."""
    kind, n = problem.kind, problem.n
    if kind == "infeasible rows":
        first = np.eye(1, n)
        low, high = np.append(problem.row_lower, 1.3), np.append(problem.row_upper, INF)
        return replace(problem, rows=np.vstack([problem.rows, first]), row_lower=low, row_upper=high)
    if kind == "repeated rows":
        return replace(
            problem,
            rows=np.vstack([problem.rows, problem.rows * 2.0, np.zeros((1, n))]),
            row_lower=np.concatenate([problem.row_lower, problem.row_lower * 2.0, [-1.0]]),
            row_upper=np.concatenate([problem.row_upper, problem.row_upper * 2.0, [1.0]]),
        )
    if kind == "returns dominate":
        return replace(problem, linear=problem.linear * 1e5)
    if kind in ("huge", "tiny"):
        return rescaled(problem, 1e12 if kind == "huge" else 1e-14)
    if kind == "mixed scales":
        by = 10.0 ** rng.uniform(-3.0, 3.0, size=n)
        return replace(problem, hessian=problem.hessian * np.outer(by, by), linear=problem.linear * by)
    return problem


def rescaled(problem: Problem, factor: float) -> Problem:
    """The same problem with its objective in another unit."""

    def times(costs: np.ndarray | None) -> np.ndarray | None:
        return None if costs is None else costs * factor

    return replace(
        problem,
        hessian=problem.hessian * factor,
        linear=problem.linear * factor,
        linear_cost=times(problem.linear_cost),
        impact_cost=times(problem.impact_cost),
    )


def boxes_alone(seed: int) -> Problem:
    """Bounds and a budget of one, on covariances of which every third is singular."""
    rng = np.random.default_rng([4, seed])
    n = int(rng.integers(2, 31))
    S = sample_covariance(rng, n, n // 2 + 2 if seed % 3 == 0 else 3 * n)
    cap = rng.choice([1.0, 2.0 / n, 1.2 / n])
    linear = rng.normal(size=n) * np.sqrt(np.diag(S)) * 10.0 ** rng.uniform(-3.0, 0.0)
    return Problem("boxes alone", S, linear, np.zeros(n), np.full(n, max(cap, 1.0 / n)))


def large(seed: int, n: int = 1000) -> Problem:
    """A thousand assets, five groups."""
    rng = np.random.default_rng([3, seed])
    problem = Problem("large", sample_covariance(rng, n, n + 200), np.zeros(n), np.zeros(n), np.full(n, 0.02))
    return with_rows(rng, problem, feasible_weights(rng, problem.lower, problem.upper, 1.0))
