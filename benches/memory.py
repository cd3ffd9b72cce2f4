"""Do a million ticks leave memory flat? ``python -m benches.memory [TICKS [ASSETS]]``; exit code 1 if not.

The rows come from one block that is made once, so that only the estimator could grow. Resident memory is
sampled through the run; the last half may grow by less than one percent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from poise.bench.inputs import simulated_returns
from poise.moments import EwmaCovariance

N_TICKS, N_ASSETS = 1_000_000, 1000
N_ROWS = 512
N_SAMPLES = 200
ALLOWED = 0.01
HALF_LIFE = 30.0


def resident_bytes() -> int:
    """What the process holds in memory, by the kernel's count."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def sample(
    n_ticks: int, n_assets: int, resident: Callable[[], int] = resident_bytes
) -> tuple[list[int], EwmaCovariance]:
    """Resident memory before the first tick and after each of ``N_SAMPLES`` equal parts of the run."""
    rows = list(simulated_returns(N_ROWS, n_assets))
    estimator = EwmaCovariance(HALF_LIFE)
    for row in rows:
        estimator.partial_fit(row)
    samples, done = [resident()], 0
    for part in range(1, N_SAMPLES + 1):
        until = n_ticks * part // N_SAMPLES
        for k in range(done, until):
            estimator.partial_fit(rows[k % N_ROWS])
        done = until
        samples.append(resident())
    return samples, estimator


def growth(samples: Sequence[int]) -> tuple[float, float]:
    """Growth of the first half of the run and of the last, as fractions."""
    middle = len(samples) // 2
    return samples[middle] / samples[0] - 1.0, samples[-1] / samples[middle] - 1.0


def main(arguments: Sequence[str]) -> int:
    n_ticks = int(arguments[0]) if arguments else N_TICKS
    n_assets = int(arguments[1]) if len(arguments) > 1 else N_ASSETS
    samples, _ = sample(n_ticks, n_assets)
    first, last = growth(samples)
    print(
        f"EwmaCovariance, N={n_assets}, {n_ticks} ticks: resident {samples[0] / 1e6:.1f} MB before, "
        f"{max(samples) / 1e6:.1f} MB at most, {samples[-1] / 1e6:.1f} MB after"
    )
    print(f"growth: first half {first:+.3%}, last half {last:+.3%}; below {ALLOWED:.0%} allowed in the last")
    return 0 if last < ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
