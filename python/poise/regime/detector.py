"""The regime of a market: bull, bear, sideways or high volatility, and how sure."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable
from threading import RLock
from typing import Any, Self, TypeVar

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.domain.regime import RegimeState
from poise.domain.snapshot import pack, plain_labels, restored_labels, unpack
from poise.errors import (
    EmptyInputError,
    EmptyUniverseError,
    ParameterError,
    ShapeError,
)
from poise.regime._inputs import check_index_weights, refuse_infinite
from poise.regime.readings import ENGINES, DetectorReadings, Engine, as_regime_state
from poise.typing import ArrayLike, Matrix

Answer = TypeVar("Answer")

_KIND = "RegimeDetector"


class RegimeDetector(DetectorReadings):
    """Detects the market regime after each daily bar, from the past only.

    The market is the weighted mean of the assets' returns. Each bar is more or less likely in each regime,
    given its size in units of the market's own normal volatility and how correlated the assets are; a sticky
    Bayes filter accumulates what the bars say; the label follows with hysteresis. Confidence is the
    calibrated chance that the label agrees with the one that the 30 bars on either side would give; the
    expected remaining duration comes from the hazard of past spells by age. Regimes are recognised some weeks
    after they began, not before: use them for limits, not for timing.

    Parameters
    ----------
    weights : array_like of shape (n_assets,), optional
        Index weights, not negative, not all zero; equal when left out. Where returns are missing, the
        weights of the others are scaled up.
    engine : {"rules", "hidden_markov", "jump", "pool"}, default="rules"
        What the probabilities come from. ``"hidden_markov"``: the filtered probability of the wilder of two
        Gaussian states of the volatility score; the trend as by the rules. ``"jump"``: a statistical jump
        model of volatility and trend score with up to four states. ``"pool"``: the rules, and the others
        with a weight of 0.4 where, and as long as, that improves the log score. See Notes.

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
        ``volatility`` and ``trend`` at the last reading, from the last 504 of them: beyond them a stretch of
        61 bars counts as volatile or trending once it is over (see `calibration_`). Empty while warming.
    raw_probabilities_ : dict of str to float
        What the last bar alone says, before filtering: its likelihood by label, scaled to sum 1; empty while
        warming.
    durations_ : dict of str to float
        Expected bars of a whole spell of each regime.
    calibration_ : CalibrationReport
        How good probabilities and confidence were at the bars that are at least 30 bars old: Brier and log
        score (four even probabilities would have 0.75 and 1.386), expected calibration error, reliability
        table.
    engine_weights_ : dict of str to float
        Weights of ``rules``, ``hidden_markov`` and ``jump`` in the geometric mean that the probabilities are;
        sum 1. All with the rules before engines are fitted.
    n_fits_ : int
        Times that engines were fitted.
    label_flips_ : int
        States of the fitted models whose name another fit changed, in all.

    Raises
    ------
    ShapeError, NonFiniteError, ParameterError
        If `weights` is not one axis, not finite, negative or all zero, or there is no such `engine`.

    Notes
    -----
    In units of ``median_volatility`` a bar's return follows a Student t with four degrees of freedom: around
    a third in ``bull``, minus a third in ``bear``, zero in ``sideways``, of scale 0.85 each, and around zero
    with scale 1.9 in ``high_volatility``, where the correlation score is also expected one higher (it counts
    for a 58th: its window holds as many bars). The filter (Hamilton [1]_) multiplies these likelihoods to
    what it expects: spells of 60, 60, 45 and 20 bars that give way to any other regime. The label moves when
    another regime reaches probability 0.6. Until 500 observations the confidence of a probability ``p`` is
    ``0.25 + 0.75 (p - 0.25)``, from then on an isotonic map of past calls.

    A row without any return moves the probabilities one bar ahead and leaves the label alone. An index at
    rest is sideways, its probability of high volatility zero. `fit` and repeated `partial_fit` agree
    exactly. A detector can be copied, pickled and saved as bytes after any row: the copy is independent and
    continues bit for bit.

    Engines are fitted at the 500th observation and every 90 after that, to the readings of at most 1460 bars;
    until then the rules speak. A state is named by what is typical of its bars: the most volatile one
    ``high_volatility`` if its score reaches ``ln 1.3``, then by trend from ``bear`` over ``sideways`` to
    ``bull``. The states of a new fit are matched with those in use and keep their names while these are right
    give or take the width of a threshold. What each model said at a bar is scored
    once the bar can be judged, 30 bars later: the jump penalty (5, 20 or 50) and the members of the pool are
    those with the best log score so far. A bar with a fit takes some ten milliseconds, any other one a few
    microseconds. Readings that no model can be fitted to leave the last fit in force.

    References
    ----------
    .. [1] Hamilton (1989). A New Approach to the Economic Analysis of Nonstationary Time Series and the
       Business Cycle. Econometrica 57.
    .. [2] Shu, Yu and Mulvey (2024). Downside Risk Reduction Using Regime-Switching Signals: A Statistical
       Jump Model Approach.
    .. [3] Genest and Zidek (1986). Combining Probability Distributions: A Critique and an Annotated
       Bibliography. Statistical Science 1.

    Examples
    --------
    >>> import numpy as np
    >>> rising = np.random.default_rng(7).normal(0.003, 0.01, size=(250, 3))
    >>> RegimeDetector().fit(rising).state_.label
    'bull'
    """

    def __init__(self, *, weights: ArrayLike | None = None, engine: Engine = "rules") -> None:
        if engine not in ENGINES:
            raise ParameterError(f"engine is {engine!r}, expected one of {', '.join(map(repr, ENGINES))}")
        self.weights = weights
        self.engine = engine
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
        return [None if row[0] < 0 else as_regime_state(*row) for row in rows]

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
            described = {
                "weights": weights,
                "engine": self.engine,
                "labels": plain_labels(self._labels),
            }
            return pack(_KIND, described, kernel)

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
        detector = cls(weights=weights, engine=described["engine"])
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

    def _new_state(self, n_assets: int, labels: Labels) -> _native.DetectorState:
        if n_assets == 0:
            raise EmptyUniverseError("there is no asset; pass at least one column of returns")
        if self.weights is None:
            return _native.DetectorState(np.full(n_assets, 1.0 / n_assets), self.engine)
        weights, _ = unwrap_vector(self.weights, "weights", labels)
        if len(weights) != n_assets:
            raise ShapeError(f"the returns have {n_assets} assets, weights has {len(weights)}; pass one each")
        return _native.DetectorState(weights / weights.sum(), self.engine)
