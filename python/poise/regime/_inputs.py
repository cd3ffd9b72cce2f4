"""Reading the arguments that the fitted models of this room share."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from poise.errors import ParameterError

_MOST = 10**9
_LAST_SEED = 2**64 - 1


def as_count(value: Any, name: str) -> int:
    """Return a whole number of at least one."""
    return _whole(value, name, 1, _MOST)


def as_seed(value: Any) -> int:
    """Return a seed of 64 bits."""
    return _whole(value, "seed", 0, _LAST_SEED)


def as_not_negative(value: Any, name: str) -> float:
    """Return a finite number of at least zero."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ParameterError(f"{name} is {value!r} ({type(value).__name__}), expected a number")
    number = float(value)
    if not (number >= 0.0 and math.isfinite(number)):
        raise ParameterError(f"{name} is {value}, expected a finite number of at least 0")
    return number


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ParameterError(f"{name} is {value!r} ({type(value).__name__}), expected a whole number")
    if not least <= value <= most:
        raise ParameterError(f"{name} is {value}, expected a whole number between {least} and {most}")
    return int(value)
