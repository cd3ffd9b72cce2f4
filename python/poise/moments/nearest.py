"""Repairing a matrix that should be a correlation."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_square
from poise.errors import ParameterError
from poise.typing import ArrayLike

_DIAGONAL_TOLERANCE = 1e-6


def nearest_correlation(matrix: ArrayLike) -> Any:
    """Correlation matrix nearest to a symmetric one, in the Frobenius norm.

    For correlations that were estimated pair by pair, stressed or overridden by hand and no longer fit
    together.

    Parameters
    ----------
    matrix : array_like of shape (n_assets, n_assets)
        Symmetric and finite with ones on the diagonal; other entries may lie outside [-1, 1]. Divide a
        covariance by its volatilities first.

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
        With the labels of `matrix`: symmetric, ones on the diagonal, eigenvalues at least about 1e-8, so
        that it has an inverse. A matrix that is all this already comes back unchanged.

    Raises
    ------
    EmptyInputError
        If there is no asset.
    NonFiniteError
        If an entry is NaN or infinite; the message names row and column.
    NotConvergedError
        If the projections still move by more than 1e-10 after 5000 rounds.
    ParameterError
        If the diagonal is not one; the message names the first asset.
    ShapeError
        If the matrix is not square or not symmetric.

    Examples
    --------
    >>> nearest_correlation([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]).round(4).tolist()
    [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]

    References
    ----------
    .. [1] Higham (2002). Computing the nearest correlation matrix: a problem from finance. IMA Journal of
       Numerical Analysis 22 (3), algorithm 3.3.
    """
    correlation, labels = unwrap_square(matrix, "matrix")
    diagonal = np.diag(correlation)
    off = np.flatnonzero(np.abs(diagonal - 1.0) > _DIAGONAL_TOLERANCE)
    if len(off):
        i = int(off[0])
        asset = "" if labels.names is None else f" ({labels.names[i]})"
        raise ParameterError(
            f"matrix has {diagonal[i]} on its diagonal at index {i}{asset}, expected 1; "
            "divide a covariance by its volatilities first"
        )
    return labels.matrix(_native.nearest_correlation(correlation))
