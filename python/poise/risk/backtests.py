"""Did the value at risk hold? Exceptions counted after the fact, against the number that was promised.

An exception is a return below minus the value at risk that was forecast for it before it was known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_vector
from poise.errors import ParameterError
from poise.risk._inputs import as_count, as_level, require_finite
from poise.typing import ArrayLike

Zone: TypeAlias = Literal["green", "yellow", "red"]


@dataclass(frozen=True, slots=True)
class KupiecResult:
    """Whether exceptions are as frequent as promised.

    Attributes
    ----------
    statistic : float
        Likelihood ratio, zero or more; 0 where the frequency is the promised one.
    p_value : float
        Chance of a statistic at least as large under a true model (chi-squared, 1 degree of freedom).
    exception_rate : float
        Exceptions over observations; ``1 - confidence_level`` was promised.
    """

    statistic: float
    p_value: float
    exception_rate: float


@dataclass(frozen=True, slots=True)
class ChristoffersenResult:
    """Whether exceptions are as frequent as promised and independent of the day before.

    Attributes
    ----------
    statistic, p_value : float
        Conditional coverage, both questions at once: the sum of the two ratios below (chi-squared, 2 degrees
        of freedom).
    coverage_statistic, coverage_p_value : float
        Frequency alone, from the second observation on (1 degree of freedom).
    independence_statistic, independence_p_value : float
        Whether an exception changes the chance of another on the next day (1 degree of freedom); 0 and 1
        where the sequence says nothing about it.
    transitions : tuple of tuple of int
        ``transitions[i][j]``: how often state i (0 calm, 1 exception) was followed by state j.
    """

    statistic: float
    p_value: float
    coverage_statistic: float
    coverage_p_value: float
    independence_statistic: float
    independence_p_value: float
    transitions: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class TrafficLightResult:
    """The zone of the Basel Committee.

    Attributes
    ----------
    zone : {"green", "yellow", "red"}
        Yellow from a cumulative probability of 95 %, red from 99.99 %.
    statistic : float
        The number of exceptions.
    p_value : float
        Chance of so many exceptions or more under a true model.
    cumulative_probability : float
        Chance of so many exceptions or fewer under a true model.
    """

    zone: Zone
    statistic: float
    p_value: float
    cumulative_probability: float


def kupiec_test(n_exceptions: int, n_observations: int, confidence_level: float) -> KupiecResult:
    """Test of the frequency of exceptions (proportion of failures).

    Parameters
    ----------
    n_exceptions : int
        Days on which the loss exceeded the value at risk.
    n_observations : int
        Days in all, at least 1. The p-value is that of many observations (250 or more).
    confidence_level : float
        Level of the value at risk, strictly between 0 and 1.

    Returns
    -------
    KupiecResult

    Raises
    ------
    ParameterError
        If a count is no whole number, the exceptions exceed the observations, or the level is outside (0, 1).

    References
    ----------
    .. [1] Kupiec (1995). Techniques for verifying the accuracy of risk measurement models.
       Journal of Derivatives 3.

    Examples
    --------
    >>> from poise.risk import kupiec_test
    >>> round(kupiec_test(7, 250, 0.99).statistic, 2)
    5.5
    """
    x, n = as_count(n_exceptions, "n_exceptions"), as_count(n_observations, "n_observations")
    statistic, p_value = _native.kupiec(x, n, as_level(confidence_level))
    return KupiecResult(statistic, p_value, x / n)


def christoffersen_test(exceptions: ArrayLike, confidence_level: float) -> ChristoffersenResult:
    """Test of the frequency of exceptions and of their independence from one day to the next.

    Parameters
    ----------
    exceptions : array_like of shape (n_observations,)
        True (or 1) where the loss exceeded the value at risk, in time order; at least two.
    confidence_level : float
        Level of the value at risk, strictly between 0 and 1.

    Returns
    -------
    ChristoffersenResult

    Raises
    ------
    NotEnoughDataError
        If there are fewer than two observations.
    NonFiniteError
        If a value is NaN or infinite; the message names the first index.
    ParameterError
        If a value is neither 0 nor 1 (the message names the first index), or the level is outside (0, 1).

    Notes
    -----
    The first observation has no day before it, so all three ratios are about the others.

    References
    ----------
    .. [1] Christoffersen (1998). Evaluating interval forecasts. International Economic Review 39.

    Examples
    --------
    >>> from poise.risk import christoffersen_test
    >>> in_a_row = [100 <= day < 105 for day in range(500)]
    >>> found = christoffersen_test(in_a_row, 0.99)
    >>> found.coverage_p_value > 0.9, found.independence_p_value < 0.001
    (True, True)
    """
    array, _ = unwrap_vector(exceptions, "exceptions")
    require_finite(array, "exceptions")
    odd = np.flatnonzero((array != 0) & (array != 1))
    if odd.size:
        first = int(odd[0])
        raise ParameterError(
            f"exceptions holds {array[first]} at index {first}, expected 0 or 1; "
            "pass returns < -value_at_risk"
        )
    coverage, independence, both, (calm, hit, relief, repeat) = _native.christoffersen(
        array.astype(np.bool_), as_level(confidence_level)
    )
    return ChristoffersenResult(*both, *coverage, *independence, transitions=((calm, hit), (relief, repeat)))


def traffic_light(
    n_exceptions: int, n_observations: int, confidence_level: float = 0.99
) -> TrafficLightResult:
    """Zone of the Basel Committee: green, yellow or red, by the binomial distribution of exceptions.

    Parameters
    ----------
    n_exceptions : int
        Days on which the loss exceeded the value at risk.
    n_observations : int
        Days in all, at least 1; 250 in the Committee's table.
    confidence_level : float, default=0.99
        Level of the value at risk, strictly between 0 and 1.

    Returns
    -------
    TrafficLightResult

    Raises
    ------
    ParameterError
        If a count is no whole number, the exceptions exceed the observations, or the level is outside (0, 1).

    References
    ----------
    .. [1] Basel Committee on Banking Supervision (1996). Supervisory framework for the use of "backtesting"
       in conjunction with the internal models approach to market risk capital requirements.

    Examples
    --------
    >>> from poise.risk import traffic_light
    >>> [traffic_light(n, 250).zone for n in (4, 5, 9, 10)]
    ['green', 'yellow', 'yellow', 'red']
    """
    x, n = as_count(n_exceptions, "n_exceptions"), as_count(n_observations, "n_observations")
    zone, cumulative, p_value = _native.traffic_light(x, n, as_level(confidence_level))
    return TrafficLightResult(cast("Zone", zone), float(x), p_value, cumulative)
