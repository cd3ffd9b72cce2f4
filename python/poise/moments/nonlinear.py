"""A covariance in which every eigenvalue is shrunk by its own amount."""

from __future__ import annotations

from typing import Any

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.typing import ArrayLike


def nonlinear_shrinkage(R: ArrayLike) -> Any:
    """Shrink the eigenvalues of the covariance by the analytical nonlinear formula.

    Worth its cost with many assets (50 or more) and few observations for each; for highly correlated
    assets :func:`constant_correlation_shrinkage` is often better.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite; at least 13 observations. There may be more assets than
        observations.

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of `R`, from the sample with divisor ``n_observations - 1``. Symmetric and
        positive definite, unless an asset never moves (its covariances are zero) or the sample has fewer
        directions than observations and assets allow, as with an asset that stands twice: then the others
        are shrunk within the directions there are.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is NaN or infinite; the message names row and column.
    NotEnoughDataError
        If there are fewer than 13 observations.
    ShapeError
        If `R` has not two axes.

    References
    ----------
    .. [1] Ledoit and Wolf (2020). Analytical nonlinear shrinkage of large-dimensional covariance matrices.
       Annals of Statistics 48 (5), equations 4.3 to 4.9 and C.4 to C.8.
    """
    returns, labels = unwrap_matrix(R)
    return labels.matrix(_native.nonlinear_shrinkage(returns))
