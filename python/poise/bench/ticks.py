"""The latency of the live path: one row into what lives from bar to bar, the matrix read or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from poise.bench.inputs import simulated_returns
from poise.bench.latency import Latency, time_calls
from poise.moments import EwmaCovariance
from poise.risk import RiskEngine

HALF_LIFE = 30.0
N_ROWS = 512
READS_PER_TICK = 20
"""A matrix is read in one of so many ticks of a run: a copy of a large one takes longer than all else."""


def tick_latencies(n_assets: int, n_ticks: int) -> list[Latency]:
    """Time single ticks of everything that is updated bar by bar.

    Parameters
    ----------
    n_assets : int
    n_ticks : int
        Calls of each; those that read a matrix get a twentieth.

    Returns
    -------
    list of Latency
        In the order of the table.
    """
    rows = list(simulated_returns(N_ROWS, n_assets))
    found = []
    for name, call, n_calls in _ways(n_assets, n_ticks):
        for row in rows:
            call(row)
        found.append(time_calls(f"N={n_assets} {name}", call, rows, n_calls))
    return found


def _ways(n_assets: int, n_ticks: int) -> list[tuple[str, Callable[[Any], object], int]]:
    engine = RiskEngine(n_assets, weights=np.full(n_assets, 1.0 / n_assets), half_life=HALF_LIFE)
    n_reads = max(n_ticks // READS_PER_TICK, 100)
    return [
        ("EwmaCovariance.partial_fit", EwmaCovariance(HALF_LIFE).partial_fit, n_ticks),
        ("EwmaCovariance, tick and covariance_", _read_after_tick(), n_reads),
        ("RiskEngine.update", engine.update, n_ticks),
    ]


def _read_after_tick() -> Callable[[Any], object]:
    estimator = EwmaCovariance(HALF_LIFE)

    def tick_and_read(row: Any) -> object:
        return estimator.partial_fit(row).covariance_

    return tick_and_read
