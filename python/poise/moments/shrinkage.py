"""Covariances pulled towards a target that is too simple, by as much as the noise deserves."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.errors import ParameterError
from poise.moments.decay import checked_half_life
from poise.typing import ArrayLike

OasFormula: TypeAlias = Literal["sklearn", "paper"]
"""The two formulas in use for the oracle approximating intensity."""


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


def ledoit_wolf(R: ArrayLike) -> ShrunkCovariance:
    """Shrink the covariance towards a multiple of the identity, by the optimal intensity.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite: the intensity rests on complete rows.

    Returns
    -------
    ShrunkCovariance
        Covariance and intensity, those of scikit-learn's ``LedoitWolf``: the sample has divisor
        ``n_observations``, the target is the mean variance on the diagonal and zero beside it. The total
        variance stays, each asset's own moves towards the mean; assets that never move get a share.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is NaN or infinite; the message names row and column.
    NotEnoughDataError
        If there is only one observation.
    ShapeError
        If `R` has not two axes.

    Notes
    -----
    Where the sample is its own target (squared distance below 1e-14 of its squared norm) the intensity is
    1; for a single asset, or where nothing moves, it is 0.

    References
    ----------
    .. [1] Ledoit and Wolf (2004). A well-conditioned estimator for large-dimensional covariance matrices.
       Journal of Multivariate Analysis 88 (2).
    """
    returns, labels = unwrap_matrix(R)
    covariance, intensity = _native.ledoit_wolf(returns)
    return ShrunkCovariance(labels.matrix(covariance), intensity)


def oas(R: ArrayLike, *, formula: OasFormula = "sklearn") -> ShrunkCovariance:
    """Shrink the covariance towards a multiple of the identity, by the oracle approximating intensity.

    Better than :func:`ledoit_wolf` where returns are Gaussian and observations few.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite.
    formula : {"sklearn", "paper"}, default="sklearn"
        ``paper`` is equation 23 of the paper; ``sklearn`` leaves out its terms in ``2 / n_assets``, as
        scikit-learn's ``OAS`` does. They meet as assets grow in number.

    Returns
    -------
    ShrunkCovariance
        Covariance and intensity; sample, target and special cases as in :func:`ledoit_wolf`.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is NaN or infinite; the message names row and column.
    NotEnoughDataError
        If there is only one observation.
    ParameterError
        If `formula` is neither of the two.
    ShapeError
        If `R` has not two axes.

    References
    ----------
    .. [1] Chen, Wiesel, Eldar and Hero (2010). Shrinkage algorithms for MMSE covariance estimation. IEEE
       Transactions on Signal Processing 58 (10).
    """
    if formula not in get_args(OasFormula):
        raise ParameterError(f"formula is {formula!r}, expected one of {', '.join(get_args(OasFormula))}")
    returns, labels = unwrap_matrix(R)
    covariance, intensity = _native.oas(returns, formula == "paper")
    return ShrunkCovariance(labels.matrix(covariance), intensity)
