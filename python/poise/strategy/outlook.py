"""What the next bar looks like: volatility, correlation and who is fit to be held, one row at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import EmptyUniverseError, InputError, NonFiniteError, ShapeError
from poise.moments import EwmaCovariance
from poise.strategy.correlation_repair import repaired_correlation
from poise.strategy.wording import some
from poise.typing import Matrix, Vector

MIN_OBSERVATIONS = 20
"""Own returns before a volatility or a correlation is shown."""

TRADABLE_OBSERVATIONS = 42
"""Own returns before an asset takes part in an optimization."""

STALE_HALF_LIVES = 3.0
"""An asset unseen for so many volatility half-lives is left out of the book."""

ZERO_VOLATILITY = 1e-12

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Outlook:
    """The second moments expected for the next bar.

    Attributes
    ----------
    symbols : tuple of str
    volatility : ndarray of shape (n_assets,)
        Of one bar, a fraction; NaN while an asset has fewer than 20 own returns.
    correlation : ndarray of shape (n_assets, n_assets)
        Rows and columns are NaN while an asset has fewer than 20 own returns; a constant series has
        correlation 0 with everything. Positive definite on the active block.
    covariance : ndarray of shape (n_assets, n_assets)
        Of one bar, simple returns; NaN where `correlation` is.
    observations : ndarray of shape (n_assets,)
        Own returns seen.
    active : ndarray of bool, shape (n_assets,)
        At least 42 own returns and not stale: fit for an optimization.
    stale : ndarray of bool, shape (n_assets,)
        Not seen for three volatility half-lives.
    degenerate : ndarray of bool, shape (n_assets,)
        Constant so far: volatility zero, cash-like.
    average_correlation : float
        Mean off-diagonal correlation of the active, non-degenerate assets; NaN for fewer than two.
    warnings : tuple of str
        Each begins with a stable word and a colon.
    """

    symbols: tuple[str, ...]
    volatility: Vector
    correlation: Matrix
    covariance: Matrix
    observations: Counts
    active: Mask
    stale: Mask
    degenerate: Mask
    average_correlation: float
    warnings: tuple[str, ...] = ()


class OutlookEstimator:
    """Online volatility (fast) and correlation (slow), zero-mean exponentially weighted.

    Two engines, because volatility changes faster than correlation. NaN means missing: it updates
    nothing and decays nothing of that asset. Pairs are estimated on the bars they share and the active
    block is then repaired (:mod:`poise.strategy.correlation_repair`).

    Parameters
    ----------
    symbols : sequence of str
        Unique.
    volatility_half_life, correlation_half_life : float, default=21, 63
        Observations after which a weight has halved.

    Raises
    ------
    EmptyUniverseError
        If there is no symbol.
    InputError
        If a symbol stands twice.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        volatility_half_life: float = 21.0,
        correlation_half_life: float = 63.0,
    ) -> None:
        self.symbols = tuple(symbols)
        if not self.symbols:
            raise EmptyUniverseError("no symbol to look at; pass at least one")
        if len(set(self.symbols)) != len(self.symbols):
            twice = next(s for s in self.symbols if self.symbols.count(s) > 1)
            raise InputError(f"{twice} stands twice among the symbols; pass each once")
        self._volatility_half_life = float(volatility_half_life)
        self._correlation_half_life = float(correlation_half_life)
        self._reset()

    def _reset(self) -> None:
        n_assets = len(self.symbols)
        self._volatility = _engine(self._volatility_half_life)
        self._correlation = _engine(self._correlation_half_life)
        self._joint = np.zeros((n_assets, n_assets))
        self._age = np.zeros(n_assets, dtype=np.int64)
        self._market_return = math.nan
        self._base_return = math.nan
        self.n_observations = 0

    def fit(self, R: Matrix) -> Self:
        """Start again and take in the rows of `R`, shape ``(n_observations, n_assets)``, oldest first."""
        rows = float_array(R, "R")
        if rows.ndim != 2 or rows.shape[1] != len(self.symbols):
            raise ShapeError(
                f"R has shape {rows.shape}, expected (n_observations, {len(self.symbols)}); "
                "pass one column per symbol"
            )
        self._reset()
        for row in rows:
            self.partial_fit(row)
        return self

    def partial_fit(self, row: Vector) -> Self:
        """Take in the simple returns of one bar.

        Parameters
        ----------
        row : ndarray of shape (n_assets,)
            Fractions; NaN where an asset has no return at this bar.

        Raises
        ------
        ShapeError
            If there is not one value per symbol.
        NonFiniteError
            If a return is infinite; nothing is changed then.
        """
        values = float_array(row, "row")
        if values.shape != (len(self.symbols),):
            raise ShapeError(
                f"row has shape {values.shape}, expected ({len(self.symbols)},); one return per symbol"
            )
        if np.isinf(values).any():
            i = int(np.argmax(np.isinf(values)))
            raise NonFiniteError(f"return of {self.symbols[i]} is {values[i]}; pass NaN where it is missing")
        self._market_return = self._mean_return(values)
        self._base_return = self._inverse_volatility_return(values)
        self._volatility.partial_fit(values)
        self._correlation.partial_fit(values)
        seen = np.isfinite(values)
        self._joint += np.outer(seen, seen)
        self._age = np.where(seen, 0, self._age + 1)
        self.n_observations += 1
        return self

    @property
    def market_return(self) -> float:
        """Return of the equal-weighted market over the last bar; NaN when nothing was observed.

        The market is what was active before the bar, or everything while nothing was.
        """
        return self._market_return

    def _mean_return(self, row: Vector) -> float:
        seen = np.isfinite(row)
        members = seen & self._active() if (seen & self._active()).any() else seen
        return float(row[members].mean()) if members.any() else math.nan

    @property
    def base_return(self) -> float:
        """Return over the last bar of an inverse-volatility book of what was active before it.

        It stands for the base book, which is risk parity of the same assets, without a solve per bar; the
        equal-weighted market while no volatility is known.
        """
        return self._base_return

    def _inverse_volatility_return(self, row: Vector) -> float:
        if self.n_observations == 0:
            return self._market_return
        volatility = np.asarray(self._volatility.volatility_)
        members = np.isfinite(row) & self._active() & (volatility > ZERO_VOLATILITY)
        if not members.any():
            return self._market_return
        weights = 1.0 / volatility[members]
        return float(weights @ row[members] / weights.sum())

    def _active(self) -> Mask:
        active: Mask = (np.diag(self._joint) >= TRADABLE_OBSERVATIONS) & ~self._stale()
        return active

    def _stale(self) -> Mask:
        stale: Mask = self._age > STALE_HALF_LIVES * self._volatility_half_life
        return stale

    def outlook(self) -> Outlook:
        """Return the outlook after the last row; before any row everything is NaN and nothing is active."""
        n_assets = len(self.symbols)
        observations = np.diag(self._joint).astype(np.int64)
        known = observations >= MIN_OBSERVATIONS
        volatility = np.full(n_assets, np.nan)
        raw = np.full((n_assets, n_assets), np.nan)
        if known.any():
            volatility[known] = np.asarray(self._volatility.volatility_)[known]
            block = np.ix_(known, known)
            raw[block] = np.clip(np.asarray(self._correlation.correlation_)[block], -1.0, 1.0)
        degenerate = known & (np.nan_to_num(volatility) <= ZERO_VOLATILITY)
        volatility[degenerate] = 0.0
        active = self._active()
        correlation = self._repaired(raw, known, degenerate, active)
        estimated = np.flatnonzero(active & ~degenerate)
        pairs = correlation[np.ix_(estimated, estimated)][np.triu_indices(len(estimated), k=1)]
        return Outlook(
            symbols=self.symbols,
            volatility=volatility,
            correlation=correlation,
            covariance=correlation * np.outer(volatility, volatility),
            observations=observations,
            active=active,
            stale=self._stale(),
            degenerate=degenerate,
            average_correlation=float(pairs.mean()) if len(pairs) else math.nan,
            warnings=self._warnings(observations, degenerate, active),
        )

    def _repaired(
        self,
        raw: Matrix,
        known: Mask,
        degenerate: Mask,
        active: Mask,
    ) -> Matrix:
        correlation = raw.copy()
        block = np.ix_(active & ~degenerate, active & ~degenerate)
        beta = 2.0 ** (-1.0 / self._correlation_half_life)
        correlation[block] = repaired_correlation(
            raw[block], self._joint[block], effective_observations=(1.0 + beta) / (1.0 - beta)
        )
        flat = np.flatnonzero(degenerate)
        correlation[np.ix_(flat, known)] = 0.0
        correlation[np.ix_(known, flat)] = 0.0
        settled = np.flatnonzero(known)
        correlation[settled, settled] = 1.0
        return correlation

    def _warnings(self, observations: Counts, degenerate: Mask, active: Mask) -> tuple[str, ...]:
        warming = observations < TRADABLE_OBSERVATIONS
        kinds = (
            (warming, "warming", f"fewer than {TRADABLE_OBSERVATIONS} own returns"),
            (~warming & ~active, "stale", f"unseen for {STALE_HALF_LIVES:g} volatility half-lives; left out"),
            (degenerate, "degenerate", "constant so far; treated as cash-like"),
        )
        return tuple(
            f"{word}: {some([s for s, hit in zip(self.symbols, mask, strict=True) if hit])}: {meaning}"
            for mask, word, meaning in kinds
            if mask.any()
        )


def _engine(half_life: float) -> EwmaCovariance:
    # Around a mean of zero there is no bias to correct: the mean of squares is the estimate.
    return EwmaCovariance(half_life, demean=False, bias=True, ignore_na=True)
