"""A line chart in one row of text."""

from __future__ import annotations

import numpy as np

from poise.typing import Vector

_LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Vector, *, lowest: float, highest: float, width: int = 60) -> str:
    """Return `values` as at most `width` block characters, from `lowest` to `highest`.

    Parameters
    ----------
    values : ndarray of shape (n_observations,)
        Finite. More of them than characters are thinned evenly, first and last kept.
    lowest, highest : float
        The scale, so that two lines can be compared.
    """
    places = np.linspace(0, len(values) - 1, min(width, len(values))).round().astype(int)
    spread = highest - lowest
    shares = (values[places] - lowest) / spread if spread > 0.0 else np.full(len(places), 0.5)
    steps = np.clip((shares * len(_LEVELS)).astype(int), 0, len(_LEVELS) - 1)
    return "".join(_LEVELS[step] for step in steps)
