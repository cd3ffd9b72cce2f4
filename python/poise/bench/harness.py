"""Time poise beside its peers in one run, after checking that they give the same answer.

A case asks one question of one size; its first contender is poise. Contenders take turns in proportion to the
share of their time that is spent, so that a slow moment of the machine hits all of them.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

MIN_ROUNDS = 3
"""Rounds that even a peer of many seconds gets."""

SHORTEST_BATCH_SECONDS = 2e-4
"""Calls are timed in batches that last at least this long, so that the clock costs nothing beside them."""


@dataclass(frozen=True)
class Contender:
    """One way of answering a question.

    Attributes
    ----------
    call : callable
        What is timed.
    answer : callable, optional
        Gives the numbers to compare where `call` does not return them: a reading of a result object, or the
        end of a run for what changes with every call.
    expected : array_like, optional
        What the answer has to be where that is not poise's first answer: poise in another mode.
    differs : str
        Why this contender answers another question, so that its answer is not compared.
    note : str
        What a reader has to know, such as ``VaR only``.
    units : int
        How many units of the question one call does, a part of one too; times are per unit.
    """

    call: Callable[[], Any]
    answer: Callable[[], Any] | None = None
    expected: Any = None
    differs: str = ""
    note: str = ""
    units: float = 1


@dataclass(frozen=True)
class Missing:
    """A contender that does not take part, and why."""

    reason: str


@dataclass(frozen=True)
class Case:
    """One question to the clock.

    Attributes
    ----------
    row : str
        Identifies the question in the table of goals, such as ``A1``.
    question : str
        What is compared, such as ``EWMA covariance path``.
    size : str
        Shapes and parameters, such as ``T=1000 N=50``.
    contenders : mapping of str to Contender or Missing
        The first is poise.
    tolerance : float
        Largest difference of an answer to what is expected, as a fraction of the largest expected number.
    """

    row: str
    question: str
    size: str
    contenders: Mapping[str, Contender | Missing]
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Timing:
    """Seconds per unit over the rounds of one contender."""

    median: float
    minimum: float
    lower_quartile: float
    upper_quartile: float
    n_rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        """Summarise the rounds.

        Parameters
        ----------
        seconds : list of float
            At least one.
        """
        lower, upper = np.quantile(seconds, (0.25, 0.75))
        middle, least = statistics.median(seconds), min(seconds)
        return cls(middle, least, float(lower), float(upper), len(seconds))

    @property
    def spread(self) -> float:
        """Interquartile range in seconds."""
        return self.upper_quartile - self.lower_quartile


@dataclass(frozen=True)
class Result:
    """What the clock said.

    Attributes
    ----------
    case : Case
    timings : dict of str to Timing
        By contender, poise first.
    missing : dict of str to str
        Contenders that could not take part, with the reason.
    failed : dict of str to str
        Contenders that raised, or gave another answer; they were not timed.
    """

    case: Case
    timings: dict[str, Timing]
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def poise(self) -> str:
        """Name of the first contender."""
        return next(iter(self.case.contenders))

    def ratio(self, name: str, *, to: str | None = None) -> float:
        """Median of `name` over the median of `to` (poise): above 1, `to` is faster."""
        return self.timings[name].median / self.timings[to or self.poise].median

    def best_ratio(self, name: str, *, to: str | None = None) -> float:
        """Like :meth:`ratio`, of the fastest rounds: less disturbed by other work of the machine."""
        return self.timings[name].minimum / self.timings[to or self.poise].minimum


def measure(case: Case, seconds: float = 1.0) -> Result:
    """Check that the contenders agree, then time each for about `seconds`.

    Parameters
    ----------
    case : Case
    seconds : float, default=1.0
        Per contender; one whose calls take longer gets ``MIN_ROUNDS`` rounds.

    Returns
    -------
    Result
        A peer that is missing, raises or disagrees is named in it. An exception of poise itself passes
        through.
    """
    missing = {name: c.reason for name, c in case.contenders.items() if isinstance(c, Missing)}
    present = {name: c for name, c in case.contenders.items() if isinstance(c, Contender)}
    failed = disagreements(case, present)
    running = {name: _Turns(c, seconds) for name, c in present.items() if name not in failed}
    first = next(iter(running))
    while waiting := {name: turns.progress for name, turns in running.items() if turns.progress < 1.0}:
        name = min(waiting, key=waiting.__getitem__)
        try:
            running[name].take()
        # A peer may raise anything: the table names it and the others go on.
        except Exception as error:
            if name == first:
                raise
            failed[name] = _what_was_raised(error)
            del running[name]
    timings = {name: Timing.of(turns.times) for name, turns in running.items()}
    return Result(case, timings, missing, failed)


def disagreements(case: Case, contenders: Mapping[str, Contender]) -> dict[str, str]:
    """Ask every contender once; return the names of those that raised or gave another answer, with the fact.

    Parameters
    ----------
    case : Case
        Its first contender sets the answer and has to be among `contenders`.
    contenders : mapping of str to Contender
    """
    first, *others = contenders.items()
    right = np.asarray(_answer(first[1]), dtype=np.float64)
    found = {}
    for name, contender in others:
        try:
            given = _answer(contender)
            if not contender.differs:
                expected = right if contender.expected is None else contender.expected
                error = _distance(given, expected)
                if not error <= case.tolerance:
                    found[name] = f"another answer: off by {error:.1e}, {case.tolerance:.0e} allowed"
        except Exception as error:  # noqa: BLE001 - a broken peer is named in the table, whatever it raises
            found[name] = _what_was_raised(error)
    return found


def _what_was_raised(error: Exception) -> str:
    return f"raised {type(error).__name__}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """Return the first line of what an exception says."""
    return next(iter(str(error).strip().splitlines()), "")


def _answer(contender: Contender) -> Any:
    if contender.answer is not None:
        # What is timed has to run as well before the clock starts: compilers and caches.
        contender.call()
        return contender.answer()
    return contender.call()


def _distance(given: Any, expected: Any) -> float:
    """Return the largest difference over the largest expected number; infinite where shape or gaps differ."""
    ours, theirs = np.asarray(expected, dtype=np.float64), np.asarray(given, dtype=np.float64)
    if ours.shape != theirs.shape:
        return float("inf")
    finite = np.isfinite(ours) & np.isfinite(theirs)
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
        return float("inf")
    scale = float(np.max(np.abs(ours[finite]), initial=0.0)) or 1.0
    return float(np.max(np.abs(ours[finite] - theirs[finite]), initial=0.0)) / scale


class _Turns:
    """The rounds of one contender and how much of its time they took."""

    def __init__(self, contender: Contender, seconds: float) -> None:
        self._contender = contender
        self._seconds = seconds
        self._spent = 0.0
        self._calls = 0
        self.times: list[float] = []

    @property
    def progress(self) -> float:
        """Done at 1: the time is spent and the rounds are enough."""
        share = self._spent / self._seconds if self._seconds > 0.0 else 1.0
        return min(share, len(self.times) / MIN_ROUNDS)

    def take(self) -> None:
        """Time one round; the first finds out how many calls the clock resolves."""
        if self._calls == 0:
            # The check has warmed the contender up: the batch that is long enough is a round like others.
            self._calls = 1
            while (taken := _time(self._contender.call, self._calls)) < SHORTEST_BATCH_SECONDS:
                self._calls *= 2
        else:
            taken = _time(self._contender.call, self._calls)
        self._spent += taken
        self.times.append(taken / self._calls / self._contender.units)


def _time(call: Callable[[], Any], calls: int) -> float:
    """Seconds for that many calls, the collector of cycles at rest."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        begun = perf_counter()
        for _ in range(calls):
            call()
        return perf_counter() - begun
    finally:
        if collecting:
            gc.enable()
