"""Values for the tests of the benches."""

from __future__ import annotations

import numpy as np

from poise.bench import Latency


def latency() -> Latency:
    return Latency("N=5 tick", np.array([100, 150, 900, 4000]))
