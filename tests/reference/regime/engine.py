"""The detector's state machine: readings, likelihoods, filter, label, confidence, duration."""

from __future__ import annotations

from poise.domain.regime import RegimeState
from poise.typing import REGIME_LABELS, Vector
from tests.reference.regime.calibration import Calibration
from tests.reference.regime.engines import Engines
from tests.reference.regime.features import FeatureTracker, Reading
from tests.reference.regime.hysteresis import UNIFORM, Hysteresis, predict, update
from tests.reference.regime.likelihood import likelihood
from tests.reference.regime.persistence import Persistence
from tests.reference.regime.rules import AdaptiveThresholds, Probabilities, Thresholds


class RegimeEngine:
    """Takes checked rows of returns, one at a time.

    Parameters
    ----------
    weights : ndarray of shape (n_assets,)
        Index weights, not negative, not all zero.
    engines : Engines, optional
        Models in place of, or beside, the rules.

    Attributes
    ----------
    state : RegimeState or None
        None while warming.
    reading, thresholds, likelihood
        Of the last row that had a return; None while warming.
    persistence : Persistence
    """

    def __init__(self, weights: Vector, engines: Engines | None = None) -> None:
        self._features = FeatureTracker(weights)
        self._adaptive = AdaptiveThresholds()
        self._hysteresis = Hysteresis()
        self._calibration = Calibration()
        self._probabilities = UNIFORM
        self._published = UNIFORM
        self._engines = engines
        self.persistence = Persistence()
        self.state: RegimeState | None = None
        self.reading: Reading | None = None
        self.thresholds: Thresholds | None = None
        self.likelihood: Probabilities | None = None

    def push(self, row: Vector) -> RegimeState | None:
        """Take one row, NaN = missing, and return the state after it."""
        reading = self._features.push(row)
        index_return = self._features.index_return
        missing = index_return != index_return  # noqa: PLR0124 - NaN is the only value unequal to itself
        if missing:
            self._pass_by()
        elif reading is None:
            self._calibration.warm(index_return)
        else:
            self._take(reading, index_return)
        return self.state

    def _pass_by(self) -> None:
        """Move the probabilities one bar ahead and leave the label alone."""
        if self.state is None:
            return
        self._probabilities = self._published = predict(self._probabilities)
        if self._engines is not None:
            self._published = self._engines.outcome(self._engines.vote(self._probabilities, None))
        self._hysteresis.wait()
        self._publish()

    def _take(self, reading: Reading, index_return: float) -> None:
        thresholds = self._adaptive.current()
        self._adaptive.push(reading.volatility_score, reading.trend_score)
        self.reading, self.thresholds = reading, thresholds
        self.likelihood = likelihood(index_return, reading)
        is_first = self.state is None  # the first state is the prior
        if not is_first:
            self._probabilities = update(predict(self._probabilities), self.likelihood)
        self._published, vote = self._probabilities, None
        if self._engines is not None and reading.volatility > 0.0:
            vote = self._engines.vote(self._probabilities, reading)
            self._published = self._engines.outcome(vote)
        if not is_first and (spell := self._hysteresis.step(self._published)):
            self.persistence.record(*spell)
        judged = self._calibration.observe(
            index_return,
            probability=max(self._published),
            label=self._hysteresis.label,
            normal_volatility=reading.median_volatility,
            thresholds=thresholds,
            vote=vote,
        )
        if self._engines is not None:
            if judged is not None and judged[0].vote is not None:
                self._engines.judge(judged[0].vote, judged[1])
            if self._calibration.is_due:
                self._engines.fit()
        self._publish()

    def _publish(self) -> None:
        label, age = self._hysteresis.label, self._hysteresis.age
        self.state = RegimeState(
            label=REGIME_LABELS[label],
            probabilities=dict(zip(REGIME_LABELS, self._published, strict=True)),
            confidence=self._calibration.confidence(max(self._published)),
            age=age,
            expected_remaining=self.persistence.expected_remaining(label, age),
        )
