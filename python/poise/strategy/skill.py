"""What the factors have known so far: rank information coefficients, online and shrunk.

Grinold (1994), "Alpha is volatility times IC times score"; Newey and West (1987) for overlapping horizons;
Benjamini and Hochberg (1995) for four factors tested at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import InputError, ParameterError, ShapeError
from poise.strategy.closes import MAX_GAP_BARS
from poise.strategy.inference import (
    adjusted_p_values,
    benjamini_hochberg,
    t_statistic_of_mean,
    two_sided_p_value,
)
from poise.strategy.momentum import centred_rank
from poise.strategy.regime_rules import FACTORS
from poise.typing import Matrix, Vector

SCORES = (*FACTORS, "combined")
"""Order of every vector of coefficients."""

MIN_OBSERVATIONS = 250
"""Cross-sections before a coefficient is believed; also the strength of the pull towards zero."""

MAX_COEFFICIENT = 0.05
"""The most that is believed of any score, whatever was measured."""

FALSE_DISCOVERY_RATE = 0.10
DELAY_BARS = 1
"""A decision at one close is filled at the next and earns from then on."""


@dataclass(frozen=True, eq=False)
class Skill:
    """The coefficients known at one bar.

    Attributes
    ----------
    mean : ndarray of shape (5,)
        Mean rank information coefficient of each of `SCORES`; NaN where there is none yet.
    n_observations : ndarray of int, shape (5,)
        Cross-sections behind it.
    false_discovery : ndarray of shape (4,) or None
        Of each judged factor, the p-value of its mean adjusted for as many tests as there are judged factors;
        NaN where untested. None: nothing was tested.
    """

    mean: Vector
    n_observations: np.ndarray[Any, np.dtype[np.int64]]
    false_discovery: Vector | None = None

    @property
    def shrunk(self) -> Vector:
        """The mean pulled towards zero, ``mean n / (n + 250)``; 0 where there is none."""
        n = self.n_observations
        pulled: Vector = np.nan_to_num(self.mean) * n / (n + MIN_OBSERVATIONS)
        return pulled

    @property
    def judged(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which have at least 250 cross-sections."""
        mask: np.ndarray[Any, np.dtype[np.bool_]] = self.n_observations >= MIN_OBSERVATIONS
        return mask

    @property
    def coefficient(self) -> float:
        """What is believed of the combined score: its shrunk coefficient, between 0 and 0.05."""
        return min(max(float(self.shrunk[-1]), 0.0), MAX_COEFFICIENT)

    @property
    def trust(self) -> Vector:
        """What false discovery control leaves of each factor, shape ``(4,)``, 0 to 1.

        1 until a factor was judged, and for one that is a discovery at a rate of 10 %. A mean above 0 that
        is none counts ``1 - q`` with its adjusted p-value q, a bound on how probably it is chance; a mean
        not above 0 counts nothing.
        """
        if self.false_discovery is None:
            return np.ones(len(FACTORS))
        q = np.nan_to_num(self.false_discovery)
        left = np.where(q <= FALSE_DISCOVERY_RATE, 1.0, 1.0 - q)
        left = np.where(np.nan_to_num(self.mean[: len(FACTORS)]) > 0.0, left, 0.0)
        trust: Vector = np.where(self.judged[: len(FACTORS)], left, 1.0)
        return trust

    @property
    def doubts(self) -> Mapping[str, str]:
        """Why a factor counts less than its weight, in words with the numbers; only those that do."""
        if self.false_discovery is None:
            return {}
        found = {}
        for k, left in enumerate(self.trust):
            if left < 1.0:
                known = f"coefficient {self.mean[k]:+.3f} over {self.n_observations[k]} bars"
                found[FACTORS[k]] = (
                    f"{known} is no discovery (adjusted p-value {self.false_discovery[k]:.2f} above "
                    f"{FALSE_DISCOVERY_RATE:.2f}), counts {left:.0%}"
                    if self.mean[k] > 0.0
                    else f"{known} is not above 0, counts nothing"
                )
        return found

    def weigh(self, table: Vector) -> Vector:
        """Return factor weights in proportion to ``max(shrunk, 0)`` times `table`, less what is in doubt.

        A factor with fewer than 250 cross-sections keeps its weight of the table. The others share what
        they have there together; where none of them has shown skill they get nothing. What :attr:`trust`
        takes from a factor goes to no other: a score that rests on it gets weaker.

        Parameters
        ----------
        table : ndarray of shape (4,)
            The regime's weights, sum 1.
        """
        judged = self.judged[: len(FACTORS)]
        earned = np.where(judged, table * np.maximum(self.shrunk[: len(FACTORS)], 0.0), 0.0)
        total = math.fsum(earned)
        share = math.fsum(table[judged]) / total if total > 0.0 else 0.0
        weights: Vector = np.where(judged, earned * share, table) * self.trust
        return weights


class FactorSkill:
    """Rank information coefficients of the factors and of their combination, one decision at a time.

    The coefficient of a bar is Spearman's correlation across assets of a score with the return from the
    next close to the one `horizon` bars later. It is known only then: a score is remembered until its
    return is there, so nothing looks ahead. Horizons overlap, which the Newey-West error of the mean pays
    for; `n_observations` counts bars. A bar with fewer than four assets that have both, or where one of the
    two is the same for all, has no coefficient.

    Parameters
    ----------
    horizon : int, default=20
        Bars, at least 1.

    Attributes
    ----------
    horizon : int

    Raises
    ------
    ParameterError
        If the horizon is below 1.
    """

    def __init__(self, horizon: int = 20) -> None:
        if horizon < 1:
            raise ParameterError(f"horizon is {horizon} bars; pass at least 1")
        self.horizon = int(horizon)
        self._waiting: deque[tuple[int, Matrix]] = deque()
        self._coefficients: list[Vector] = []
        self._sum = np.zeros(len(SCORES))
        self._n = np.zeros(len(SCORES), dtype=np.int64)
        # Adjusted p-values, and the number of coefficients they rest on.
        self._tested: tuple[int, Vector | None] = (0, None)

    def learn(self, bar: int, closes: Matrix) -> Skill:
        """Take in the closes up to now and return what is known of the scores.

        Parameters
        ----------
        bar : int
            Number of the last row, counted from any start.
        closes : ndarray of shape (n_rows, n_assets)
            Last row now; NaN where missing, and then the close of at most four bars earlier counts. Scores
            whose bar is no longer among the rows are forgotten.
        """
        rows = float_array(closes, "closes")
        first = bar - len(rows) + 1
        while self._waiting and self._waiting[0][0] + DELAY_BARS + self.horizon <= bar:
            scored, scores = self._waiting.popleft()
            start = scored + DELAY_BARS - first
            if start >= 0:
                self._judge(scores, _price(rows, start), _price(rows, start + self.horizon))
        return self.skill

    def remember(self, bar: int, scores: Matrix) -> None:
        """Keep the scores of bar number `bar` until their returns are known.

        Parameters
        ----------
        bar : int
            Not before the last one remembered; the same again replaces it.
        scores : ndarray of shape (n_assets, 5)
            Columns in the order of `SCORES`; NaN where there is none.

        Raises
        ------
        ShapeError
            If there are not five columns.
        InputError
            If `bar` lies before the last one remembered.
        """
        values = np.array(float_array(scores, "scores"))
        if values.ndim != 2 or values.shape[1] != len(SCORES):
            raise ShapeError(f"scores have shape {values.shape}, expected (n_assets, {len(SCORES)})")
        if self._waiting and bar < self._waiting[-1][0]:
            raise InputError(f"bar {bar} is before {self._waiting[-1][0]}, the last one; bars move forward")
        if self._waiting and bar == self._waiting[-1][0]:
            self._waiting.pop()
        self._waiting.append((bar, values))

    def _judge(self, scores: Matrix, before: Vector, after: Vector) -> None:
        gain = np.log(after) - np.log(before)
        row = np.array([rank_correlation(scores[:, k], gain) for k in range(len(SCORES))])
        known = np.isfinite(row)
        self._coefficients.append(row)
        self._sum[known] += row[known]
        self._n += known

    @property
    def skill(self) -> Skill:
        """What is known now."""
        there = self._n > 0
        mean = np.where(there, self._sum / np.maximum(self._n, 1), np.nan)
        return Skill(mean, self._n.copy(), self._false_discovery())

    def _false_discovery(self) -> Vector | None:
        """Test the judged factors; None while there are none."""
        judged = self._n[: len(FACTORS)] >= MIN_OBSERVATIONS
        if judged.any() and self._tested[0] != len(self._coefficients):
            record = self.coefficients
            p_values = np.full(len(FACTORS), np.nan)
            for k in np.flatnonzero(judged):
                p_values[k] = two_sided_p_value(t_statistic_of_mean(record[:, k], lags=self.horizon - 1)[1])
            self._tested = len(self._coefficients), adjusted_p_values(p_values)
        return self._tested[1]

    @property
    def coefficients(self) -> Matrix:
        """The coefficients so far, shape ``(n_bars, 5)``, oldest first; NaN where a bar has none."""
        return np.array(self._coefficients).reshape(-1, len(SCORES))

    def to_dict(self) -> dict[str, Any]:
        """Return the record for a report.

        Per score ``mean``, ``shrunk``, ``n_observations``, ``standard_error`` (Newey-West, ``horizon - 1``
        lags), ``t_statistic``, ``p_value`` (two-sided, normal) and, for the four factors,
        ``discovered``: a mean above 0 at a false discovery rate of 10 % over the factors, and ``trust``: what
        is left of the factor's weight and tilt.
        """
        skill, record = self.skill, self.coefficients
        tests = np.array(
            [t_statistic_of_mean(record[:, k], lags=self.horizon - 1) for k in range(len(SCORES))]
        )
        p_values = np.array([two_sided_p_value(t) for t in tests[:, 1]])
        discovered = benjamini_hochberg(p_values[: len(FACTORS)], rate=FALSE_DISCOVERY_RATE)
        scores: dict[str, dict[str, Any]] = {}
        for k, name in enumerate(SCORES):
            scores[name] = {
                "mean": float(skill.mean[k]),
                "shrunk": float(skill.shrunk[k]),
                "n_observations": int(skill.n_observations[k]),
                "standard_error": float(tests[k, 0]),
                "t_statistic": float(tests[k, 1]),
                "p_value": float(p_values[k]),
            }
            if k < len(FACTORS):
                scores[name]["discovered"] = bool(discovered[k] and skill.mean[k] > 0.0)
                scores[name]["trust"] = float(skill.trust[k])
        return {
            "horizon": self.horizon,
            "false_discovery_rate": FALSE_DISCOVERY_RATE,
            "weights_from": "skill" if skill.judged[: len(FACTORS)].any() else "table",
            "scores": scores,
        }


def rank_correlation(x: Vector, y: Vector) -> float:
    """Return Spearman's correlation over the assets that have both.

    NaN among fewer than four, or where either is the same for all.
    """
    both = np.isfinite(x) & np.isfinite(y)
    if int(both.sum()) < 4:
        return math.nan
    # Centred ranks have mean zero, ties included.
    a, b = centred_rank(x[both]), centred_rank(y[both])
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0.0 else math.nan


def _price(rows: Matrix, row: int) -> Vector:
    """Return the closes of a row, where missing those of at most four rows earlier."""
    recent = rows[max(0, row - MAX_GAP_BARS) : row + 1][::-1]
    there = np.isfinite(recent)
    last: Vector = np.where(there.any(axis=0), recent[there.argmax(axis=0), np.arange(rows.shape[1])], np.nan)
    return last
