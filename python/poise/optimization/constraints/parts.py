"""What constraints come down to: rows, a budget, distances from a book, a count; each in numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from poise.optimization.result import Relaxation
from poise.typing import Matrix, Vector


class Row(NamedTuple):
    """``lower <= coefficients'w <= upper``; `name` as the caller wrote it, `subject` the sum in words."""

    name: str
    coefficients: Vector
    lower: float
    upper: float
    subject: str


class Distance(NamedTuple):
    """A limit on how far the weights may be from `weights`: turnover, or volatility of the difference.

    With `through` it is ``through @ w`` that has the distance, so that one of several steps can be meant; a
    tracking error's is then in units of volatility already, and so is `weights`.
    """

    name: str
    weights: Vector
    limit: float
    through: Matrix | None = None

    def of(self, w: Any) -> Any:
        """Return what has the distance, of numbers or of a variable."""
        return w if self.through is None else self.through @ w


class Count(NamedTuple):
    """At most so many assets, each with at least the minimum weight or none."""

    name: str
    at_most: int
    minimum_weight: float


class Box(NamedTuple):
    """Limits of single weights that a constraint sets beside the bounds."""

    name: str
    lower: Vector
    upper: Vector


@dataclass(frozen=True, eq=False)
class ConstraintSet:
    """All constraints of one problem, compiled for its assets.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_assets,)
        Hard: the bounds, tightened by what constraints say about single weights.
    total : tuple of float
        Least and most sum of the weights.
    rows, turnover, tracking, boxes : tuple
    count : Count or None
    own : tuple of callables
        The caller's own, in the language of cvxpy.
    total_name : str
        Of the budget, empty where it is the plain full investment.
    relaxations : tuple of Relaxation
        What gave way already: a box without room within the bounds.
    names : tuple
        The assets', or their positions.
    """

    lower: Vector
    upper: Vector
    total: tuple[float, float] = (1.0, 1.0)
    rows: tuple[Row, ...] = ()
    turnover: tuple[Distance, ...] = ()
    tracking: tuple[Distance, ...] = ()
    boxes: tuple[Box, ...] = ()
    count: Count | None = None
    own: tuple[Callable[[Any], Any], ...] = ()
    total_name: str = ""
    relaxations: tuple[Relaxation, ...] = ()
    names: tuple[Any, ...] = field(default=())

    @property
    def n_assets(self) -> int:
        """How many weights there are."""
        return len(self.lower)

    @property
    def is_a_box(self) -> bool:
        """Whether nothing but bounds and a full investment is asked."""
        return self.total == (1.0, 1.0) and not (
            self.rows or self.turnover or self.tracking or self.own or self.count
        )

    @property
    def is_linear(self) -> bool:
        """Whether rows, a budget and one limit of turnover say it all."""
        plain = all(each.through is None for each in self.turnover)
        return not (self.tracking or self.own or self.count) and len(self.turnover) <= 1 and plain

    @property
    def matrix(self) -> Matrix:
        """The coefficients of the rows, of shape ``(n_rows, n_assets)``."""
        return np.array([row.coefficients for row in self.rows]).reshape(len(self.rows), self.n_assets)

    @property
    def row_limits(self) -> tuple[Vector, Vector]:
        """Lower and upper limits of the rows."""
        return np.array([r.lower for r in self.rows]), np.array([r.upper for r in self.rows])

    def within(self, lower: Vector, upper: Vector) -> ConstraintSet:
        """Return the set with other bounds and no count of assets."""
        return replace(self, lower=lower, upper=upper, count=None)


def turnover_of(weights: Vector, current: Vector) -> float:
    """Half the sum of absolute changes, cash counted as an asset."""
    change = weights - current
    return 0.5 * (float(np.abs(change).sum()) + abs(float(change.sum())))


def sum_words(factors: Mapping[Any, float]) -> str:
    """Return a weighted sum as one reads it: ``A + 0.5 * B - C``."""
    if len(factors) > 4:
        return f"a sum of {len(factors)} weights"
    words = " + ".join(
        f"{name}" if factor == 1.0 else f"{factor:g} * {name}" for name, factor in factors.items()
    )
    return words.replace("+ -1 * ", "- ").replace("+ -", "- ")


def limit_words(subject: str, lower: float, upper: float) -> str:
    """Return the limit as one reads it: ``defi <= 0.2``."""
    if lower == upper:
        return f"{subject} = {lower:g}"
    if math.isinf(lower):
        return f"{subject} <= {upper:g}"
    if math.isinf(upper):
        return f"{subject} >= {lower:g}"
    return f"{lower:g} <= {subject} <= {upper:g}"


def gave_way(name: str, limit: float, side: str, by: float) -> Relaxation:
    """Return the relaxation of one limit in words, rounded to the side on which weights exist."""
    limit, by = float(limit), float(by)
    step = 10.0 ** (math.floor(math.log10(max(abs(limit), abs(by), 1e-300))) - 6)
    if side == "upper":
        needed = math.ceil((limit + by) / step - 1e-3) * step
        return Relaxation(name, by, f"{_stated(name, '<=', limit)} must become at least {needed:.7g}")
    needed = math.floor((limit - by) / step + 1e-3) * step + 0.0
    return Relaxation(name, by, f"{_stated(name, '>=', limit)} must become at most {needed:.7g}")


def _stated(name: str, relation: str, limit: float) -> str:
    """Name the limit, too, where the name does not hold it."""
    return name if "=" in name else f"{name} {relation} {limit:.6g}"
