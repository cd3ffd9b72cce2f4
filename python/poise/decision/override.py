"""A correlation of the caller's in place of the estimate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from poise.errors import ShapeError
from poise.strategy import Outlook
from poise.typing import Matrix


def with_correlation(outlook: Outlook, correlation: Matrix) -> Outlook:
    """Return `outlook` with its correlation replaced, the covariance rebuilt from its volatilities.

    Raises
    ------
    ShapeError
        If the matrix does not match the symbols.
    """
    n_assets = len(outlook.symbols)
    if correlation.shape != (n_assets, n_assets):
        raise ShapeError(f"correlation has shape {correlation.shape}, expected ({n_assets}, {n_assets})")
    used = outlook.active & ~outlook.degenerate
    pairs = correlation[np.ix_(used, used)][np.triu_indices(int(used.sum()), k=1)]
    pairs = pairs[np.isfinite(pairs)]
    return replace(
        outlook,
        correlation=correlation,
        covariance=correlation * np.outer(outlook.volatility, outlook.volatility),
        average_correlation=float(pairs.mean()) if len(pairs) else math.nan,
    )
