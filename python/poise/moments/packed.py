"""Symmetric matrices without what stands twice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import ShapeError
from poise.typing import ArrayLike


def unpack(packed: ArrayLike) -> Any:
    """Whole symmetric matrices from their lower triangles.

    Parameters
    ----------
    packed : array_like of shape (..., n_assets * (n_assets + 1) / 2)
        Lower triangles, row by row: entry ``(i, j)``, ``j <= i``, stands at ``i * (i + 1) / 2 + j``.

    Returns
    -------
    ndarray of shape (..., n_assets, n_assets)
        Symmetric.

    Raises
    ------
    InputError
        If a value is no real number.
    ShapeError
        If no matrix has a triangle of that length.

    Examples
    --------
    >>> unpack([1.0, 2.0, 3.0])
    array([[1., 2.],
           [2., 3.]])
    """
    triangles = float_array(packed, "packed")
    length = triangles.shape[-1] if triangles.ndim else 0
    n_assets = n_assets_of(length)
    i, j = np.indices((n_assets, n_assets))
    row, column = np.maximum(i, j), np.minimum(i, j)
    return np.take(triangles, row * (row + 1) // 2 + column, axis=-1)


def packed_size(n_assets: int) -> int:
    """Return how many entries a triangle has."""
    return n_assets * (n_assets + 1) // 2


def n_assets_of(length: int) -> int:
    """Return the assets of a triangle with so many entries.

    Raises
    ------
    ShapeError
        If there is none.
    """
    n_assets = (math.isqrt(8 * length + 1) - 1) // 2
    if length == 0 or packed_size(n_assets) != length:
        raise ShapeError(
            f"packed has {length} entries in its last axis, expected n * (n + 1) / 2 for n assets"
        )
    return n_assets
