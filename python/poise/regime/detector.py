"""The regime of a market: bull, bear, sideways or high volatility, and how sure."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any, Self, TypeVar

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.domain.regime import RegimeState
from poise.errors import (
    EmptyInputError,
    EmptyUniverseError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.regime._inputs import check_index_weights, refuse_infinite
from poise.regime.report import CalibrationReport
from poise.regime.snapshot import pack, plain_labels, restored_labels, unpack
from poise.typing import REGIME_LABELS, ArrayLike, Matrix, RegimeLabel

Answer = TypeVar("Answer")

_KIND = "RegimeDetector"
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


class RegimeDetector(_native.DetectorFollower):
    """Detects the market regime after each daily bar, from the past only.

    The market is the weighted mean of the assets' returns. Its volatility (against its own median) and its
    trend (a t-statistic) give soft memberships around thresholds that follow the last 504 bars; a sticky
    Bayes filter accumulates them; the label follows with hysteresis. Confidence is the calibrated chance
    that the label agrees with the one that the 30 bars on either side would give; the expected remaining
    duration comes from the hazard of past spells by age. Regimes are recognised some weeks after they
    began, not before: use them for limits, not for timing.

    Parameters
    ----------
    weights : array_like of shape (n_assets,), optional
        Index weights, not negative, not all zero; equal when left out. Where returns are missing, the
        weights of the others are scaled up.

    Attributes
    ----------
    state_ : RegimeState or None
        After the last row; None before 20 rows had a return. The first state is uniform.
    features_ : dict of str to float
        The last reading; empty while warming. ``volatility`` (root mean square of the index return,
        half-life 10 bars) and ``median_volatility`` (over the last 504 bars); ``volatility_score`` (logarithm
        of their ratio, plus a tenth of ``correlation_score`` where positive); ``trend_score`` (t-statistic of
        the mean return, half-life 20); ``average_correlation`` (half-life 20; NaN below two varying assets)
        and ``correlation_score`` (the same in standard deviations of its last 504 values; 0 before there are
        120); ``drawdown`` of the index, a positive fraction.
    thresholds_ : dict of str to float
        ``volatility`` and ``trend`` as used for the last reading: scores beyond them count as volatile
        or trending. Empty while warming.
    raw_probabilities_ : dict of str to float
        Memberships of the last reading before filtering, by label; empty while warming.
    durations_ : dict of str to float
        Expected bars of a whole spell of each regime.
    calibration_ : CalibrationReport
        How good probabilities and confidence were at the bars that are at least 30 bars old: Brier and log
        score, expected calibration error, reliability table.

    Raises
    ------
    ShapeError, NonFiniteError, ParameterError
        If `weights` is not one axis, not finite, negative or all zero.

    Notes
    -----
    A row without any return moves the probabilities one bar ahead and leaves the label alone. An index at
    rest is sideways, its probability of high volatility zero. `fit` and repeated `partial_fit` agree
    exactly. A detector can be copied, pickled and saved as bytes after any row: the copy is independent and
    continues bit for bit.

    References
    ----------
    .. [1] Hamilton (1989). A New Approach to the Economic Analysis of Nonstationary Time Series and the
       Business Cycle. Econometrica 57.

    Examples
    --------
    >>> import numpy as np
    >>> rising = np.random.default_rng(7).normal(0.003, 0.01, size=(250, 3))
    >>> RegimeDetector().fit(rising).state_.label
    'bull'
    """

    def __init__(self, *, weights: ArrayLike | None = None) -> None:
        self.weights = weights
        if weights is not None:
            check_index_weights(unwrap_vector(weights, "weights")[0])
        self._state = None
        self._labels = BARE
        self._busy = RLock()

    def fit(self, R: ArrayLike) -> Self:
        """Start afresh and take all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple daily returns as fractions, oldest first; NaN = missing.

        Returns
        -------
        RegimeDetector
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no row; as `EmptyUniverseError` if there is no asset.
        ShapeError
            If `R` has not two axes, or another number of assets than `weights`.
        NonFiniteError
            If a return is infinite; the message names row and column, and nothing has changed.
        """
        self._start(R, lambda state, returns: state.fit(returns))
        return self

    def history(self, R: ArrayLike) -> list[RegimeState | None]:
        """Fit, and return the state after each row (None while warming).

        Parameters and errors are those of :meth:`fit`. The state after a row is the one that
        :meth:`partial_fit` leaves there: later rows play no part in it.
        """
        columns = self._start(R, lambda state, returns: state.history(returns))
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [None if row[0] < 0 else _regime_state(*row) for row in rows]

    def _start(self, R: ArrayLike, take: Callable[[_native.DetectorState, Matrix], Answer]) -> Answer:
        """Let a new state take all rows, then make it one's own."""
        returns, labels = unwrap_matrix(R)
        if returns.shape[0] == 0:
            raise EmptyInputError("R has no row; pass at least one observation")
        state = self._new_state(returns.shape[1], labels)
        refuse_infinite(returns, labels)
        answer = take(state, returns)
        with self._busy:
            self._labels, self._state = labels, state
        return answer

    def _take(self, row: ArrayLike) -> None:
        """Take a row of any kind; the compiled class asks for it."""
        with self._busy:
            returns, labels = unwrap_vector(row, "row", self._labels)
            state = self._state
            if state is None:
                state = self._new_state(len(returns), labels)
            elif len(returns) != state.n_assets:
                raise ShapeError(
                    f"row has {len(returns)} assets, expected {state.n_assets} as in earlier rows; "
                    "use NaN for a missing asset, fit afresh for another universe"
                )
            refuse_infinite(returns, labels)
            state.step(returns)
            self._labels, self._state = labels, state

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
        return self._told(None if self._state is None else self._state.survival(min(horizon, _MOST_BARS)))

    def median_remaining(self) -> int:
        """Return the bars within which the present label ends with probability one half.

        Raises
        ------
        StateError
            While warming.
        """
        return self._told(None if self._state is None else self._state.median_remaining())

    @property
    def state_(self) -> RegimeState | None:
        """The state after the last row."""
        state = None if self._state is None else self._state.state
        return None if state is None else _regime_state(*state)

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
        """The memberships of the last reading."""
        membership = None if self._state is None else self._state.membership
        return {} if membership is None else dict(zip(REGIME_LABELS, membership, strict=True))

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

    def to_bytes(self) -> bytes:
        """Return weights, labels and state as bytes.

        Raises
        ------
        InputError
            If an asset's label is neither text nor a whole number (pickle keeps those).
        """
        weights = None
        if self.weights is not None:
            values, labels = unwrap_vector(self.weights, "weights")
            weights = {"values": values.tolist(), "labels": plain_labels(labels)}
        with self._busy:
            kernel = b"" if self._state is None else self._state.to_bytes()
            return pack(_KIND, {"weights": weights, "labels": plain_labels(self._labels)}, kernel)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the detector that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another model or written by a newer version.
        """
        described, kernel = unpack(_KIND, data)
        weights = described["weights"]
        if weights is not None:
            weights = restored_labels(weights["labels"]).vector(np.array(weights["values"]))
        detector = cls(weights=weights)
        detector._labels = restored_labels(described["labels"])
        detector._state = _native.DetectorState.from_bytes(kernel) if kernel else None
        return detector

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # The early protocols of pickle cannot make the object of a compiled base.
        with self._busy:
            kernel = None if self._state is None else self._state.to_bytes()
            kept = {name: value for name, value in vars(self).items() if name != "_busy"}
            return copyreg.__newobj__, (type(self),), (kept, kernel)  # type: ignore[attr-defined]

    def __setstate__(self, saved: tuple[dict[str, Any], bytes | None]) -> None:
        kept, kernel = saved
        self.__dict__.update(kept, _busy=RLock())
        self._state = None if kernel is None else _native.DetectorState.from_bytes(kernel)

    def _told(self, answer: Answer | None) -> Answer:
        if answer is None:
            raise StateError("the detector is warming; give it 20 rows with a return first")
        return answer

    def _new_state(self, n_assets: int, labels: Labels) -> _native.DetectorState:
        if n_assets == 0:
            raise EmptyUniverseError("there is no asset; pass at least one column of returns")
        if self.weights is None:
            return _native.DetectorState(np.full(n_assets, 1.0 / n_assets))
        weights, _ = unwrap_vector(self.weights, "weights", labels)
        if len(weights) != n_assets:
            raise ShapeError(f"the returns have {n_assets} assets, weights has {len(weights)}; pass one each")
        return _native.DetectorState(weights / weights.sum())


def _regime_state(
    label: int, probabilities: Sequence[float], confidence: float, age: int, expected_remaining: float
) -> RegimeState:
    by_label = dict(zip(REGIME_LABELS, probabilities, strict=True))
    return RegimeState(REGIME_LABELS[label], by_label, confidence, age, expected_remaining)
