"""How fast are value at risk, conditional value at risk and drawdowns beside NumPy and pandas?

Questions: one sample (n=1000, n=100000), a rolling window (T=100000, w=250), max drawdown (T=1000000).
Run with ``python benches/bench_risk.py [seconds per contender]``.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.harness import Case, measure, table
from poise import risk

CONFIDENCE_LEVEL = 0.95


def cases() -> list[Case]:
    rng = np.random.default_rng(7)
    returns = 0.02 * rng.standard_t(4, size=1_000_000)
    return [
        *(_one_shot(returns[:n]) for n in (1_000, 100_000)),
        _rolling(returns[:100_000], window=250),
        _drawdown(returns),
    ]


def _one_shot(returns: np.ndarray) -> Case:
    worst = round((1 - CONFIDENCE_LEVEL) * len(returns))
    series = pd.Series(returns)

    def with_partition() -> tuple[float, float]:
        parted = np.partition(returns, worst)
        return -parted[worst], -parted[:worst].mean()

    found = risk.tail_risk(returns)
    np.testing.assert_allclose(
        (found.value_at_risk, found.conditional_value_at_risk), with_partition(), rtol=1e-12
    )
    return Case(
        question="historical VaR and CVaR, one sample",
        size=f"n={len(returns)}",
        contenders={
            "poise.risk.tail_risk": lambda: risk.tail_risk(returns),
            "numpy partition, both": with_partition,
            "pandas quantile, VaR only": lambda: (
                -series.quantile(1 - CONFIDENCE_LEVEL, interpolation="lower")
            ),
        },
    )


def _rolling(returns: np.ndarray, window: int) -> Case:
    series = pd.Series(returns)
    worst = int((1 - CONFIDENCE_LEVEL) * window + 1e-9)
    fraction = (1 - CONFIDENCE_LEVEL) * window - worst

    def with_partition() -> tuple[np.ndarray, np.ndarray]:
        parted = np.partition(np.lib.stride_tricks.sliding_window_view(returns, window), worst, axis=1)
        boundary = parted[:, worst]
        tail = parted[:, :worst].sum(axis=1) + fraction * boundary
        return -boundary, -tail / (worst + fraction)

    for ours, theirs in zip(risk.rolling_tail_risk(returns, window=window), with_partition(), strict=True):
        np.testing.assert_allclose(ours[window - 1 :], theirs, rtol=1e-10)
    return Case(
        question="rolling VaR and CVaR",
        size=f"T={len(returns)} w={window}",
        contenders={
            "poise.risk.rolling_tail_risk": lambda: risk.rolling_tail_risk(returns, window=window),
            "numpy partition of every window, both": with_partition,
            "pandas rolling quantile, VaR only": lambda: series.rolling(window).quantile(
                1 - CONFIDENCE_LEVEL
            ),
        },
    )


def _drawdown(returns: np.ndarray) -> Case:
    # Fat tails compound to zero within a million steps: small moves keep the value in the range of a float.
    calm = returns / 100

    def with_numpy() -> float:
        value = np.concatenate([[1.0], np.cumprod(1 + calm)])
        return float(np.max(1 - value / np.maximum.accumulate(value)))

    np.testing.assert_allclose(risk.max_drawdown(calm), with_numpy(), rtol=1e-9)
    return Case(
        question="max drawdown",
        size=f"T={len(calm)}",
        contenders={"poise.risk.max_drawdown": lambda: risk.max_drawdown(calm), "numpy": with_numpy},
    )


if __name__ == "__main__":
    SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, pandas {pd.__version__}\n"
    )
    print(table(measure(case, SECONDS) for case in cases()))
