"""How far from the truth a new listing's correlations are shown, against estimators that begin at zero."""

from __future__ import annotations

import numpy as np
import pytest

from poise.moments import IteratedEwmaCovariance

pytestmark = pytest.mark.slow

TRUTH = 0.60
HALF_LIFE = 40.0
SEEDS = 2000


def seeded_at_zero(R):
    """Correlation of the last asset with the others where its row joins the matrix as zeros."""
    beta = 0.5 ** (1.0 / HALF_LIFE)
    S = np.zeros((5, 5))
    for z in np.nan_to_num(R / 0.01):
        S = beta * S + (1.0 - beta) * np.outer(z, z)
    deviation = np.sqrt(np.diag(S))
    return float(np.mean((S / np.outer(deviation, deviation))[-1, :-1]))


def drawn(seed, n_own):
    rng = np.random.default_rng(seed)
    truth = np.full((5, 5), TRUTH) + (1.0 - TRUTH) * np.eye(5)
    R = 0.01 * rng.normal(size=(300 + n_own, 5)) @ np.linalg.cholesky(truth).T
    R[:300, 4] = np.nan
    return R


@pytest.mark.parametrize("n_own", [25, 40, 80, 160])
def test_the_mean_estimate_of_a_late_listing(n_own, capsys):
    found = []
    for seed in range(SEEDS):
        estimator = IteratedEwmaCovariance(HALF_LIFE, HALF_LIFE).fit(drawn(seed, n_own))
        found.append(estimator.correlation_[4, :4].mean())
    naive = [seeded_at_zero(drawn(seed, n_own)) for seed in range(100)]
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(SEEDS)
    with capsys.disabled():
        print(  # noqa: T201 - the figure is what the experiment is for
            f"\nlate listing, true {TRUTH:.2f}, half-life {HALF_LIFE:g}, {n_own} own bars: "
            f"{mean:.4f} +- {error:.4f} ({SEEDS} seeds); begun at zero {np.mean(naive):.4f}"
        )
    assert abs(mean - TRUTH) < 0.03
    assert error < 0.005
    # The comparison has teeth: what begins at zero is far off while the listing is young.
    assert n_own > 40 or np.mean(naive) < TRUTH - 0.1
