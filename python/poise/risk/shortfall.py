"""Did the expected shortfall hold? Losses beyond the value at risk, against what was forecast for them."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from poise import _native
from poise.domain.labels import Labels, unwrap_vector
from poise.errors import ParameterError
from poise.risk._inputs import as_level, as_number, require_finite, require_same_rows
from poise.risk._shortfall_null import FEWEST_DEGREES, MOST_DEGREES, implied_degrees, shortfall_null
from poise.typing import ArrayLike, Vector

SIGNIFICANCE = 0.05
"""How often a true model is rejected at `AcerbiSzekelyResult.critical_value`."""


@dataclass(frozen=True, slots=True)
class AcerbiSzekelyResult:
    """Whether losses beyond the value at risk were as many and as large as forecast.

    Attributes
    ----------
    statistic : float
        Z2: 0 expected, 1 without exceptions, negative where number times size exceeds the forecasts.
    p_value : float
        Chance of a statistic at least as low under a true model, to about 1e-4.
    critical_value : float
        The model is rejected at 5 % where `statistic` is at or below this.
    z1 : float
        The size of the exceptions alone: 0 expected, negative where they were larger; NaN without any.
    n_exceptions : int
        Returns below minus the value at risk.
    degrees_of_freedom : float
        Of the Student t tail behind `p_value` and `critical_value`; 100 stands for the normal distribution.
    """

    statistic: float
    p_value: float
    critical_value: float
    z1: float
    n_exceptions: int
    degrees_of_freedom: float


def acerbi_szekely_test(
    returns: ArrayLike,
    value_at_risk: ArrayLike,
    expected_shortfall: ArrayLike,
    *,
    confidence_level: float = 0.975,
    degrees_of_freedom: float | None = None,
) -> AcerbiSzekelyResult:
    """Test of expected shortfall (conditional value at risk) forecasts: the second of Acerbi and Szekely.

    Parameters
    ----------
    returns : array_like of shape (n_observations,)
        What happened: simple returns, as fractions. Finite.
    value_at_risk, expected_shortfall : float or array_like of shape (n_observations,)
        What was forecast for the same rows before they were known: positive losses, as fractions. A rolling
        estimate knows its own row, so shift it by one first.
    confidence_level : float, default=0.975
        Level of both forecasts, at least 0.5 and below 1.
    degrees_of_freedom : float, optional
        Of the Student t tail that a true model is supposed to have, 2.5 or more; from 100 on the normal
        distribution. None takes the tail that the forecasts imply: the one whose shortfall over value at risk
        is the median of theirs.

    Returns
    -------
    AcerbiSzekelyResult

    Raises
    ------
    ShapeError
        If the lengths or the time labels differ.
    NonFiniteError
        If a value is NaN or infinite; the message names the first index.
    EmptyInputError
        If there is no observation.
    ParameterError
        If an expected shortfall is not positive or below its value at risk (the message names the index), or
        the level or the degrees of freedom are outside their range.

    Notes
    -----
    ``Z1 = sum(r I / ES) / N + 1`` and ``Z2 = sum(r I / ES) / (T (1 - a)) + 1`` with the exceptions
    ``I = 1{r < -VaR}``, N of them among T [1]_. Under a true model each return is an exception with
    chance ``1 - a`` and its loss over ES has the tail of a t distribution; the distribution of their
    compound sum is computed, not simulated, so the answer needs no random numbers.

    References
    ----------
    .. [1] Acerbi and Szekely (2014). Back-testing expected shortfall. Risk 27.

    Examples
    --------
    >>> from poise.risk import acerbi_szekely_test
    >>> calm, crash = [0.001] * 240, [-0.05] * 10
    >>> found = acerbi_szekely_test(calm + crash, 0.02, 0.025)
    >>> found.n_exceptions, round(found.statistic, 2), found.p_value < 0.01
    (10, -2.2, True)
    """
    level = as_level(confidence_level)
    if not 0.5 <= level < 1:
        raise ParameterError(f"confidence_level is {level}, expected at least 0.5 and below 1")
    array, labels = unwrap_vector(returns, "returns")
    var = _forecasts(value_at_risk, "value_at_risk", array, labels)
    shortfall = _forecasts(expected_shortfall, "expected_shortfall", array, labels)
    _require_sound(var, shortfall)
    degrees = _degrees(degrees_of_freedom, var, shortfall, level)
    z1, z2, n_exceptions = _native.acerbi_szekely(array, var, shortfall, level)
    null = shortfall_null(len(array), level, degrees)
    return AcerbiSzekelyResult(
        statistic=z2,
        p_value=null.probability_below(z2),
        critical_value=null.critical_value(SIGNIFICANCE),
        z1=z1,
        n_exceptions=n_exceptions,
        degrees_of_freedom=degrees,
    )


def _forecasts(values: ArrayLike, name: str, returns: Vector, labels: Labels) -> Vector:
    if isinstance(values, Real):
        array = np.full(len(returns), as_number(values, name))
    else:
        array, own = unwrap_vector(values, name)
        require_same_rows(len(returns), labels, len(array), own, names=("returns", name))
    require_finite(array, name)
    return array


def _require_sound(value_at_risk: Vector, expected_shortfall: Vector) -> None:
    # The mean of a tail may fall short of its beginning by rounding.
    below = expected_shortfall < value_at_risk - 1e-9 * np.abs(value_at_risk)
    for wrong, expected in (
        (expected_shortfall <= 0, "a positive loss"),
        (below, "at least the value at risk there; are the two swapped?"),
    ):
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ParameterError(
                f"expected_shortfall holds {expected_shortfall[first]} at index {first}, expected {expected}"
            )


def _degrees(
    chosen: float | None, value_at_risk: Vector, expected_shortfall: Vector, confidence_level: float
) -> float:
    if chosen is None:
        known = value_at_risk > 0
        ratios = expected_shortfall[known] / value_at_risk[known]
        return implied_degrees(float(np.median(ratios)), confidence_level) if ratios.size else MOST_DEGREES
    degrees = as_number(chosen, "degrees_of_freedom")
    if not degrees >= FEWEST_DEGREES:
        raise ParameterError(f"degrees_of_freedom is {degrees}, expected {FEWEST_DEGREES} or more")
    return min(degrees, MOST_DEGREES)
