"""What the next bar looks like: volatility, correlation and who is fit to be held, one row at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import EmptyUniverseError, InputError, NonFiniteError, ShapeError
from poise.moments import IteratedEwmaCovariance, ShrunkEwmaCovariance
from poise.moments.follow import follow_whole_row, inverse_volatility_mean, row_mean
from poise.strategy.book_outlook import BookOutlook, book_outlook
from poise.strategy.correlation_repair import shrunk_correlation
from poise.strategy.wording import some
from poise.typing import Matrix, Vector

MIN_OBSERVATIONS = 20
"""Own returns before a volatility or a correlation is shown."""

TRADABLE_OBSERVATIONS = 42
"""Own returns before an asset takes part in an optimization."""

STALE_HALF_LIVES = 3.0
"""An asset unseen for so many volatility half-lives is left out of the book."""

ZERO_VOLATILITY = 1e-12

WINSOR = 4.2
"""Volatilities that a return counts at most, in the correlation and in how far it is shrunk."""

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
        correlation 0 with everything. Positive definite on what is not NaN.
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
    """Online volatility (fast) and correlation (slow), shrunk towards one correlation for all pairs.

    :class:`poise.moments.IteratedEwmaCovariance`, because volatility changes faster than correlation, jumps
    should not make either, and assets come late. NaN means missing: it decays nothing of that asset's
    volatility, and the correlation takes in what the others let expect of it. How far the correlation is
    shrunk is told by :class:`poise.moments.ShrunkEwmaCovariance` of the returns in units of the volatility
    before them.

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
        self._engine = IteratedEwmaCovariance(
            self._volatility_half_life, self._correlation_half_life, winsor=WINSOR
        )
        self._noise = ShrunkEwmaCovariance(self._correlation_half_life, ignore_na=True)
        self._volatility = np.full(n_assets, np.nan)
        self._observations = np.zeros(n_assets, dtype=np.int64)
        self._age = np.zeros(n_assets, dtype=np.int64)
        self._active: Mask = np.zeros(n_assets, dtype=np.bool_)
        # Every asset active and seen in the last bar; every volatility above zero: most bars of a long life.
        self._settled = False
        self._moving = False
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
        if self._settled and self._moving and self._follow(values):
            return self
        seen = np.isfinite(values)
        if not seen.all() and np.isinf(values).any():
            i = int(np.argmax(np.isinf(values)))
            raise NonFiniteError(f"return of {self.symbols[i]} is {values[i]}; pass NaN where it is missing")
        whitened = self._whitened(values)
        self._engine.partial_fit(values)
        self._noise.partial_fit(whitened)
        self._count(values, seen)
        self._volatility = np.asarray(self._engine.volatility_)
        self._moving = bool(np.minimum.reduce(self._volatility) > ZERO_VOLATILITY)
        self.n_observations += 1
        return self

    def _follow(self, values: Vector) -> bool:
        """Take in a row at one go; False, with nothing changed, where a return is missing."""
        found = follow_whole_row(self._engine, self._noise, values, self._volatility, winsor=WINSOR)
        if found is None:
            return False
        self._volatility, least, self._market_return, self._base_return = found
        self._moving = least > ZERO_VOLATILITY
        self._observations += 1
        self.n_observations += 1
        return True

    def _count(self, values: Vector, seen: Mask) -> None:
        """Take notice of who was seen, and of what market and base book earned."""
        members = seen & self._active
        self._market_return = _mean(values, members if members.any() else seen)
        self._base_return = self._inverse_volatility_return(values, members)
        self._observations += seen
        self._age = np.where(seen, 0, self._age + 1)
        self._active = (self._observations >= TRADABLE_OBSERVATIONS) & ~self._stale()
        self._settled = bool(self._active.all()) and not self._age.any()

    @property
    def market_return(self) -> float:
        """Return of the equal-weighted market over the last bar; NaN when nothing was observed.

        The market is what was active before the bar, or everything while nothing was.
        """
        return self._market_return

    @property
    def base_return(self) -> float:
        """Return over the last bar of an inverse-volatility book of what was active before it.

        It stands for the base book, which is risk parity of the same assets, without a solve per bar; the
        equal-weighted market while no volatility is known.
        """
        return self._base_return

    def _inverse_volatility_return(self, row: Vector, members: Mask) -> float:
        members = members & (self._volatility > ZERO_VOLATILITY)
        if not members.any():
            return self._market_return
        return inverse_volatility_mean(row[members], self._volatility[members])

    @property
    def average_correlation(self) -> float:
        """Mean off-diagonal correlation of the active assets that move; NaN for fewer than two.

        Shrinking leaves it as it is, so it is read without.
        """
        members = self._active & (self._volatility > ZERO_VOLATILITY)
        return _mean_of_pairs(self._engine.correlation_, members) if members.any() else math.nan

    def _whitened(self, row: Vector) -> Vector:
        """Return the returns in units of the volatility before them, as far as they say how noisy we are."""
        known = self._observations >= MIN_OBSERVATIONS
        counted = self._volatility > ZERO_VOLATILITY
        if known.any():
            # A newcomer's first pairs would shrink the others; while all are new there are no others.
            counted &= known
        z = np.full(len(row), np.nan)
        np.divide(row, self._volatility, out=z, where=counted)
        pulled_in: Vector = np.minimum(np.maximum(z, -WINSOR), WINSOR)
        return pulled_in

    def _stale(self) -> Mask:
        stale: Mask = self._age > STALE_HALF_LIVES * self._volatility_half_life
        return stale

    def outlook(self) -> Outlook:
        """Return the outlook after the last row; before any row everything is NaN and nothing is active."""
        n_assets = len(self.symbols)
        observations = self._observations.copy()
        known = observations >= MIN_OBSERVATIONS
        volatility = np.where(known, self._volatility, np.nan)
        correlation = np.full((n_assets, n_assets), np.nan)
        degenerate = known & (np.nan_to_num(volatility) <= ZERO_VOLATILITY)
        volatility[degenerate] = 0.0
        active = self._active.copy()
        average = math.nan
        if known.any():
            estimate = np.asarray(self._engine.correlation_)
            average = _mean_of_pairs(estimate, active & ~degenerate)
            self._fill(correlation, estimate, known, known & ~degenerate, average)
        return Outlook(
            symbols=self.symbols,
            volatility=volatility,
            correlation=correlation,
            covariance=correlation * np.outer(volatility, volatility),
            observations=observations,
            active=active,
            stale=self._stale(),
            degenerate=degenerate,
            average_correlation=average,
            warnings=self._warnings(observations, degenerate, active),
        )

    def of_book(self, fractions: Vector) -> BookOutlook | None:
        """Return what :meth:`outlook` would say of a book, at a fraction of its time.

        Parameters
        ----------
        fractions : ndarray of shape (n_assets,)
            Held, one per symbol.

        Returns
        -------
        BookOutlook or None
            None unless every asset is active, was seen in the last bar and moves, and where the matrix would
            have to be repaired: then only :meth:`outlook` can tell.
        """
        if not (self._settled and self._moving):
            return None
        return book_outlook(self._engine, self._noise, fractions)

    def _fill(self, correlation: Matrix, estimate: Matrix, known: Mask, moving: Mask, average: float) -> None:
        """Write the correlations of the known assets."""
        mean = _mean_of_pairs(estimate, moving) if math.isnan(average) else average
        # Without what repairs a matrix with gaps: the engine's needs no repair. Where nothing tells how noisy
        # the pairs are, they are taken to be nothing but noise.
        intensity = self._noise.noise_shrinkage_
        intensity = 1.0 if math.isnan(intensity) else intensity
        if moving.all():
            correlation[:] = shrunk_correlation(estimate, mean, intensity)
            return
        block = np.ix_(moving, moving)
        correlation[np.ix_(known, known)] = 0.0
        correlation[block] = shrunk_correlation(estimate[block], mean, intensity)
        settled = np.flatnonzero(known)
        correlation[settled, settled] = 1.0

    def _warnings(self, observations: Counts, degenerate: Mask, active: Mask) -> tuple[str, ...]:
        warming = observations < TRADABLE_OBSERVATIONS
        kinds = (
            (warming, "warming", f"fewer than {TRADABLE_OBSERVATIONS} own returns; not held until then"),
            (
                ~warming & ~active,
                "stale",
                f"unseen for {STALE_HALF_LIVES:g} volatility half-lives; left out, refresh its prices",
            ),
            (degenerate, "degenerate", "constant so far; treated as cash-like, check its prices"),
        )
        return tuple(
            f"{word}: {some([s for s, hit in zip(self.symbols, mask, strict=True) if hit])}: {meaning}"
            for mask, word, meaning in kinds
            if mask.any()
        )


def _mean(row: Vector, members: Mask) -> float:
    return row_mean(row[members]) if members.any() else math.nan


def _mean_of_pairs(correlation: Matrix, members: Mask) -> float:
    """Mean off-diagonal correlation of the members; NaN for fewer than two."""
    n_members = int(members.sum())
    if n_members < 2:
        return math.nan
    block = correlation if n_members == len(members) else correlation[np.ix_(members, members)]
    total = float(block.sum())
    return (total - n_members) / (n_members * (n_members - 1))
