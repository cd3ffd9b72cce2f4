"""The choices of an exponentially weighted estimator, checked in one place."""

from __future__ import annotations

from typing import Any, TypedDict

from poise.moments.decay import checked_half_life


class EwmaRule(TypedDict):
    """Keyword arguments of the kernels; meanings as in :func:`poise.moments.ewma_covariance`."""

    half_life: float
    adjust: bool
    bias: bool
    ignore_na: bool
    demean: bool


def ewma_rule(half_life: Any, *, adjust: bool, bias: bool, ignore_na: bool, demean: bool) -> EwmaRule:
    """Return the choices as plain values.

    Raises
    ------
    ParameterError
        If `half_life` is not a positive finite number.
    """
    return {
        "half_life": checked_half_life(half_life),
        "adjust": bool(adjust),
        "bias": bool(bias),
        "ignore_na": bool(ignore_na),
        "demean": bool(demean),
    }
