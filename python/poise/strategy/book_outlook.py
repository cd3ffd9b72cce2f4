"""What the outlook says of a book in the time of a live bar: without the matrix."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from poise.moments import IteratedEwmaCovariance
from poise.strategy.correlation_repair import needs_no_floor, shrinkage_target, shrunk_correlation
from poise.typing import Matrix, Vector


class BookOutlook(NamedTuple):
    """What the second moments expected for the next bar say of one book.

    Attributes
    ----------
    diversification_ratio : float
        At least 1; 1 for fewer than two assets.
    average_correlation : float
        Of the assets held; NaN for fewer than two.
    correlation : callable
        Returns the correlation matrix of that moment, whatever was learned since.
    """

    diversification_ratio: float
    average_correlation: float
    correlation: Callable[[], Matrix]


def book_outlook(engine: IteratedEwmaCovariance, intensity: float, fractions: Vector) -> BookOutlook | None:
    """Read a book from the estimate shrunk by `intensity`; None where only the matrix itself can tell.

    Parameters
    ----------
    engine : IteratedEwmaCovariance
    intensity : float
        How far its correlation is shrunk towards the mean of all pairs.
    fractions : ndarray of shape (n_assets,)
    """
    found = engine.book_moments(fractions)
    if found is None or not found.variance > 0.0:
        return None
    mean, kept = found.mean_correlation, 1.0 - intensity
    target = shrinkage_target(mean, len(fractions)) if len(fractions) > 1 else math.nan
    if not needs_no_floor(target, intensity):
        return None
    # x'(kept C + (1 - kept) F)x of the constant correlation F, which has ones on its diagonal, too.
    constant = target * found.exposure**2 + (1.0 - target) * found.squares
    volatility = math.sqrt(kept * found.variance + intensity * constant)
    several = found.n_held > 1
    return BookOutlook(
        diversification_ratio=max(found.gross / volatility, 1.0) if several else 1.0,
        average_correlation=kept * found.mean_correlation_held + intensity * target if several else math.nan,
        correlation=partial(_shrunk, copy.copy(engine), mean, intensity),
    )


def _shrunk(engine: IteratedEwmaCovariance, mean: float, intensity: float) -> Matrix:
    return shrunk_correlation(np.asarray(engine.correlation_), mean, intensity)
