"""The figures of ``poise.performance``, formula by formula."""

from __future__ import annotations

import math

import numpy as np

from tests.reference import risk

ROUNDING = 1e-14


def figures(returns: np.ndarray, target: float) -> dict[str, float]:
    """One series; NaN where a figure has no meaning. Powers in units of the largest value cannot overflow."""
    n = len(returns)
    unit = np.abs(returns).max() or 1.0
    mean = math.fsum(returns / unit) / n
    second, third, fourth = (math.fsum((returns / unit - mean) ** k) / n for k in (2, 3, 4))
    agree = np.ptp(returns) <= ROUNDING * max(1.0, np.abs(returns).max())
    shortfalls = np.maximum(target - returns, 0.0)
    worst = shortfalls.max()
    return {
        "n_observations": n,
        "mean": mean * unit,
        "deviation": math.nan if n == 1 else 0.0 if agree else unit * math.sqrt(second * n / (n - 1)),
        "skewness": math.nan if agree else third / second**1.5,
        "kurtosis": math.nan if agree else fourth / second**2,
        "lowest": returns.min(),
        "highest": returns.max(),
        "downside_deviation": (
            worst * math.sqrt(math.fsum((shortfalls / worst) ** 2) / n) if worst > ROUNDING else math.nan
        ),
        "n_gains": np.count_nonzero(returns > 0),
        "sum_of_gains": math.fsum(returns[returns > 0]),
        "sum_of_losses": math.fsum(returns[returns < 0]),
        "log_growth": -math.inf if returns.min() <= -1 else math.fsum(np.log1p(returns)),
        "max_drawdown": risk.drawdowns(returns).max(),
        "longest_duration": risk.drawdown_duration(returns),
    }
