"""Constraints by the state of the market: those of one label, or limits blended by probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poise.domain.regime import RegimeState
from poise.errors import ParameterError, did_you_mean
from poise.optimization.box import greedy
from poise.optimization.constraints.draft import Constraint, Draft, add, listed, number
from poise.optimization.constraints.parts import Box, Distance, Row, limit_words, turnover_of
from poise.typing import REGIME_LABELS, Vector

SUM_TOLERANCE = 1e-9
"""How far probabilities may be from summing to one."""


@dataclass(frozen=True, eq=False)
class RegimeConstraints(Constraint):
    """Sets of constraints of which the market's state chooses.

    Parameters
    ----------
    sets : mapping of str to constraints
        By regime, such as ``{"bull": [...], "high_volatility": [...]}``. A regime that is left out has none.
    regime : str, RegimeState or mapping of str to float
        A label takes its set. Probabilities blend: see Notes.

    Notes
    -----
    Blended are linear limits, budgets, and by their names turnover and participation: those of the same sum
    become one, its limits averaged by the probabilities, so that nothing jumps when a label changes. Where a
    regime has no such limit it counts with the loosest value that the bounds and a full investment allow,
    which is what having none amounts to. Tracking error, cardinality and callables cannot be blended; they
    are those of the likeliest regime (of equally likely ones the first).

    Examples
    --------
    >>> from poise.optimization import LinearConstraint, RegimeConstraints, solve_minimum_variance
    >>> sets = {
    ...     "bull": LinearConstraint({0: 1}, 0.4, name="floor"),
    ...     "bear": LinearConstraint({0: 1}, 0.2, name="floor"),
    ... }
    >>> mixed = RegimeConstraints(sets, {"bull": 0.5, "bear": 0.5})
    >>> solve_minimum_variance([[0.09, 0.0], [0.0, 0.01]], constraints=mixed).weights.round(12)
    array([0.3, 0.7])
    """

    sets: Mapping[str, Any]
    regime: str | RegimeState | Mapping[str, float]

    def at(self, regime: str | RegimeState | Mapping[str, float]) -> RegimeConstraints:
        """Return the same sets in another state of the market."""
        return replace(self, regime=regime)

    def add_to(self, draft: Draft) -> None:
        """Add the set of the label, or the blend."""
        chances = self._chances()
        parts = {}
        for label in chances:
            parts[label] = draft.fresh()
            for constraint in listed(self.sets.get(label)):
                add(constraint, parts[label])
        likeliest = parts[max(chances, key=chances.__getitem__)]
        _blend_rows(draft, chances, parts)
        _blend_budget(draft, chances, parts)
        _blend_turnover(draft, chances, parts)
        _blend_boxes(draft, chances, parts)
        draft.tracking += likeliest.tracking
        draft.own += likeliest.own
        draft.count = likeliest.count or draft.count

    def _chances(self) -> dict[str, float]:
        """Return the regimes that have a chance."""
        regime = self.regime
        if isinstance(regime, str):
            known = {*self.sets, *REGIME_LABELS} if set(self.sets) <= set(REGIME_LABELS) else set(self.sets)
            if regime not in known:
                raise ParameterError(f"{regime!r} is no regime here{did_you_mean(regime, sorted(known))}")
            return {regime: 1.0}
        given = regime.probabilities if isinstance(regime, RegimeState) else regime
        if not isinstance(given, Mapping):
            raise ParameterError(f"regime is {regime!r}, expected a label, a RegimeState or probabilities")
        strangers = sorted(set(self.sets) - set(given))
        if strangers:
            hint = did_you_mean(strangers[0], sorted(given))
            raise ParameterError(f"{strangers[0]!r} has constraints but no probability{hint}")
        chances = {str(label): number(p, f"the probability of {label}") for label, p in given.items()}
        if min(chances.values()) < 0.0 or abs(math.fsum(chances.values()) - 1.0) > SUM_TOLERANCE:
            raise ParameterError(f"the probabilities {chances} are negative or do not sum to 1")
        return {label: p for label, p in chances.items() if p > 0.0}


def _blend_rows(draft: Draft, chances: dict[str, float], parts: dict[str, Draft]) -> None:
    sums: dict[bytes, dict[str, Row]] = {}
    for label, part in parts.items():
        for row in part.rows:
            mine = sums.setdefault(row.coefficients.tobytes(), {})
            mine[label] = _both(mine[label], row) if label in mine else row
    for mine in sums.values():
        first = next(iter(mine.values()))
        lower = _blended(
            chances, {k: row.lower for k, row in mine.items()}, -_most(-first.coefficients, draft)
        )
        upper = _blended(chances, {k: row.upper for k, row in mine.items()}, _most(first.coefficients, draft))
        named = {row.name for row in mine.values()}
        spoken = limit_words(first.subject, lower, upper)
        name = first.name if len(chances) == 1 or (len(named) == 1 and "=" not in first.name) else spoken
        draft.add_row(name, first.coefficients, lower, upper, first.subject)


def _both(one: Row, other: Row) -> Row:
    return one._replace(lower=max(one.lower, other.lower), upper=min(one.upper, other.upper))


def _blended(chances: dict[str, float], limits: dict[str, float], loosest: float) -> float:
    """Average limits by probability; none counts as the loosest, and none anywhere stays none."""
    if not any(math.isfinite(limit) for limit in limits.values()):
        return next(iter(limits.values()))
    each = {label: limits.get(label, math.inf) for label in chances}
    counted = {label: limit if math.isfinite(limit) else loosest for label, limit in each.items()}
    if len(set(counted.values())) == 1:
        return next(iter(counted.values()))
    return math.fsum(p * counted[label] for label, p in chances.items())


def _blend_budget(draft: Draft, chances: dict[str, float], parts: dict[str, Draft]) -> None:
    names = [part.total_name for part in parts.values() if part.total_name]
    if not names:
        return
    if draft.total_name:
        raise ParameterError("there are two budgets; drop one")
    lower = _blended(chances, {label: part.total[0] for label, part in parts.items()}, -math.inf)
    upper = _blended(chances, {label: part.total[1] for label, part in parts.items()}, math.inf)
    draft.total, draft.total_name = (lower, max(lower, upper)), names[0]


def _blend_turnover(draft: Draft, chances: dict[str, float], parts: dict[str, Draft]) -> None:
    found: dict[str, Distance] = {each.name: each for part in parts.values() for each in part.turnover}
    for name, first in found.items():
        widest = np.maximum(np.abs(draft.upper - first.weights), np.abs(draft.lower - first.weights))
        loosest = turnover_of(first.weights + widest, first.weights)
        limits = {}
        for label in chances:
            mine = next((each for each in parts[label].turnover if each.name == name), None)
            if mine and not np.array_equal(mine.weights, first.weights):
                raise ParameterError(f"{name!r} starts from different current weights in {label}")
            limits[label] = mine.limit if mine else min(loosest, 1.0)
        draft.claim(name, [each.name for each in draft.turnover])
        blended = math.fsum(p * limits[label] for label, p in chances.items())
        draft.turnover.append(Distance(name, first.weights, blended))


def _blend_boxes(draft: Draft, chances: dict[str, float], parts: dict[str, Draft]) -> None:
    for name in {box.name: None for part in parts.values() for box in part.boxes}:
        lower, upper = np.zeros(draft.n_assets), np.zeros(draft.n_assets)
        for label, chance in chances.items():
            mine = next((box for box in parts[label].boxes if box.name == name), None)
            lower += chance * (mine.lower if mine else draft.lower)
            upper += chance * (mine.upper if mine else draft.upper)
        draft.claim(name, [each.name for each in draft.boxes])
        draft.boxes.append(Box(name, lower, upper))


def _most(coefficients: Vector, draft: Draft) -> float:
    """Return the largest value of a sum within the bounds and a full investment; infinite where unbounded."""
    lower, upper = draft.lower, draft.upper
    if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
        return math.inf
    return float(coefficients @ greedy(coefficients, lower, upper))
