"""Every error poise raises on purpose, each with what its reader should do.

All derive from :class:`PoiseError` and from the built-in a caller would expect, so ``except ValueError``
keeps working. A message names what is wrong, where, and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PoiseError(Exception):
    """Root of poise's own errors: the operator reads the message, it says what to do."""


class InputError(PoiseError, ValueError):
    """An argument cannot be used: mend the call."""


class EmptyInputError(InputError):
    """Nothing to work on: pass at least one observation or asset."""


class EmptyUniverseError(EmptyInputError):
    """No asset is left to hold: widen the universe or its filters."""


class ShapeError(InputError):
    """Shapes do not fit or a matrix is not symmetric: transpose, align or slice the input."""


class NonFiniteError(InputError):
    """A NaN or an infinity where a number is needed: fill or drop the position the message names."""


class ParameterError(InputError):
    """A parameter lies outside its range: the message gives the range."""


class NotEnoughDataError(InputError):
    """Too little history for the statistic: pass more rows or a shorter window."""


class NotPositiveSemidefiniteError(InputError):
    """A covariance has a negative direction: repair it (``nearest_correlation``) or shrink it."""


class InfeasibleError(InputError):
    """No weights meet the bounds: relax the one the message names."""


class ZeroValueError(InputError):
    """The portfolio is worth nothing: weights are undefined until cash or positions are added."""


class UnknownSymbolError(InputError, KeyError):
    """A symbol is not in the prices or the asset table: check its spelling against the nearest known one."""

    # KeyError would show the message in quotes.
    __str__ = Exception.__str__


class DataError(InputError):
    """A price file or frame cannot be used: the message names file, symbol, column and row.

    Attributes
    ----------
    source : str
        The file, or what the data was handed in as.
    problem : str
        A stable word for the kind of mistake, such as ``missing_column``.
    """

    def __init__(self, message: str, *, source: str = "", problem: str = "invalid") -> None:
        super().__init__(message)
        self.source = source
        self.problem = problem


class ConfigError(InputError):
    """The configuration is refused: all violations are listed, with the nearest known key.

    Attributes
    ----------
    violations : tuple of str
        One line each.
    """

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(self.violations))


class OutputError(PoiseError, OSError):
    """A file cannot be written: choose another path or free the one named."""


class NotConvergedError(PoiseError, ArithmeticError):
    """A solver stopped short of its certificate: the message gives iterations, residual and tolerance."""


class LookAheadError(PoiseError, AssertionError):
    """A result knew its future: find what reads the whole sample, such as a mean or a backward fill."""


class StateError(PoiseError, RuntimeError):
    """A saved state is damaged or newer than this version, or a call came out of order."""


class OrderTransitionError(StateError):
    """An order was told of an event its state does not allow: reconcile with the venue before trading on."""


class BrokerError(PoiseError, RuntimeError):
    """The venue cannot be used as asked: the message says whether anything was sent."""


class ProposalExpiredError(BrokerError):
    """A proposal is too old to execute: evaluate again and execute the fresh one."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest known word, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""
