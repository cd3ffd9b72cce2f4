"""Names for the shapes and units that cross rooms."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NewType, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]
"""float64, one axis."""

Matrix: TypeAlias = npt.NDArray[np.float64]
"""float64, two axes; returns are ``(n_observations, n_assets)``."""

Times: TypeAlias = npt.NDArray[np.datetime64]
"""``datetime64[ns]``, UTC, increasing."""

ArrayLike: TypeAlias = Any
"""Anything :mod:`poise.domain.labels` can read: arrays, sequences, pandas or polars objects."""

Bounds: TypeAlias = tuple[Any, Any]
"""``(lower, upper)``, each a scalar or one value per asset."""

Money = NewType("Money", Decimal)
"""An amount of the account's currency, exact."""

Price = NewType("Price", Decimal)
"""Money per unit of an asset, exact."""

Quantity = NewType("Quantity", Decimal)
"""Units of an asset, exact, never negative; the side says which way."""

RegimeLabel: TypeAlias = Literal["bull", "bear", "sideways", "high_volatility"]
"""The four market regimes of the specification."""

REGIME_LABELS: tuple[RegimeLabel, ...] = ("bull", "bear", "sideways", "high_volatility")

Side: TypeAlias = Literal["buy", "sell"]

JsonValue: TypeAlias = Any
"""What :func:`poise.domain.strict_json.to_jsonable` returns: dict, list, str, int, float, bool or None."""


class Clock(Protocol):
    """Where time comes from; tests and paper trading hand in their own."""

    def now(self) -> datetime:
        """Return the current time, UTC and timezone-aware."""
        ...
