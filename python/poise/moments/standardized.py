"""What estimators share when they label or scale their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poise.domain.labels import Labels
from poise.typing import Matrix


def correlation_of(covariance: Matrix) -> Matrix:
    """Return the correlation of a covariance: 0 beside an asset that never moved, NaN where it is NaN."""
    deviation = np.sqrt(np.diag(covariance))
    scale = np.outer(deviation, deviation)
    nothing = np.where(np.isnan(covariance), np.nan, 0.0)
    correlation: Matrix = np.divide(covariance, scale, out=nothing, where=scale > 0.0)
    np.clip(correlation, -1.0, 1.0, out=correlation)
    np.fill_diagonal(correlation, np.where(np.isnan(deviation), np.nan, 1.0))
    return correlation


def with_rows(labels: Labels, name: str, rows: Sequence[Any]) -> Labels:
    """Return labels whose rows are `rows`, under `name` where the library names them."""
    if labels.kind == "numpy":
        return labels
    if labels.kind == "polars":
        times = Labels("polars", name=name).series(np.array(rows))
        return Labels("polars", assets=labels.assets, times=times)
    return Labels("pandas", assets=labels.assets, times=Labels("pandas", name=name).series(np.array(rows)))
