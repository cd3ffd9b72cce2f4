"""The shrunk covariance that takes in one row at a time."""

from __future__ import annotations

from typing import Any, TypedDict

from poise import _native
from poise.moments.decay import checked_half_life
from poise.moments.online import OnlineCovariance
from poise.moments.standardized import correlation_of


class ShrunkRule(TypedDict):
    """Keyword arguments of the kernel."""

    half_life: float
    ignore_na: bool


class ShrunkEwmaCovariance(OnlineCovariance[Any]):
    """Zero-mean EWMA covariance shrunk towards equal correlation of all pairs, in batch or row by row.

    Without gaps what :func:`poise.moments.constant_correlation_shrinkage` gives with the same `half_life` and
    ``demean=False``; beside the covariance run the fourth moments that its intensity is made of.

    Parameters
    ----------
    half_life : float
        Observations after which a weight has halved. Positive.
    ignore_na : bool, default=False
        A missing observation does not age the earlier ones.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of what was fitted; the variances are those of the sample. NaN before the
        second observation and beside an asset that was never seen; always positive semidefinite.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved, NaN where the covariance is NaN.
    shrinkage_ : float
        Between 0 (the sample) and 1 (equal correlations); NaN before the second observation.
    noise_shrinkage_ : float
        What the noise of the pairs alone asks for: `shrinkage_` without what repairs a matrix with gaps, the
        same where nothing is missing. For shrinking another estimate of the same returns.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar about zero, as a fraction; NaN for an asset that was never seen.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose variance is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If `half_life` is not positive; while fitting if a return is beyond 1e75, whose fourth power is
        infinite.

    Notes
    -----
    NaN is missing: each pair is weighted over the rows in which both assets have a value, so that a late
    listing is not pulled towards zero, and the variance of each entry is taken by its own number of
    observations. Such a matrix need not be positive semidefinite: the intensity is then raised until the
    shrunk one is, by the smallest eigenvalue of the sample. Pairs that were never seen together have the mean
    correlation.

    A row that is refused leaves the state as it was. Copies and pickles are independent and continue bit for
    bit.

    References
    ----------
    .. [1] Ledoit and Wolf (2004). Honey, I shrunk the sample covariance matrix. Journal of Portfolio
       Management 30 (4), appendix.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> market = rng.normal(size=(80, 1)) * [1.0, 1.0, 1.0, 0.0, 0.0]
    >>> R = 0.01 * (market + rng.normal(size=(80, 5)))
    >>> estimator = ShrunkEwmaCovariance(half_life=20.0).fit(R)
    >>> bool(0.0 < estimator.partial_fit(R[0]).shrinkage_ < 1.0)
    True
    """

    _kernel = _native.ShrunkState

    def __init__(self, half_life: float, *, ignore_na: bool = False) -> None:
        rule: ShrunkRule = {"half_life": checked_half_life(half_life), "ignore_na": bool(ignore_na)}
        super().__init__(rule)

    @property
    def half_life(self) -> float:
        """Observations after which a weight has halved."""
        value: float = self._rule["half_life"]
        return value

    @property
    def correlation_(self) -> Any:
        """Correlation of the shrunk covariance; 0 beside an asset that never moved."""
        return self._labels.matrix(correlation_of(self._fitted().covariance()))

    @property
    def shrinkage_(self) -> float:
        """How far the covariance was pulled, between 0 and 1."""
        intensity: float = self._fitted().intensity()
        return intensity

    @property
    def noise_shrinkage_(self) -> float:
        """How far the noise of the pairs alone would pull the covariance, between 0 and 1."""
        intensity: float = self._fitted().noise_intensity()
        return intensity
