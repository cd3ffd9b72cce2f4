"""What a detector can be asked between two bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, TypeVar

from poise import _native
from poise.domain.regime import RegimeState
from poise.errors import ParameterError, StateError
from poise.regime.report import CalibrationReport
from poise.typing import REGIME_LABELS, RegimeLabel

Engine: TypeAlias = Literal["rules", "hidden_markov", "jump", "pool"]
Answer = TypeVar("Answer")

ENGINES = ("rules", "hidden_markov", "jump", "pool")
_MOST_BARS = 2**53
_READING = (
    "volatility",
    "median_volatility",
    "volatility_score",
    "trend_score",
    "average_correlation",
    "correlation_score",
    "drawdown",
)


class DetectorReadings(_native.DetectorFollower):
    """The questions; :class:`poise.regime.RegimeDetector` documents the answers."""

    def survival_probability(self, horizon: int) -> float:
        """Return the probability that the present label lasts beyond `horizon` more bars.

        Parameters
        ----------
        horizon : int
            Bars, at least 0.

        Raises
        ------
        ParameterError
            If `horizon` is negative.
        StateError
            While warming.
        """
        if horizon < 0:
            raise ParameterError(f"horizon is {horizon}, expected 0 or more bars")
        return _told(None if self._state is None else self._state.survival(min(horizon, _MOST_BARS)))

    def median_remaining(self) -> int:
        """Return the bars within which the present label ends with probability one half.

        Raises
        ------
        StateError
            While warming.
        """
        return _told(None if self._state is None else self._state.median_remaining())

    @property
    def state_(self) -> RegimeState | None:
        """The state after the last row."""
        state = None if self._state is None else self._state.state
        return None if state is None else as_regime_state(*state)

    @property
    def features_(self) -> dict[str, float]:
        """The last reading."""
        reading = None if self._state is None else self._state.reading
        return {} if reading is None else dict(zip(_READING, reading, strict=True))

    @property
    def thresholds_(self) -> dict[str, float]:
        """The thresholds of the last reading."""
        thresholds = None if self._state is None else self._state.thresholds
        return {} if thresholds is None else {"volatility": thresholds[0], "trend": thresholds[1]}

    @property
    def raw_probabilities_(self) -> dict[RegimeLabel, float]:
        """What the last bar alone says."""
        likelihood = None if self._state is None else self._state.likelihood
        return {} if likelihood is None else dict(zip(REGIME_LABELS, likelihood, strict=True))

    @property
    def durations_(self) -> dict[RegimeLabel, float]:
        """The expected length of a spell of each regime, from the spells seen so far."""
        durations = _native.PRIOR_DURATIONS if self._state is None else self._state.durations
        return dict(zip(REGIME_LABELS, durations, strict=True))

    @property
    def calibration_(self) -> CalibrationReport:
        """Scores of what was said at bars that could be judged since."""
        if self._state is None:
            return CalibrationReport.from_sums(0, 0.0, 0.0, 0.0, ())
        return CalibrationReport.from_sums(*self._state.scores)

    @property
    def engine_weights_(self) -> dict[str, float]:
        """Weights of the engines in the geometric mean."""
        weights = (1.0, 0.0, 0.0) if self._state is None else self._state.engine_weights
        return dict(zip(ENGINES, weights, strict=False))  # the pool is none of them

    @property
    def n_fits_(self) -> int:
        """Times that engines were fitted."""
        return 0 if self._state is None else self._state.n_fits

    @property
    def label_flips_(self) -> int:
        """States whose name another fit changed."""
        return 0 if self._state is None else self._state.label_flips


def _told(answer: Answer | None) -> Answer:
    if answer is None:
        raise StateError("the detector is warming; give it 20 rows with a return first")
    return answer


def as_regime_state(
    label: int, probabilities: Sequence[float], confidence: float, age: int, expected_remaining: float
) -> RegimeState:
    """Return a state of the kernel with its labels."""
    by_label = dict(zip(REGIME_LABELS, probabilities, strict=True))
    return RegimeState(REGIME_LABELS[label], by_label, confidence, age, expected_remaining)
