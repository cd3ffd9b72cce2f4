"""Compile constraints for the assets of a problem: names to positions, words to rows, loudly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_vector
from poise.errors import (
    NonFiniteError,
    ParameterError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from poise.optimization.constraints.parts import (
    Box,
    ConstraintSet,
    Count,
    Distance,
    Row,
    gave_way,
    sum_words,
)
from poise.optimization.expressions import parse_expression
from poise.optimization.result import Relaxation
from poise.typing import Vector

LARGEST_WEIGHT = 1e6
"""What is larger is no fraction of a portfolio but an amount."""


class Constraint(ABC):
    """Something that weights have to keep; it adds its part to a draft."""

    @abstractmethod
    def add_to(self, draft: Draft) -> None:
        """Write this constraint into the draft of a problem."""


@dataclass(eq=False)
class Draft:
    """Constraints of one problem while they are collected.

    Attributes
    ----------
    labels : Labels
        Of the assets.
    lower, upper : ndarray of shape (n_assets,)
        The bounds.
    groups : dict of str to list of int
        Members by position.
    """

    labels: Labels
    lower: Vector
    upper: Vector
    groups: dict[str, list[int]] = field(default_factory=dict)
    total: tuple[float, float] = (1.0, 1.0)
    total_name: str = ""
    rows: list[Row] = field(default_factory=list)
    turnover: list[Distance] = field(default_factory=list)
    tracking: list[Distance] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    count: Count | None = None
    own: list[Callable[[Any], Any]] = field(default_factory=list)

    @property
    def n_assets(self) -> int:
        """How many weights there are."""
        return len(self.lower)

    @property
    def names(self) -> tuple[Any, ...]:
        """The assets' names, or their positions where they have none."""
        return self.labels.names or tuple(range(self.n_assets))

    def fresh(self) -> Draft:
        """Return an empty draft for the same assets."""
        return Draft(self.labels, self.lower, self.upper, self.groups)

    def position(self, asset: Any, where: str) -> int:
        """Return the position of a named (or numbered) asset."""
        names = self.names
        if self.labels.assets is None and isinstance(asset, int | np.integer) and -1 < asset < self.n_assets:
            return int(asset)
        key = str(asset) if self.labels.assets is not None else asset
        if key not in names:
            known = ", ".join(str(name) for name in names[:8])
            hint = did_you_mean(str(asset), [str(name) for name in names]) or f"; known are {known}"
            raise UnknownSymbolError(f"{where} names {asset!r}, which is no asset here{hint}")
        return names.index(key)

    def vector(self, values: Any, where: str) -> Vector:
        """Return one finite value per asset; a mapping may leave assets out, which count as 0."""
        if isinstance(values, Mapping):
            vector = np.zeros(self.n_assets)
            for asset, value in values.items():
                vector[self.position(asset, where)] = number(value, f"{where} of {asset}")
        else:
            vector, _ = unwrap_vector(values, where, self.labels)
            if vector.shape != (self.n_assets,):
                raise ShapeError(
                    f"{where} has {vector.size} values for {self.n_assets} assets; pass one per asset"
                )
        wrong = np.flatnonzero(~np.isfinite(vector))
        if wrong.size:
            raise NonFiniteError(
                f"{where} of asset {self.names[wrong[0]]} is {vector[wrong[0]]}; pass a finite number"
            )
        return np.array(vector, dtype=np.float64)

    def book(self, values: Any, where: str) -> Vector:
        """Return weights that are or could be held, one per asset."""
        book = self.vector(values, where)
        if (np.abs(book) > LARGEST_WEIGHT).any():
            i = int(np.abs(book).argmax())
            raise ParameterError(
                f"{where} of asset {self.names[i]} is {book[i]:g}; pass fractions of the portfolio"
            )
        return book

    def add_expression(self, text: str, name: str = "") -> None:
        """Read an expression over assets and groups into a row."""
        assets = {} if self.labels.assets is None else {str(a): [i] for i, a in enumerate(self.names)}
        if not assets and not self.groups:
            raise ParameterError(
                f"{text!r} needs names: pass labelled input, groups, or a LinearConstraint by position"
            )
        twice = sorted(set(assets) & set(self.groups))
        if twice:
            raise ParameterError(f"{twice[0]!r} is an asset and a group; rename the group")
        known = assets | self.groups
        read = parse_expression(text, known)
        coefficients = np.zeros(self.n_assets)
        for word, factor in read.coefficients.items():
            coefficients[known[word]] += factor
        named = {word: factor for word, factor in read.coefficients.items() if factor}
        self.add_row(name or text.strip(), coefficients, read.lower, read.upper, sum_words(named))

    def add_row(self, name: str, coefficients: Vector, lower: float, upper: float, subject: str) -> None:
        """Add a row; names of rows are kept apart."""
        check_limits(lower, upper, name)
        self.claim(name, [row.name for row in self.rows])
        self.rows.append(Row(name, coefficients, lower, upper, subject))

    def claim(self, name: str, taken: Iterable[str]) -> None:
        """Refuse a name that another constraint has."""
        if name in set(taken):
            raise ParameterError(f"two constraints are called {name!r}; drop one or name it otherwise")

    def finished(self) -> ConstraintSet:
        """Return the compiled set; a box without room within the bounds gives way and says so."""
        lower, upper = self.lower.copy(), self.upper.copy()
        relaxed: list[Relaxation] = []
        for box in self.boxes:
            low, high = np.clip(box.lower, lower, upper), np.clip(box.upper, lower, upper)
            for i in np.flatnonzero((low > box.upper) | (high < box.lower)):
                name = f"{box.name} of {self.names[i]}"
                if low[i] > box.upper[i]:
                    relaxed.append(gave_way(name, box.upper[i], "upper", low[i] - box.upper[i]))
                else:
                    relaxed.append(gave_way(name, box.lower[i], "lower", box.lower[i] - high[i]))
            lower, upper = low, high
        return ConstraintSet(
            lower,
            upper,
            self.total,
            tuple(self.rows),
            tuple(self.turnover),
            tuple(self.tracking),
            tuple(self.boxes),
            self.count,
            tuple(self.own),
            self.total_name,
            tuple(relaxed),
            self.names,
        )


def compile_constraints(
    constraints: Any, bounds: tuple[Vector, Vector], labels: Labels, groups: Any = None
) -> ConstraintSet:
    """Return what the weights have to keep, in numbers.

    Parameters
    ----------
    constraints : None, Constraint, str, callable, or a sequence of them
    bounds : tuple of ndarray
        Lower and upper, one per asset.
    labels : Labels
        Of the assets.
    groups : mapping, optional
        Asset to group (or to several), or group to members; what expressions may name.

    Raises
    ------
    ParameterError
        If a constraint is of no known kind, contradicts itself, or two have one name.
    UnknownSymbolError
        If an asset or group is named that is not there.
    ShapeError, NonFiniteError
        If a vector has another length or holds NaN.
    """
    draft = Draft(labels, *bounds)
    if groups is not None:
        from poise.optimization.constraints.groups import read_groups

        draft.groups = read_groups(groups, draft)
    for constraint in listed(constraints):
        add(constraint, draft)
    return draft.finished()


def add(constraint: Any, draft: Draft) -> None:
    """Add one constraint of any kind to a draft."""
    if isinstance(constraint, str):
        draft.add_expression(constraint)
    elif isinstance(constraint, Constraint):
        constraint.add_to(draft)
    elif callable(constraint):
        draft.own.append(constraint)
    else:
        raise ParameterError(
            f"{constraint!r} is no constraint; pass one of poise.optimization.constraints, an expression "
            "such as 'A + B <= 0.5', or a callable of a cvxpy variable"
        )


def listed(constraints: Any) -> list[Any]:
    """Return the constraints as a list, however many were given."""
    if constraints is None:
        return []
    if isinstance(constraints, str | Constraint) or callable(constraints):
        return [constraints]
    if isinstance(constraints, Mapping) or not isinstance(constraints, Iterable):
        raise ParameterError(f"constraints is {constraints!r}, expected a constraint or a sequence of them")
    return list(constraints)


def number(value: Any, name: str) -> float:
    """Return a number that is not NaN.

    Raises
    ------
    ParameterError
        If it is no number.
    NonFiniteError
        If it is NaN.
    """
    try:
        read = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is {value!r}, expected a number") from None
    if np.isnan(read):
        raise NonFiniteError(f"{name} is NaN; pass a number")
    return read


def check_limits(lower: float, upper: float, name: str) -> None:
    """Refuse limits that no number keeps."""
    for side, limit in (("lower", lower), ("upper", upper)):
        number(limit, f"the {side} limit of {name}")
    if lower > upper or lower == np.inf or upper == -np.inf:
        raise ParameterError(
            f"{name}: no number is between the limits {lower:g} and {upper:g}; swap or widen them"
        )
