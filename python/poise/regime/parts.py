"""The detector's state machine as plain values that JSON holds, and back.

Numbers are written as the shortest text that reads back to the same bits, so a restored detector goes on
exactly as the saved one would.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from poise.domain.regime import RegimeState
from poise.errors import StateError
from poise.regime.calibration import Calibration, Call, IsotonicMap
from poise.regime.engine import RegimeEngine
from poise.regime.features import AverageCorrelation, ExponentialMean, FeatureTracker, Reading
from poise.regime.hysteresis import Hysteresis
from poise.regime.persistence import Persistence
from poise.regime.rolling import RollingMoments, RollingQuantile
from poise.regime.rules import AdaptiveThresholds, Thresholds

_PARTS = {
    part.__name__: part
    for part in (
        AdaptiveThresholds,
        AverageCorrelation,
        Calibration,
        ExponentialMean,
        FeatureTracker,
        Hysteresis,
        IsotonicMap,
        Persistence,
        RegimeEngine,
        RollingMoments,
        RollingQuantile,
    )
}
"""Classes that are what their attributes are."""

_RECORDS = {record.__name__: record for record in (Call, Reading, Thresholds)}


def as_plain(value: Any) -> Any:
    """Return numbers, text, None and lists as they are, all else as its kind and contents."""
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, deque):
        return {"deque": [as_plain(item) for item in value], "most": value.maxlen}
    if kind in _RECORDS or type(value) is tuple:
        return {kind: [as_plain(item) for item in value]}
    if isinstance(value, RegimeState):
        return {kind: value.to_dict()}
    if kind in _PARTS:
        return {kind: {name: as_plain(item) for name, item in vars(value).items()}}
    raise TypeError(f"a detector holds no {kind}")


def restored(value: Any) -> Any:
    """Return what :func:`as_plain` was given.

    Raises
    ------
    StateError
        If it names what no detector holds.
    """
    if isinstance(value, list):
        return [restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind, contents = next(iter(value.items()))
    if kind == "array":
        return np.array(contents, dtype=np.float64)
    if kind == "deque":
        return deque(restored(contents), maxlen=value["most"])
    if kind == "tuple":
        return tuple(restored(contents))
    if kind in _RECORDS:
        return _RECORDS[kind](*restored(contents))
    if kind == "RegimeState":
        return RegimeState(**contents)
    if kind not in _PARTS:
        raise StateError(
            f"the saved state holds a {kind}, which no detector of this version has; upgrade poise"
        )
    part = object.__new__(_PARTS[kind])
    part.__dict__.update({name: restored(item) for name, item in contents.items()})
    return part
