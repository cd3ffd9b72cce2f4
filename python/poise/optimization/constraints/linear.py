"""Limits on weighted sums: of assets, of groups, of exposures to factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.labels import unwrap_matrix
from poise.errors import ParameterError, ShapeError, UnknownSymbolError, did_you_mean
from poise.optimization.constraints.draft import Constraint, Draft, number
from poise.optimization.constraints.groups import read_groups
from poise.optimization.constraints.parts import limit_words, sum_words
from poise.typing import ArrayLike, Vector


@dataclass(frozen=True, eq=False)
class LinearConstraint(Constraint):
    """``lower <= sum(coefficients * weights) <= upper``.

    Parameters
    ----------
    coefficients : mapping of asset to float, or array_like of shape (n_assets,)
        A mapping may leave assets out, which count 0; assets without names go by position.
    lower, upper : float
        In units of the sum; infinite where there is no limit.
    name : str, optional
        For answers and messages; the sum in words unless given.

    Examples
    --------
    >>> from poise.optimization import LinearConstraint, solve_minimum_variance
    >>> solve_minimum_variance([[0.04, 0.0], [0.0, 0.01]], constraints=LinearConstraint({0: 1}, 0.3)).weights
    array([0.3, 0.7])
    """

    coefficients: Any
    lower: float = -math.inf
    upper: float = math.inf
    name: str = ""

    def add_to(self, draft: Draft) -> None:
        """Add one row."""
        coefficients = draft.vector(self.coefficients, f"the coefficients of {self.name or 'a constraint'}")
        if not coefficients.any():
            raise ParameterError(f"{self.name or 'a linear constraint'} has no coefficient other than 0")
        lower, upper = number(self.lower, "the lower limit"), number(self.upper, "the upper limit")
        subject = self.name or sum_words(
            {draft.names[i]: coefficients[i] for i in np.flatnonzero(coefficients)}
        )
        name = self.name or limit_words(subject, lower, upper)
        if math.isinf(lower) and math.isinf(upper):
            raise ParameterError(f"{name} limits nothing; pass a lower or an upper limit")
        draft.add_row(name, coefficients, lower, upper, subject)


@dataclass(frozen=True, eq=False)
class GroupLimit(Constraint):
    """The weight of each group within its limits: sectors, tiers, venues, any grouping.

    Parameters
    ----------
    groups : mapping
        Of assets to their group (or groups), or of groups to their members.
    limits : mapping of group to (lower, upper) or to an upper limit
        As fractions of the portfolio. Groups without limits are free.

    Examples
    --------
    >>> from poise.optimization import GroupLimit, solve_minimum_variance
    >>> calm = GroupLimit({"calm": [1]}, {"calm": (0.0, 0.5)})
    >>> solve_minimum_variance([[0.04, 0.0], [0.0, 0.01]], constraints=calm).weights
    array([0.5, 0.5])
    """

    groups: Any
    limits: Mapping[str, Any]

    def add_to(self, draft: Draft) -> None:
        """Add a row for each limited group."""
        members = read_groups(self.groups, draft)
        if not self.limits:
            raise ParameterError("GroupLimit has no limits; pass {group: (lower, upper)}")
        for group, limit in self.limits.items():
            if str(group) not in members:
                hint = did_you_mean(str(group), members) or f"; known are {', '.join(sorted(members))}"
                raise UnknownSymbolError(f"{group!r} is no group here{hint}")
            lower, upper = _pair(limit, f"the limit of {group}")
            coefficients = np.zeros(draft.n_assets)
            coefficients[members[str(group)]] = 1.0
            draft.add_row(limit_words(str(group), lower, upper), coefficients, lower, upper, str(group))


@dataclass(frozen=True, eq=False)
class FactorExposure(Constraint):
    """The portfolio's exposure to each factor, the loadings averaged by weight, within limits.

    Parameters
    ----------
    loadings : array_like
        Of shape ``(n_assets,)`` for one factor or ``(n_assets, n_factors)``, a frame with factors as columns,
        or a mapping of factor to the loadings of the assets.
    lower, upper : float, sequence or mapping of factor to float
        In units of the loadings; infinite where there is no limit.
    name : str, default="exposure"
        Of the factors that have no name.
    """

    loadings: ArrayLike
    lower: Any = -math.inf
    upper: Any = math.inf
    name: str = "exposure"

    def add_to(self, draft: Draft) -> None:
        """Add a row for each factor."""
        factors = self._factors(draft)
        for limits in (self.lower, self.upper):
            strangers = set(limits) - set(factors) if isinstance(limits, Mapping) else set()
            if strangers:
                stranger = min(map(str, strangers))
                raise UnknownSymbolError(f"{stranger!r} is no factor here{did_you_mean(stranger, factors)}")
        for position, (factor, loadings) in enumerate(factors.items()):
            lower = _of_factor(self.lower, factor, position, len(factors), -math.inf)
            upper = _of_factor(self.upper, factor, position, len(factors), math.inf)
            if math.isfinite(lower) or math.isfinite(upper):
                draft.add_row(limit_words(factor, lower, upper), loadings, lower, upper, factor)

    def _factors(self, draft: Draft) -> dict[str, Vector]:
        where = f"the loadings of {self.name}"
        if isinstance(self.loadings, Mapping):
            names = {str(name) for name in draft.names}
            if not all(str(key) in names for key in self.loadings):
                return {str(factor): draft.vector(row, str(factor)) for factor, row in self.loadings.items()}
            return {self.name: draft.vector(self.loadings, where)}
        if np.ndim(self.loadings) == 1:
            return {self.name: draft.vector(self.loadings, where)}
        values, labels = unwrap_matrix(self.loadings, where)
        if len(values) != draft.n_assets:
            raise ShapeError(
                f"{where} have shape {values.shape} for {draft.n_assets} assets; pass one row per asset and "
                "one column per factor"
            )
        order = self._rows(labels.times, draft, where) if labels.kind == "pandas" else slice(None)
        names_of = labels.names or tuple(f"{self.name} {i}" for i in range(values.shape[1]))
        return {name: draft.vector(values[order, i], name) for i, name in enumerate(names_of)}

    def _rows(self, index: Any, draft: Draft, where: str) -> Any:
        """Return the rows of a frame in the order of the assets, where both have names."""
        if draft.labels.assets is None or list(index) == list(range(draft.n_assets)):
            return slice(None)
        order = np.empty(draft.n_assets, dtype=int)
        positions = [draft.position(asset, where) for asset in index]
        if len(set(positions)) < draft.n_assets:
            raise ShapeError(f"{where} name an asset twice; pass one row per asset")
        order[positions] = np.arange(draft.n_assets)
        return order


def _pair(limit: Any, name: str) -> tuple[float, float]:
    if isinstance(limit, tuple | list):
        if len(limit) != 2:
            raise ParameterError(f"{name} is {limit!r}, expected (lower, upper) or an upper limit")
        return number(limit[0], name), number(limit[1], name)
    return -math.inf, number(limit, name)


def _of_factor(limits: Any, factor: str, position: int, n_factors: int, none: float) -> float:
    if isinstance(limits, Mapping):
        return number(limits.get(factor, none), f"the limit of {factor}")
    if np.ndim(limits) == 0:
        return number(limits, f"the limit of {factor}")
    if len(limits) != n_factors:
        raise ShapeError(f"{len(limits)} limits for {n_factors} factors; pass one per factor")
    return number(limits[position], f"the limit of {factor}")
