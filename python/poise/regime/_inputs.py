"""Reading the arguments that the models of this room share."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NonFiniteError, ParameterError
from poise.typing import Matrix, Vector

_MOST = 10**9
_LAST_SEED = 2**64 - 1
_LARGEST_RETURN = 1e100


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


def check_index_weights(weights: Vector) -> None:
    """Refuse weights that are not finite, negative or all zero."""
    for i, weight in enumerate(weights):
        if not np.isfinite(weight):
            raise NonFiniteError(f"weights[{i}] is {weight}; pass a finite number")
        if weight < 0.0:
            raise ParameterError(f"weights[{i}] is {weight}, expected 0 or more")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not total > 0.0:
        raise ParameterError("weights are all zero; give at least one asset a weight")
    if not np.isfinite(total):
        raise ParameterError("weights sum to more than a float can hold; divide them by their largest")


def refuse_infinite(returns: Vector | Matrix, labels: Labels) -> None:
    """Refuse infinities, and numbers whose squares would become infinite."""
    bad = np.abs(returns) > _LARGEST_RETURN
    if not bad.any():
        return
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    column = place[-1]
    asset = f"column {column}" if labels.names is None else f"column {column} ({labels.names[column]})"
    where = asset if len(place) == 1 else f"row {place[0]}, {asset}"
    raise NonFiniteError(f"the return at {where} is {returns[place]}; pass NaN where it is missing")
