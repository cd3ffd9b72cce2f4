"""Change the future, and see whether the past notices."""

from __future__ import annotations

from dataclasses import replace
from typing import overload

import numpy as np

from poise.domain.prices import PricePanel
from poise.errors import InputError, ShapeError
from poise.typing import Matrix


@overload
def perturb_future(
    data: PricePanel, row: int, *, rng: np.random.Generator, scale: float = ...
) -> PricePanel: ...
@overload
def perturb_future(data: Matrix, row: int, *, rng: np.random.Generator, scale: float = ...) -> Matrix: ...
def perturb_future(
    data: PricePanel | Matrix, row: int, *, rng: np.random.Generator, scale: float = 0.1
) -> PricePanel | Matrix:
    """Return `data` with everything after row `row` changed, and everything up to it untouched.

    A causal computation gives the same output at and before `row` on both.

    Parameters
    ----------
    data : PricePanel or ndarray of shape (n_observations, ...)
        Prices are multiplied by positive random factors; an array (returns) gets normal noise added.
    row : int
        Last row that stays, counted from 0.
    rng : numpy.random.Generator
    scale : float, default=0.1
        Standard deviation of the noise (of the log for prices), positive.

    Returns
    -------
    PricePanel or ndarray
        A copy; missing values stay missing.

    Raises
    ------
    ShapeError
        If `row` is not a row before the last one: then there is no future to change.
    InputError
        If `scale` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from poise.risk import drawdowns
    >>> returns = np.array([0.01, -0.02, 0.03, -0.01])
    >>> other = perturb_future(returns, 1, rng=np.random.default_rng(0))
    >>> bool((drawdowns(returns)[:2] == drawdowns(other)[:2]).all())
    True
    """
    if not scale > 0.0:
        raise InputError(f"scale is {scale}, expected a positive number")
    n_rows = data.n_observations if isinstance(data, PricePanel) else len(data)
    if not 0 <= row < n_rows - 1:
        raise ShapeError(f"row is {row}; expected 0 to {n_rows - 2}, so that a future is left to change")
    if isinstance(data, PricePanel):
        return _perturbed_panel(data, row + 1, rng, scale)
    changed = np.array(data, dtype=np.float64)
    changed[row + 1 :] += scale * rng.standard_normal(changed[row + 1 :].shape)
    return changed


def _perturbed_panel(panel: PricePanel, start: int, rng: np.random.Generator, scale: float) -> PricePanel:
    def jolted(block: Matrix | None) -> Matrix | None:
        if block is None:
            return None
        copy = block.copy()
        copy[start:] *= np.exp(scale * rng.standard_normal(copy[start:].shape))
        return copy

    closes = jolted(panel.closes)
    assert closes is not None  # noqa: S101 - a panel always has closes
    return replace(
        panel,
        closes=closes,
        dollar_volumes=jolted(panel.dollar_volumes),
        market_caps=jolted(panel.market_caps),
    )
