"""Half-lives: the only public measure of how fast an estimator forgets."""

from __future__ import annotations

import math
from typing import Any

from poise.errors import ParameterError


def half_life_of_window(window: float) -> float:
    """Half-life whose weights reach as far back as a window of `window` bars.

    Both have the same centre of mass: the half-life of pandas' ``span``.

    Parameters
    ----------
    window : float
        Observations; more than 1.

    Returns
    -------
    float
        ``ln 2 / ln((window + 1) / (window - 1))`` observations.

    Raises
    ------
    ParameterError
        If the window is not a finite number above 1.

    Examples
    --------
    >>> round(half_life_of_window(30), 1)
    10.4
    """
    width = _real(window, "window")
    if not (math.isfinite(width) and width > 1.0):
        raise ParameterError(f"window is {window}, expected more than 1 observation")
    return math.log(2.0) / math.log1p(2.0 / (width - 1.0))


def checked_half_life(half_life: Any, name: str = "half_life") -> float:
    """Return a half-life as a float.

    Raises
    ------
    ParameterError
        If it is not a positive finite number.
    """
    value = _real(half_life, name)
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} is {half_life}, expected a positive number of observations")
    return value


def _real(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is {value!r}, expected a number of observations") from None
