"""Measure covariance and correlation: estimators that forget, the plain sample, its shrinkage and repair.

Returns are simple, as fractions, of shape ``(n_observations, n_assets)``. NaN means missing and is handled
pair by pair, except where a docstring says otherwise. Numpy, pandas and polars come out as they went in.
"""

from poise.moments.asynchronous import AsynchronousCovariance, hayashi_yoshida
from poise.moments.cross_market import CrossMarketCorrelation
from poise.moments.cross_reading import CrossMarketPair
from poise.moments.decay import half_life_of_window
from poise.moments.estimator import EwmaCovariance
from poise.moments.ewma import ewma_correlation, ewma_covariance
from poise.moments.half_lives import MultiHalfLifeCovariance
from poise.moments.iterated import IteratedEwmaCovariance
from poise.moments.means import ShrunkMeans, james_stein_means
from poise.moments.nearest import nearest_correlation
from poise.moments.nonlinear import nonlinear_shrinkage
from poise.moments.packed import unpack
from poise.moments.regimes import RegimeCovariance
from poise.moments.rolling import RollingCovariance, rolling_covariance
from poise.moments.sample import sample_covariance
from poise.moments.shrinkage import ShrunkCovariance, constant_correlation_shrinkage, ledoit_wolf, oas
from poise.moments.shrunk import ShrunkEwmaCovariance
from poise.moments.summary import CorrelatedPair, CorrelationSummary, correlation_summary
from poise.moments.timeframes import MultiTimeframeCovariance

__all__ = [
    "AsynchronousCovariance",
    "CorrelatedPair",
    "CorrelationSummary",
    "CrossMarketCorrelation",
    "CrossMarketPair",
    "EwmaCovariance",
    "IteratedEwmaCovariance",
    "MultiHalfLifeCovariance",
    "MultiTimeframeCovariance",
    "RegimeCovariance",
    "RollingCovariance",
    "ShrunkCovariance",
    "ShrunkEwmaCovariance",
    "ShrunkMeans",
    "constant_correlation_shrinkage",
    "correlation_summary",
    "ewma_correlation",
    "ewma_covariance",
    "half_life_of_window",
    "hayashi_yoshida",
    "james_stein_means",
    "ledoit_wolf",
    "nearest_correlation",
    "nonlinear_shrinkage",
    "oas",
    "rolling_covariance",
    "sample_covariance",
    "unpack",
]
