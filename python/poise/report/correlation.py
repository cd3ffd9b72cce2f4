"""A correlation matrix by name, in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping

from poise.moments import CorrelationSummary, correlation_summary


def named_summary(correlation: Mapping[str, Mapping[str, float]]) -> CorrelationSummary:
    """Return the summary of a matrix as the metrics carry it, symbol to symbol to correlation.

    Parameters
    ----------
    correlation : mapping of str to mapping of str to float
        NaN where a pair is unknown.
    """
    import pandas as pd

    return correlation_summary(pd.DataFrame({a: dict(row) for a, row in correlation.items()}))
