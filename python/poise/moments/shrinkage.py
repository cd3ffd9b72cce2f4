"""Covariances pulled towards a target that is too simple, by as much as the noise deserves."""

from __future__ import annotations

from typing import Any, NamedTuple

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.moments.decay import checked_half_life
from poise.typing import ArrayLike


class ShrunkCovariance(NamedTuple):
    """A shrunk covariance.

    Attributes
    ----------
    covariance : ndarray of shape (n_assets, n_assets)
        ``intensity * target + (1 - intensity) * sample``, with the labels of the returns.
    intensity : float
        Between 0 (the sample) and 1 (the target).
    """

    covariance: Any
    intensity: float


def constant_correlation_shrinkage(
    R: ArrayLike, *, half_life: float | None = None, demean: bool = True
) -> ShrunkCovariance:
    """Shrink the covariance towards equal correlation of all pairs, by the optimal intensity.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite: the intensity rests on complete rows.
    half_life : float, optional
        Observations after which a weight has halved; equal weights if left out. With weights ``p`` the
        number of observations is ``1 / sum(p ** 2)``.
    demean : bool, default=True
        Remove the (weighted) mean; False takes moments about zero.

    Returns
    -------
    ShrunkCovariance
        Covariance and intensity. The variances are those of the sample with divisor
        ``n_observations``, as in the paper; only the off-diagonal moves. Assets that never move keep
        zero covariance and have no part in the mean correlation.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is NaN or infinite; the message names row and column.
    NotEnoughDataError
        If there is only one observation.
    ParameterError
        If `half_life` is not positive.
    ShapeError
        If `R` has not two axes.

    Notes
    -----
    Where the sample already has equal correlations (two assets, or gamma below 1e-14 of its squared norm)
    the intensity is 1; for a single asset it is 0.

    References
    ----------
    .. [1] Ledoit and Wolf (2004). Honey, I shrunk the sample covariance matrix. Journal of Portfolio
       Management 30 (4), appendix.
    """
    returns, labels = unwrap_matrix(R)
    weighting = None if half_life is None else checked_half_life(half_life)
    covariance, intensity = _native.constant_correlation_shrinkage(returns, weighting, bool(demean))
    return ShrunkCovariance(labels.matrix(covariance), intensity)
