"""Conflicts: signals that bet on a difference where there is hardly any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.typing import Matrix, Vector

SAME_BET_CORRELATION = 0.8
"""From here on two assets count as one bet: they share two thirds of their variance (0.8 squared is 0.64)."""


@dataclass(frozen=True, eq=False)
class Conflicts:
    """What opposed scores of nearly the same asset leave of each other.

    Attributes
    ----------
    damping : ndarray of shape (n_assets,)
        Factor on each score, 0 to 1; 1 without a conflict.
    opponent : ndarray of int, shape (n_assets,)
        The asset that damps it most; -1 without a conflict.
    """

    damping: Vector
    opponent: np.ndarray[Any, np.dtype[np.intp]]

    @property
    def damped(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which scores were damped."""
        return self.damping < 1.0


def find_conflicts(scores: Vector, correlation: Matrix | None) -> Conflicts:
    """Damp both scores of every highly correlated pair that points in opposite directions.

    ``d_i = 1 - max_j (|rho_ij| - 0.8)+ / 0.2 min(1, |s_j| / |s_i|)`` over the assets j with
    ``s_i s_j rho_ij < 0``: two assets with correlation 1 and opposite scores of one size say nothing at all,
    a weak opponent takes little from a strong score, and nothing jumps where a correlation passes 0.8 or a
    score passes 0. Two assets that move against each other conflict when their scores agree.

    Parameters
    ----------
    scores : ndarray of shape (n_assets,)
        Combined scores, finite.
    correlation : ndarray of shape (n_assets, n_assets) or None
        NaN where a pair is unknown, which is no conflict.
    """
    n_assets = len(scores)
    none = Conflicts(np.ones(n_assets), np.full(n_assets, -1, dtype=np.intp))
    if correlation is None or n_assets < 2:
        return none
    rho = np.where(np.isfinite(correlation), correlation, 0.0)
    sameness = np.clip((np.abs(rho) - SAME_BET_CORRELATION) / (1.0 - SAME_BET_CORRELATION), 0.0, 1.0)
    np.fill_diagonal(sameness, 0.0)
    opposed = np.sign(np.outer(scores, scores)) * np.sign(rho) < 0.0
    size = np.abs(scores)
    relative = np.minimum(size[None, :], size[:, None]) / np.where(size > 0.0, size, 1.0)[:, None]
    loss = np.where(opposed, sameness * relative, 0.0)
    worst = loss.argmax(axis=1)
    most = loss[np.arange(n_assets), worst]
    if not most.any():
        return none
    return Conflicts(1.0 - most, np.where(most > 0.0, worst, -1))
