"""Measure covariance and correlation: estimators that forget, the plain sample and its shrinkage.

Returns are simple, as fractions, of shape ``(n_observations, n_assets)``. NaN means missing and is handled
pair by pair, except where a docstring refuses it. Numpy, pandas and polars come out as they went in.
"""

from poise.moments.decay import half_life_of_window
from poise.moments.estimator import EwmaCovariance
from poise.moments.ewma import ewma_correlation, ewma_covariance
from poise.moments.sample import sample_covariance
from poise.moments.shrinkage import ShrunkCovariance, constant_correlation_shrinkage

__all__ = [
    "EwmaCovariance",
    "ShrunkCovariance",
    "constant_correlation_shrinkage",
    "ewma_correlation",
    "ewma_covariance",
    "half_life_of_window",
    "sample_covariance",
]
