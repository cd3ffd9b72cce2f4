"""The risk model on trial: yesterday's forecast for yesterday's weights beside today's return."""

from __future__ import annotations

import copy
import math

import numpy as np
import numpy.typing as npt

from poise import _native, risk
from poise.typing import Matrix, Vector

TRIAL_SCENARIOS = 200
"""Scenarios behind a forecast before it is held against what happened: ten beyond the 95 % level."""

TRIAL_OBSERVATIONS = 220
"""Own returns of an asset that make so many scenarios."""

_LEVELS = list(risk.BACKTEST_LEVELS)


class RiskTrial:
    """Filtered scenarios and the backtest of what is forecast from them.

    While nothing is held, inverse-volatility weights of what had a return in the bar before stand in for the
    book: the model is on trial, whatever it is applied to.
    """

    def __init__(self, n_assets: int) -> None:
        self._history = risk.FilteredHistory(n_assets)
        self._backtest = risk.VarBacktest()
        # Whether every asset has history enough; once it has, it keeps it.
        self._seasoned = False
        self._told: tuple[Vector | None, int, list[tuple[float, float]]] = (None, 0, [])
        self._present: npt.NDArray[np.bool_] = np.zeros(n_assets, dtype=bool)
        self._everything: npt.NDArray[np.bool_] = np.ones(n_assets, dtype=bool)

    def observe(self, row: Vector, held: Vector | None) -> None:
        """Take in one row of returns.

        Parameters
        ----------
        row : ndarray of shape (n_assets,)
            NaN where missing.
        held : ndarray of shape (n_assets,) or None
            The risky fractions when the bar began; None while nothing is held.
        """
        if self._seasoned and held is not None and self._judge_whole_row(row, held):
            return
        if self._history.n_observations >= TRIAL_OBSERVATIONS:
            self._judge(row, held)
        self._history.push(row)
        self._present = np.isfinite(row)

    def _judge_whole_row(self, row: Vector, held: Vector) -> bool:
        """Do the same in one call; False, with nothing changed, where a return is missing."""
        history, backtest = self._history.kernel, self._backtest.kernel
        took = _native.judge(history, backtest, row, held, self.tails(held) or None)
        if took:
            self._present = self._everything
        return took

    def _judge(self, row: Vector, held: Vector | None) -> None:
        """Forecast from what was known before `row`, then look at `row`.

        A bar on which an asset of the forecast has no return says nothing and is passed over. An asset whose
        own history is too short is left out of both sides.
        """
        weights = self._stand_in() if held is None else held
        if not self._seasoned:
            young = self._history.observations < TRIAL_OBSERVATIONS
            self._seasoned = not young.any()
            weights = np.where(young, 0.0, weights)
        total = float(weights @ row)
        if math.isnan(total):
            # What is not held may be missing: NaN times zero.
            held_now = weights != 0.0
            total = float(weights[held_now] @ row[held_now])
        tails = self.tails(weights)
        if math.isnan(total) or not tails:
            return
        value_at_risk, shortfall = zip(*tails, strict=True)
        # A forecast without a loss, of a book without risk, cannot be tried.
        if shortfall[0] > 0.0:
            self._backtest.observe(total, value_at_risk, shortfall)

    def _stand_in(self) -> Vector:
        volatility = self._history.volatility
        used = self._present & (volatility > 0.0)
        weights = np.zeros(len(volatility))
        weights[used] = 1.0 / volatility[used]
        total = weights.sum()
        return weights / total if total > 0.0 else weights

    def tails(self, weights: Vector) -> list[tuple[float, float]]:
        """Return value at risk and shortfall of the next bar at each of the backtest's levels.

        Parameters
        ----------
        weights : ndarray of shape (n_assets,)
            Risky fractions; not to be written to, for what the same array said after the same row is
            remembered.

        Returns
        -------
        list of tuple of float
            Empty while scenarios are too few to be judged by.
        """
        kernel = self._history.kernel
        bars = kernel.n_observations
        told, known_bars, known = self._told
        if told is not weights or known_bars != bars:
            known = kernel.tails(weights, _LEVELS, TRIAL_SCENARIOS)
            self._told = weights, bars, known
        return known

    @property
    def inflation(self) -> float:
        """What the model's losses are multiplied by: more than 1 while the backtest rejects it."""
        return self._backtest.inflation

    def scenarios(self) -> Matrix:
        """Return the scenarios for the next bar, NaN where an asset has none."""
        return self._history.scenarios()

    def backtest(self) -> risk.VarBacktest:
        """Return the backtest as it stands, a copy."""
        return copy.copy(self._backtest)
