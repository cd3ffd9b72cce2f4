"""Everything public of the five computing rooms that takes arrays, each with arrays that it accepts.

The tests call every subject with hostile forms of these arrays, from several threads, and on every
instruction set. :func:`public_names` says what has to be here: a public name in no table fails the suite.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ROOMS = ("moments", "risk", "regime", "optimization", "performance")

PORTFOLIOS = (
    "BlackLitterman",
    "CapWeight",
    "EqualWeight",
    "HierarchicalRiskParity",
    "InverseVolatility",
    "Kelly",
    "MaximumDiversification",
    "MaximumSharpe",
    "MeanReversion",
    "MeanVariance",
    "MinimumCDaR",
    "MinimumCVaR",
    "MinimumVariance",
    "MomentumTilt",
    "RiskParity",
)
"""The portfolio estimators of the room ``optimization``."""

FRONTIER_QUERIES = (
    "at_return",
    "at_risk",
    "at_risk_aversion",
    "maximum_sharpe",
    "minimum_variance",
    "points",
)

WITHOUT_ARRAYS = {
    **{f"optimization.{name}": "parameters; its arrays come through fit" for name in PORTFOLIOS},
    **{f"optimization.{name}.get_params": "a flag" for name in PORTFOLIOS},
    **{f"optimization.{name}.set_params": "parameters" for name in PORTFOLIOS},
    "optimization.EfficientFrontier": "made by efficient_frontier",
    **{f"optimization.EfficientFrontier.{name}": "a number" for name in FRONTIER_QUERIES},
    "moments.half_life_of_window": "a number",
    "moments.CrossMarketCorrelation.cross_correlation": "a number",
    "moments.RegimeCovariance.conditional_correlation": "a name",
    "performance.expected_maximum_sharpe_ratio": "numbers",
    "performance.minimum_track_record_length": "numbers",
    "regime.GaussianHMM": "numbers; its arrays come through fit and from_parameters",
    "regime.GaussianHMM.reset": "nothing",
    "regime.JumpModel": "numbers; its arrays come through fit and from_centroids",
    "regime.JumpModel.reset": "nothing",
    "regime.RegimeDetector.median_remaining": "nothing",
    "regime.RegimeDetector.survival_probability": "a number",
    "risk.FilteredHistory": "numbers",
    "risk.FilteredHistory.scenarios": "nothing",
    "risk.VarBacktest": "a number",
    "risk.VarBacktest.observe": "a few numbers",
    "risk.VarBacktest.report": "nothing",
    "risk.DrawdownTracker": "nothing",
    "risk.DrawdownTracker.update": "a number",
    "risk.RiskEngine": "names; its weights are those of hold",
    "risk.RollingTailRisk": "numbers",
    "risk.RollingTailRisk.push": "a number",
    "risk.kupiec_test": "numbers",
    "risk.risk_score": "numbers",
    "risk.risk_score_parts": "numbers",
    "risk.traffic_light": "numbers",
}
"""Public names that take no array, and what they take instead."""

STATE_METHODS = frozenset({"to_bytes", "from_bytes", "restore"})
"""What moves a state takes and gives bytes, see ``tests/integration/test_states.py``."""


@dataclass(frozen=True)
class Subject:
    """One call.

    Attributes
    ----------
    name : str
        ``room.name`` or ``room.Class.method``, and a word behind it where it is called in several ways.
    call : callable
        Takes the arguments by name; for a method what `make` returned comes first.
    arguments : dict of str to ndarray
        float64, contiguous, accepted.
    make : callable, optional
        Returns afresh what the method is called on.
    lengths : frozenset of int
        Lengths that the object of `make` asks for.
    missing, unbounded, either : frozenset of str
        Arguments in which NaN means missing; in which an infinity leaves a side open; of one axis or two.
    optional, spread : frozenset of str
        Arguments that may be None; that may be one number for all.
    instants : frozenset of str
        Arguments that hold times.
    stacked : frozenset of str
        Arguments of any number of axes.
    empty : bool
        Whether arrays without values are answered.
    iterative : bool
        Whether the answer comes from an iteration, so that rounding reaches it magnified.
    """

    name: str
    call: Callable[..., Any]
    arguments: dict[str, np.ndarray]
    make: Callable[[], Any] | None = None
    lengths: frozenset[int] = field(default_factory=frozenset)
    missing: frozenset[str] = field(default_factory=frozenset)
    unbounded: frozenset[str] = field(default_factory=frozenset)
    either: frozenset[str] = field(default_factory=frozenset)
    optional: frozenset[str] = field(default_factory=frozenset)
    spread: frozenset[str] = field(default_factory=frozenset)
    instants: frozenset[str] = field(default_factory=frozenset)
    stacked: frozenset[str] = field(default_factory=frozenset)
    empty: bool = False
    iterative: bool = False

    @property
    def covers(self) -> str:
        """The public name."""
        return self.name.partition(" ")[0]

    def tied(self, argument: str, axis: int) -> bool:
        """Whether another axis of the call, or the object, has to have the same length."""
        length = self.arguments[argument].shape[axis]
        shapes = [size for array in self.arguments.values() for size in array.shape]
        return length in self.lengths or shapes.count(length) > 1


def subjects(n_observations: int = 40, n_assets: int = 3) -> list[Subject]:
    """Return every subject with arrays of these sizes."""
    from tests.border import measures, models, portfolios

    rooms = (measures, models, portfolios)
    return [subject for room in rooms for subject in room.subjects(n_observations, n_assets)]


def public_names() -> Iterator[str]:
    """Every public function, class with behaviour and method of the rooms."""
    for room in ROOMS:
        module = import_module(f"poise.{room}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                if not _holds_values(thing):
                    yield f"{room}.{name}"
                    yield from (f"{room}.{name}.{method}" for method in _methods(thing))
            elif callable(thing):
                yield f"{room}.{name}"


def online_classes() -> Iterator[str]:
    """Every public class with a state that outlives a call of ``fit``."""
    for room in ROOMS:
        module = import_module(f"poise.{room}")
        for name in module.__all__:
            thing = getattr(module, name)
            # A portfolio is fitted anew, and a frontier is an answer.
            starts_over = name in PORTFOLIOS and not hasattr(thing, "fit_covariance")
            starts_over |= name == "EfficientFrontier"
            if inspect.isclass(thing) and not _holds_values(thing) and not starts_over:
                yield f"{room}.{name}"


def _holds_values(thing: type) -> bool:
    from poise.optimization.estimators import PortfolioEstimator

    values = is_dataclass(thing) or issubclass(thing, (tuple, Enum))
    return values and not issubclass(thing, PortfolioEstimator)


def _methods(thing: type) -> list[str]:
    own = [base for base in thing.__mro__ if base.__module__.startswith("poise")]
    names = {name for base in own for name in vars(base) if not name.startswith("_")}
    public = (name for name in names - STATE_METHODS if callable(getattr(thing, name)))
    return sorted(public)
