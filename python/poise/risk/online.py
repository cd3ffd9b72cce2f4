"""Drawdowns and rolling tails that take in one return at a time, with the numbers of the batch functions."""

from __future__ import annotations

from poise import _native
from poise.risk._inputs import as_bounded_length, as_level, as_number
from poise.risk._state import Online


class DrawdownTracker(Online[_native.DrawdownTracker]):
    """Drawdowns of a compounded value that starts at its maximum, return by return.

    Attributes
    ----------
    drawdown : float
        Loss since the highest value so far, a positive fraction; 0 before the first return.
    max_drawdown : float
        The largest so far, as :func:`poise.risk.max_drawdown`.
    ulcer_index : float
        As :func:`poise.risk.ulcer_index`; NaN before the first return.
    duration, longest_duration : int
        Observations under water: of the running decline (0 at a maximum) and of the longest, as
        :func:`poise.risk.drawdown_duration`.
    n_observations : int
        Returns taken in.

    Notes
    -----
    A return that is refused leaves everything as it was. Copies and pickles are independent and continue bit
    for bit. An update and a read take constant time and memory.

    Examples
    --------
    >>> from poise.risk import DrawdownTracker
    >>> tracker = DrawdownTracker()
    >>> [tracker.update(value) for value in (0.25, -0.5, 0.5)]
    [0.0, 0.5, 0.25]
    >>> tracker.max_drawdown, tracker.longest_duration
    (0.5, 2)
    """

    _kernel = _native.DrawdownTracker

    def __init__(self) -> None:
        self._state = self._kernel()

    def __repr__(self) -> str:
        return f"DrawdownTracker(drawdown={self.drawdown:.6g}, n_observations={self.n_observations})"

    def update(self, value: float) -> float:
        """Take in the next return.

        Parameters
        ----------
        value : float
            Simple return of one period, as a fraction. Finite; at -1 or below the value is lost for good.

        Returns
        -------
        float
            The drawdown after it.

        Raises
        ------
        NonFiniteError
            If the return is NaN or infinite.
        ParameterError
            If it is no number.
        """
        return self._state.update(as_number(value, "value"))

    @property
    def drawdown(self) -> float:
        """Loss since the highest value so far."""
        return self._state.drawdown

    @property
    def max_drawdown(self) -> float:
        """The largest drawdown so far."""
        return self._state.max_drawdown

    @property
    def ulcer_index(self) -> float:
        """Root mean square of the drawdowns so far."""
        return self._state.ulcer_index

    @property
    def duration(self) -> int:
        """Observations since the last maximum."""
        return self._state.duration

    @property
    def longest_duration(self) -> int:
        """The most observations in a row under water."""
        return self._state.longest_duration

    @property
    def n_observations(self) -> int:
        """Returns taken in."""
        return self._state.n_observations


class RollingTailRisk(Online[_native.RollingTail]):
    """Historical value at risk and conditional value at risk of the last `window` returns, return by return.

    Parameters
    ----------
    window : int
        Observations, at least 1.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.

    Attributes
    ----------
    value_at_risk, conditional_value_at_risk : float
        Losses over one period, positive fractions; NaN until the window is full.
    n_observations : int
        Returns in the window.

    Raises
    ------
    ParameterError
        If the window is no positive whole number or the level outside (0, 1).

    See Also
    --------
    rolling_tail_risk : the same numbers for a whole series.

    Notes
    -----
    Only the lowest returns are kept in order; most updates leave them alone, and a read takes constant time.
    A return that is refused leaves the window as it was. Copies and pickles are independent and continue bit
    for bit.

    Examples
    --------
    >>> from poise.risk import RollingTailRisk
    >>> tail = RollingTailRisk(3, confidence_level=0.5)
    >>> for value in (0.01, -0.02, -0.04):
    ...     tail.push(value)
    >>> tail.value_at_risk
    0.02
    """

    _kernel = _native.RollingTail

    def __init__(self, window: int, *, confidence_level: float = 0.95) -> None:
        self._state = self._kernel(as_bounded_length(window), as_level(confidence_level))

    def __repr__(self) -> str:
        return f"RollingTailRisk({self.window}, confidence_level={self.confidence_level!r})"

    def push(self, value: float) -> None:
        """Take in the next return; from a full window the oldest leaves.

        Parameters
        ----------
        value : float
            Simple return of one period, as a fraction. Finite.

        Raises
        ------
        NonFiniteError
            If the return is NaN or infinite.
        ParameterError
            If it is no number.
        """
        self._state.push(as_number(value, "value"))

    @property
    def value_at_risk(self) -> float:
        """The loss exceeded with probability ``1 - confidence_level``."""
        return self._state.value_at_risk

    @property
    def conditional_value_at_risk(self) -> float:
        """The mean loss of the worst ``1 - confidence_level``."""
        return self._state.conditional_value_at_risk

    @property
    def window(self) -> int:
        """Observations that a full window holds."""
        return self._state.window

    @property
    def confidence_level(self) -> float:
        """The level of both numbers."""
        return self._state.confidence_level

    @property
    def n_observations(self) -> int:
        """Returns in the window."""
        return self._state.n_observations
