"""Spreading a total over assets in given proportions, under a cap per asset and caps on groups of them.

With a level ``x`` each asset takes ``min(cap, x shape)``. The level rises until the total is reached; a
group that is full on the way stays at what it has, and the level rises on for the others. Between two such
events the sum is a concave, piecewise linear, increasing function of the level, so Newton steps from below
reach the level that gives a sum after at most one step per kink.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from poise.typing import Vector

Members = np.ndarray[Any, np.dtype[np.intp]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

NEGLIGIBLE_SHARE = 1e-8
"""A share below this part of the largest is a solver's noise; it must not take what the others cannot."""

_ROUNDING = 1e-13
_NOTHING = 1e-12


class GroupCap(NamedTuple):
    """The most that some assets may hold together.

    Attributes
    ----------
    members : ndarray of int
        Positions of the assets.
    cap : float
        A fraction of total value.
    name : str
        For messages, such as ``sector bank``.
    """

    members: Members
    cap: float
    name: str = ""


def fill(shape: Vector, caps: Vector, total: float, *, groups: Sequence[GroupCap] = ()) -> Vector:
    """Return weights in proportion to `shape` that sum to `total`, or to less where the caps allow no more.

    Parameters
    ----------
    shape : ndarray of shape (n_assets,)
        Non-negative proportions; an asset with 0 (or less than 1e-8 of the largest) gets nothing.
    caps : ndarray of shape (n_assets,)
        Non-negative.
    total : float
        Non-negative.
    groups : sequence of GroupCap
        They may share assets: an asset stops rising with the first of its groups that is full.

    Returns
    -------
    ndarray of shape (n_assets,)
        No weight and no group's sum exceeds its cap, not even by rounding.
    """
    if total <= 0.0 or not (shape > 0.0).any():
        return np.zeros(len(shape))
    shape = shape / shape.max()
    shape = np.where(shape >= NEGLIGIBLE_SHARE, shape, 0.0)
    # A hair below the caps of groups, so that no order of summation exceeds them.
    limited = [(g.members, g.cap * (1.0 - _ROUNDING) if g.cap > _NOTHING else 0.0) for g in groups]
    weights = np.zeros(len(shape))
    rising = shape > 0.0
    # Every round fills a group or is the last.
    for _ in range(len(limited) + 1):
        left = total - math.fsum(weights[~rising])
        weights[rising] = _risen(shape[rising], caps[rising], left)
        over = [(m, cap) for m, cap in limited if rising[m].any() and math.fsum(weights[m]) > cap]
        if not over:
            break
        members, cap = min(over, key=lambda group: _full_at(shape, caps, weights, rising, *group))
        _settle(shape, caps, weights, rising, members, cap)
    return weights


def _risen(shape: Vector, caps: Vector, total: float) -> Vector:
    """Return ``min(caps, level shape)`` with the level at which it sums to `total`."""
    return np.minimum(caps, _level(shape, caps, total) * shape)


def _room(weights: Vector, rising: Mask, members: Members, cap: float) -> float:
    """Return what the rising members of a group may take beside those that are settled."""
    return max(cap - math.fsum(weights[members[~rising[members]]]), 0.0)


def _full_at(
    shape: Vector, caps: Vector, weights: Vector, rising: Mask, members: Members, cap: float
) -> float:
    """Return the level at which a group is full."""
    part = members[rising[members]]
    return _level(shape[part], caps[part], _room(weights, rising, members, cap))


def _settle(shape: Vector, caps: Vector, weights: Vector, rising: Mask, members: Members, cap: float) -> None:
    """Leave the rising members of a full group at what fills it."""
    room = _room(weights, rising, members, cap)
    part = members[rising[members]]
    held = _risen(shape[part], caps[part], room)
    weights[part] = held * min(1.0, room / max(math.fsum(held), room)) if room > 0.0 else 0.0
    rising[part] = False


def _level(shape: Vector, caps: Vector, total: float) -> float:
    mass = math.fsum(shape)
    level = max(total, 0.0) / mass if mass > 0.0 else 0.0
    for _ in range(len(shape)):
        taken = np.minimum(caps, level * shape)
        slope = math.fsum(shape[level * shape < caps])
        missing = total - math.fsum(taken)
        if slope <= 0.0 or missing <= 1e-16 * total:
            break
        level += missing / slope
    return level
