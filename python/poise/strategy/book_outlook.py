"""What the outlook says of a book in the time of a live bar: without the matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from poise.moments import IteratedEwmaCovariance, ShrunkEwmaCovariance
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


def book_outlook(
    engine: IteratedEwmaCovariance, noise: ShrunkEwmaCovariance, fractions: Vector
) -> BookOutlook | None:
    """Read a book from the estimate shrunk as the noise asks; None where only the matrix itself can tell.

    Parameters
    ----------
    engine : IteratedEwmaCovariance
    noise : ShrunkEwmaCovariance
        Tells how far the engine's correlation is shrunk towards the mean of all pairs.
    fractions : ndarray of shape (n_assets,)
    """
    found = engine.book_moments(fractions)
    if found is None or not found.variance > 0.0:
        return None
    mean, intensity = found.mean_correlation, noise.kernel.noise_intensity()
    kept = 1.0 - intensity
    target = shrinkage_target(mean, len(fractions)) if len(fractions) > 1 else math.nan
    if not needs_no_floor(target, intensity):
        return None
    correlation = partial(_shrunk, engine.kernel.__copy__().correlation, mean, intensity)
    if found.n_held < 2:
        return BookOutlook(1.0, math.nan, correlation)
    # x'(kept C + (1 - kept) F)x of the constant correlation F, which has ones on its diagonal, too.
    constant = target * found.exposure**2 + (1.0 - target) * found.squares
    volatility = math.sqrt(kept * found.variance + intensity * constant)
    return BookOutlook(
        diversification_ratio=max(found.gross / volatility, 1.0),
        average_correlation=kept * found.mean_correlation_held + intensity * target,
        correlation=correlation,
    )


def _shrunk(estimate: Callable[[], Matrix], mean: float, intensity: float) -> Matrix:
    return shrunk_correlation(estimate(), mean, intensity)
