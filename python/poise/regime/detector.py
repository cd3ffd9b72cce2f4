"""The regime of a market: bull, bear, sideways or high volatility, and how sure."""

from __future__ import annotations

import copy
import json
from threading import RLock
from typing import Any, Self

import numpy as np

from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.domain.regime import RegimeState
from poise.domain.snapshot import pack, plain_labels, restored_labels, unpack
from poise.errors import (
    EmptyInputError,
    EmptyUniverseError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.regime.engine import RegimeEngine
from poise.regime.parts import as_plain, restored
from poise.regime.persistence import PRIOR_DURATIONS
from poise.typing import REGIME_LABELS, ArrayLike, Matrix, RegimeLabel, Vector

_LARGEST_RETURN = 1e100
_KIND = "RegimeDetector"


class RegimeDetector:
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
        The last reading, see :class:`poise.regime.features.Reading`; empty while warming.
    thresholds_ : dict of str to float
        ``volatility`` and ``trend`` as used for the last reading: scores beyond them count as volatile
        or trending. Empty while warming.
    raw_probabilities_ : dict of str to float
        Memberships of the last reading before filtering, by label; empty while warming.
    durations_ : dict of str to float
        Expected bars of a whole spell of each regime.

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
            _check_weights(unwrap_vector(weights, "weights")[0])
        self._engine: RegimeEngine | None = None
        self._labels = BARE
        self._n_assets = 0
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
        self.history(R)
        return self

    def history(self, R: ArrayLike) -> list[RegimeState | None]:
        """Fit, and return the state after each row (None while warming).

        Parameters and errors are those of :meth:`fit`. The state after a row is the one that
        :meth:`partial_fit` leaves there: later rows play no part in it.
        """
        returns, labels = unwrap_matrix(R)
        if returns.shape[0] == 0:
            raise EmptyInputError("R has no row; pass at least one observation")
        engine = self._new_engine(returns.shape[1], labels)
        _refuse_infinite(returns, labels)
        states = [engine.push(row) for row in np.ascontiguousarray(returns)]
        with self._busy:
            self._engine, self._labels, self._n_assets = engine, labels, returns.shape[1]
        return states

    def partial_fit(self, row: ArrayLike) -> Self:
        """Take the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one day; NaN = missing. Labelled values are matched by name with the
            assets of earlier labelled rows.

        Returns
        -------
        RegimeDetector
            Itself.

        Raises
        ------
        EmptyUniverseError
            If there is no asset.
        ShapeError
            If the number of assets differs from that of earlier rows or of `weights`.
        NonFiniteError
            If a return is infinite; the message names the column, and nothing has changed.
        """
        with self._busy:
            self._take(row)
        return self

    def _take(self, row: ArrayLike) -> None:
        returns, labels = unwrap_vector(row, "row", self._labels)
        engine = self._engine
        if engine is None:
            engine = self._new_engine(len(returns), labels)
        elif len(returns) != self._n_assets:
            raise ShapeError(
                f"row has {len(returns)} assets, expected {self._n_assets} as in earlier rows; "
                "use NaN for a missing asset, fit afresh for another universe"
            )
        _refuse_infinite(returns, labels)
        engine.push(np.ascontiguousarray(returns))
        self._engine, self._labels, self._n_assets = engine, labels, len(returns)

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
        engine, state = self._warm()
        return engine.persistence.survival(REGIME_LABELS.index(state.label), state.age, horizon)

    def median_remaining(self) -> int:
        """Return the bars within which the present label ends with probability one half.

        Raises
        ------
        StateError
            While warming.
        """
        engine, state = self._warm()
        return engine.persistence.median_remaining(REGIME_LABELS.index(state.label), state.age)

    @property
    def state_(self) -> RegimeState | None:
        """The state after the last row."""
        return None if self._engine is None else self._engine.state

    @property
    def features_(self) -> dict[str, float]:
        """The last reading."""
        reading = None if self._engine is None else self._engine.reading
        return {} if reading is None else reading._asdict()

    @property
    def thresholds_(self) -> dict[str, float]:
        """The thresholds of the last reading."""
        thresholds = None if self._engine is None else self._engine.thresholds
        return {} if thresholds is None else thresholds._asdict()

    @property
    def raw_probabilities_(self) -> dict[RegimeLabel, float]:
        """The memberships of the last reading."""
        membership = None if self._engine is None else self._engine.membership
        return {} if membership is None else dict(zip(REGIME_LABELS, membership, strict=True))

    @property
    def durations_(self) -> dict[RegimeLabel, float]:
        """The expected length of a spell of each regime, from the spells seen so far."""
        durations = PRIOR_DURATIONS if self._engine is None else self._engine.persistence.durations
        return dict(zip(REGIME_LABELS, durations, strict=True))

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
            described = {"weights": weights, "labels": plain_labels(self._labels), "n_assets": self._n_assets}
            return pack(_KIND, described, json.dumps(as_plain(self._engine)).encode())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the detector that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another model or written by a newer version.
        """
        described, engine = unpack(_KIND, data)
        weights = described["weights"]
        if weights is not None:
            weights = restored_labels(weights["labels"]).vector(np.array(weights["values"]))
        detector = cls(weights=weights)
        detector._engine = restored(json.loads(engine))
        detector._labels, detector._n_assets = restored_labels(described["labels"]), described["n_assets"]
        return detector

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        with self._busy:
            return {name: copy.deepcopy(value) for name, value in vars(self).items() if name != "_busy"}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved, _busy=RLock())

    def _warm(self) -> tuple[RegimeEngine, RegimeState]:
        if self._engine is None or self._engine.state is None:
            raise StateError("the detector is warming; give it 20 rows with a return first")
        return self._engine, self._engine.state

    def _new_engine(self, n_assets: int, labels: Labels) -> RegimeEngine:
        if n_assets == 0:
            raise EmptyUniverseError("there is no asset; pass at least one column of returns")
        if self.weights is None:
            return RegimeEngine(np.full(n_assets, 1.0 / n_assets))
        weights, _ = unwrap_vector(self.weights, "weights", labels)
        if len(weights) != n_assets:
            raise ShapeError(f"the returns have {n_assets} assets, weights has {len(weights)}; pass one each")
        return RegimeEngine(weights / weights.sum())


def _check_weights(weights: Vector) -> None:
    for i, weight in enumerate(weights):
        if not np.isfinite(weight):
            raise NonFiniteError(f"weights[{i}] is {weight}; pass a finite number")
        if weight < 0.0:
            raise ParameterError(f"weights[{i}] is {weight}, expected 0 or more")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not total > 0.0:
        raise ParameterError("weights are all zero; give at least one asset a weight")
    if not np.isfinite(total):
        raise ParameterError("weights sum to more than a float can hold; divide them by their largest")


def _refuse_infinite(returns: Vector | Matrix, labels: Labels) -> None:
    """Refuse infinities, and numbers whose squares would become infinite."""
    bad = np.abs(returns) > _LARGEST_RETURN
    if not bad.any():
        return
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    column = place[-1]
    asset = f"column {column}" if labels.names is None else f"column {column} ({labels.names[column]})"
    where = asset if len(place) == 1 else f"row {place[0]}, {asset}"
    raise NonFiniteError(f"the return at {where} is {returns[place]}; pass NaN where it is missing")
