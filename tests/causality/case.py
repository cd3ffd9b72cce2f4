"""What a case is, and the data that most of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.prices import PricePanel
from poise.testing import simulated_market


@dataclass(frozen=True)
class Case:
    """A computation with one answer per row, and the public names (``room.name``) that it is a case of."""

    compute: Callable[[Any], Any]
    data: Any
    covers: tuple[str, ...]
    rows: tuple[int, ...] | None = None
    scale: float = 0.02


def returns(n_rows: int = 70, n_assets: int = 3, *, seed: int = 1, gaps: bool = True) -> np.ndarray:
    """Simple returns; with gaps the last asset comes late and a tenth of the others is missing."""
    rng = np.random.default_rng(seed)
    R = 0.02 * (rng.normal(size=(n_rows, 1)) + rng.normal(size=(n_rows, n_assets)))
    R *= np.where(np.arange(n_rows) // 25 % 2, 2.5, 1.0)[:, None]
    if gaps:
        R[rng.random(R.shape) < 0.1] = np.nan
        R[: n_rows // 4, -1] = np.nan
    return R


def daily(n_days: int, n_assets: int = 4, *, seed: int = 3) -> PricePanel:
    return simulated_market(seed=seed, n_assets=n_assets, days=n_days, late_listings=1).panel
