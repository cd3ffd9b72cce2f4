"""The covariance that takes in one row at a time."""

from __future__ import annotations

from typing import Any

from poise import _native
from poise.domain.labels import unwrap_vector
from poise.moments.online import OnlineCovariance
from poise.moments.rule import ewma_rule
from poise.typing import ArrayLike


class EwmaCovariance(_native.EwmaDoor, OnlineCovariance[_native.EwmaState]):
    """Exponentially weighted covariance and correlation, in batch or row by row with one result.

    Parameters
    ----------
    half_life : float
        Observations after which a weight has halved. Positive.
    adjust, bias, ignore_na, demean : bool
        As in :func:`poise.moments.ewma_covariance`.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of what was fitted. NaN where there is no estimate yet.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved, NaN where the covariance is NaN.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar, as a fraction.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose variance is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If `half_life` is not positive.

    Notes
    -----
    NaN is missing, pair by pair; the first row with a gap moves the state from one chain of weights to
    one per pair, which takes nine times the memory. A row that is refused leaves the state as it was.
    Copies and pickles are independent and continue bit for bit.

    A row costs ``O(n_assets)``: it waits with a few others until a matrix is read or they are enough to be
    added in one pass. When a matrix is read changes what follows by rounding only; volatilities and
    :meth:`portfolio_variance` are read without adding anything.

    Examples
    --------
    >>> estimator = EwmaCovariance(half_life=2.0)
    >>> for row in [[0.01, 0.02], [-0.02, -0.01], [0.03, 0.00]]:
    ...     _ = estimator.partial_fit(row)
    >>> estimator.correlation_.round(4)
    array([[1.    , 0.4066],
           [0.4066, 1.    ]])
    """

    _kernel = _native.EwmaState
    _partial_fit_labelled = OnlineCovariance.partial_fit

    def __init__(
        self,
        half_life: float,
        *,
        adjust: bool = True,
        bias: bool = False,
        ignore_na: bool = False,
        demean: bool = True,
    ) -> None:
        super().__init__(ewma_rule(half_life, adjust=adjust, bias=bias, ignore_na=ignore_na, demean=demean))

    def __reduce__(self) -> tuple[Any, ...]:
        # The early protocols of pickle cannot make the object of a compiled base.
        return type(self), (self.half_life,), self.__getstate__()

    @property
    def half_life(self) -> float:
        """Observations after which a weight has halved."""
        value: float = self._rule["half_life"]
        return value

    def portfolio_variance(self, weights: ArrayLike) -> float:
        """Variance of a portfolio per bar, ``weights @ covariance_ @ weights``.

        Parameters
        ----------
        weights : array_like of shape (n_assets,)
            Fractions of the portfolio's value. Labelled weights are matched by name.

        Returns
        -------
        float
            Per bar, in squared units of the returns. NaN where an entry of the covariance is.

        Raises
        ------
        NonFiniteError
            If a weight is NaN or infinite; the message names its index.
        ParameterError
            If a weight is beyond 1e100.
        ShapeError
            If the weights are of other assets.
        StateError
            If nothing was fitted yet.
        """
        state = self._fitted()
        values, _ = unwrap_vector(weights, "weights", self._labels)
        return state.portfolio_variance(values)

    @property
    def correlation_(self) -> Any:
        """Correlation; 0 beside an asset that never moved."""
        return self._labels.matrix(self._fitted().correlation(degenerate_as_zero=True))
