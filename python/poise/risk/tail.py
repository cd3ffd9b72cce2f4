"""Value at risk and conditional value at risk of a sample of returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_vector
from poise.errors import ParameterError, ShapeError, did_you_mean
from poise.risk._inputs import as_level, require_finite, unwrap_returns
from poise.risk.parametric import cornish_fisher_tail, gaussian_tail, student_t_tail
from poise.typing import ArrayLike, Vector

TailMethod: TypeAlias = Literal["historical", "gaussian", "student_t", "cornish_fisher"]

_PARAMETRIC: dict[str, Callable[[Vector, float], tuple[float, float]]] = {
    "gaussian": gaussian_tail,
    "student_t": student_t_tail,
    "cornish_fisher": cornish_fisher_tail,
}


@dataclass(frozen=True, slots=True)
class TailRisk:
    """Two losses over one period, positive fractions of portfolio value, and how they were found.

    Attributes
    ----------
    value_at_risk : float
        The loss exceeded with probability ``1 - confidence_level``; negative where even that is a gain.
    conditional_value_at_risk : float
        The mean loss of the worst ``1 - confidence_level``, at least `value_at_risk`.
    method : str
        ``historical``, ``gaussian``, ``student_t``, ``cornish_fisher`` or ``filtered_historical``.
    """

    value_at_risk: float
    conditional_value_at_risk: float
    method: str


def value_at_risk(
    returns: ArrayLike,
    *,
    confidence_level: float = 0.95,
    method: TailMethod = "historical",
    weights: ArrayLike | None = None,
) -> Any:
    """Value at risk: the loss exceeded with probability ``1 - confidence_level``.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite. A frame gives one number per column.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.
    method : {"historical", "gaussian", "student_t", "cornish_fisher"}, default="historical"
        ``historical``: the loss of rank ``k = ceil(a n)`` among the n losses, ascending (NumPy's
        ``inverted_cdf``) [1]_. ``gaussian``: from mean and standard deviation (``ddof=1``). ``student_t``:
        the same with fat tails, degrees of freedom by maximum likelihood within 2.5 and 100.
        ``cornish_fisher``: the normal quantile corrected for skewness and kurtosis [2]_.
    weights : array_like of shape (n_observations,), optional
        Weight of each observation, not negative, of any scale; ``historical`` only. Half-life weights
        ``0.5 ** (age / half_life)`` give the method of Boudoukh, Richardson and Whitelaw [3]_.

    Returns
    -------
    float or vector of shape (n_assets,)
        Loss over one period, a positive fraction of portfolio value.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation.
    ParameterError
        If the level is outside (0, 1), the method unknown, a weight negative, or the skewness and kurtosis
        are outside the range where Cornish-Fisher quantiles rise with the level [4]_.
    NotEnoughDataError
        If a parametric method gets fewer than 2 (``gaussian``) or 4 observations.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2002). Conditional value-at-risk for general loss distributions.
       Journal of Banking & Finance 26.
    .. [2] Boudt, Peterson and Croux (2008). Estimation and decomposition of downside risk for portfolios with
       non-normal returns. Journal of Risk 11.
    .. [3] Boudoukh, Richardson and Whitelaw (1998). The best of both worlds. Risk 11.
    .. [4] Maillard (2012). A user's guide to the Cornish Fisher expansion.

    Examples
    --------
    >>> from poise.risk import value_at_risk
    >>> value_at_risk([0.01, -0.02, 0.005, -0.05, 0.03], confidence_level=0.75)
    0.02
    """
    return _tails(returns, confidence_level, method, weights)[0]


def conditional_value_at_risk(
    returns: ArrayLike,
    *,
    confidence_level: float = 0.95,
    method: TailMethod = "historical",
    weights: ArrayLike | None = None,
) -> Any:
    """Conditional value at risk: the mean loss of the worst ``1 - confidence_level``.

    Also called expected shortfall. Historically it is exactly the minimum of
    ``z + E[(loss - z)+] / (1 - confidence_level)`` over ``z``: the observation at the boundary counts in
    part, so it is not simply the mean of the losses beyond value at risk [1]_.

    Parameters
    ----------
    returns, confidence_level, method, weights
        As for :func:`value_at_risk`.

    Returns
    -------
    float or vector of shape (n_assets,)
        Loss over one period, a positive fraction of portfolio value; at least the value at risk.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError, NotEnoughDataError
        As :func:`value_at_risk`.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2002). Conditional value-at-risk for general loss distributions.
       Journal of Banking & Finance 26.

    Examples
    --------
    >>> from poise.risk import conditional_value_at_risk
    >>> conditional_value_at_risk([0.01, -0.02, 0.005, -0.05, 0.03], confidence_level=0.75)
    0.044
    """
    return _tails(returns, confidence_level, method, weights)[1]


def tail_risk(
    returns: ArrayLike,
    *,
    confidence_level: float = 0.95,
    method: TailMethod = "historical",
    weights: ArrayLike | None = None,
) -> TailRisk:
    """Value at risk and conditional value at risk of one series, in one pass.

    Parameters
    ----------
    returns : array_like of shape (n_observations,)
        Simple returns per period, as fractions. Finite.
    confidence_level, method, weights
        As for :func:`value_at_risk`.

    Returns
    -------
    TailRisk

    Raises
    ------
    ShapeError
        If there is more than one series.
    NonFiniteError, EmptyInputError, ParameterError, NotEnoughDataError
        As :func:`value_at_risk`.
    """
    var, cvar = _tails(returns, confidence_level, method, weights)
    if type(var) is not float:
        raise ShapeError(
            "tail_risk takes one series; use value_at_risk and conditional_value_at_risk for several"
        )
    return TailRisk(var, cvar, method)


def _tails(
    returns: ArrayLike, confidence_level: float, method: str, weights: ArrayLike | None
) -> tuple[Any, Any]:
    if method == "historical" and weights is None:
        # Most calls end here: a plain series in a loop.
        plain = _native.plain_historical_tail(returns, confidence_level)
        if plain is not None:
            return plain
    level = as_level(confidence_level)
    array, labels = unwrap_returns(returns)
    if method == "historical" and weights is None:
        if array.ndim == 1:
            return _native.historical_tail(array, level)
        var, cvar = _native.historical_tail_columns(array, level)
        return labels.vector(var), labels.vector(cvar)
    columns = array if array.ndim == 2 else array[:, np.newaxis]
    if method == "historical":
        var, cvar = _native.weighted_tail(columns, _observation_weights(weights), level)
    else:
        tail = _parametric(method, weights)
        require_finite(array, "returns")
        pairs = [tail(column, level) for column in columns.T]
        var, cvar = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    if array.ndim == 1:
        return float(var[0]), float(cvar[0])
    return labels.vector(var), labels.vector(cvar)


def _observation_weights(weights: ArrayLike) -> Vector:
    array, _ = unwrap_vector(weights, "weights")
    negative = np.flatnonzero(array < 0)
    if negative.size:
        first = int(negative[0])
        raise ParameterError(f"weights holds {array[first]} at index {first}, expected zero or more")
    return array


def _parametric(method: str, weights: ArrayLike | None) -> Callable[[Vector, float], tuple[float, float]]:
    if method not in _PARAMETRIC:
        raise ParameterError(
            f"method is {method!r}, expected one of {', '.join(get_args(TailMethod))}"
            f"{did_you_mean(str(method), get_args(TailMethod))}"
        )
    if weights is not None:
        raise ParameterError(f"weights go with method 'historical' only, not with {method!r}; leave them out")
    return _PARAMETRIC[method]
