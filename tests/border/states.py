"""Every public class with a state: how it is made and how it takes in the row at time t."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise import moments, optimization, regime, risk
from tests.border.measures import ESTIMATORS, HOUR, Samples
from tests.border.models import hidden_markov, jumps

WITHOUT_BYTES = {
    "optimization.RiskParity": "it keeps its last answer, with whatever labels that has",
}
"""Classes that are copied and pickled only, and why."""


@dataclass(frozen=True)
class Online:
    """One class.

    Attributes
    ----------
    name : str
        ``room.Class``.
    make : callable
        Returns an object that has seen nothing.
    feed : callable
        Gives an object the row at a time, a whole number below the sample's length.
    """

    name: str
    make: Callable[[], Any]
    feed: Callable[[Any, int], object]

    def fed(self, start: int, stop: int, thing: Any = None) -> Any:
        """Return the object, or a new one, after the rows from `start` up to `stop`."""
        thing = self.make() if thing is None else thing
        for t in range(start, stop):
            self.feed(thing, t)
        return thing


def online(n_observations: int = 60, n_assets: int = 3) -> list[Online]:
    """Return every class with a state."""
    of = Samples(n_observations, n_assets)
    R = of.R.copy()
    R[7::11, 1] = np.nan  # gaps are part of a life
    covariances = [np.cov(of.R[:t].T) for t in range(2, n_observations + 2)]

    def rows(thing: Any, t: int) -> None:
        thing.partial_fit(R[t])

    def engine(it: Any, t: int) -> None:
        it.update(R[t])
        if t % 10 == 0:
            it.hold(np.roll(of.weights, t))

    estimators = [Online(f"moments.{name}", make, rows) for name, make in ESTIMATORS.items()]
    return [
        *estimators,
        Online(
            "moments.MultiTimeframeCovariance",
            moments.MultiTimeframeCovariance,
            lambda it, t: it.partial_fit(R[t], int(of.times[0]) + t * HOUR),
        ),
        Online(
            "moments.RegimeCovariance",
            moments.RegimeCovariance,
            lambda it, t: it.partial_fit(R[t], of.probabilities[t]),
        ),
        Online(
            "moments.CrossMarketCorrelation",
            moments.CrossMarketCorrelation,
            lambda it, t: it.partial_fit(
                int(of.times[0]) + t * HOUR,
                continuous=np.exp(R[t]),
                exchange=np.exp(of.R[t, :2]) if t % 2 else None,
            ),
        ),
        Online(
            "risk.RiskEngine",
            lambda: risk.RiskEngine(
                n_assets, half_life=5.0, window=12, confidence_level=0.8, min_observations=5
            ),
            engine,
        ),
        Online(
            "risk.FilteredHistory",
            lambda: risk.FilteredHistory(n_assets, window=12, half_life=5.0),
            lambda it, t: it.push(R[t]),
        ),
        Online(
            "risk.VarBacktest",
            lambda: risk.VarBacktest(window=250),
            lambda it, t: it.observe(of.returns[t], [0.01, 0.02, 0.03], [0.02, 0.03, 0.04]),
        ),
        Online("risk.DrawdownTracker", risk.DrawdownTracker, lambda it, t: it.update(of.returns[t])),
        Online(
            "risk.RollingTailRisk",
            lambda: risk.RollingTailRisk(12, confidence_level=0.8),
            lambda it, t: it.push(of.returns[t]),
        ),
        Online("regime.GaussianHMM", lambda: hidden_markov(of), lambda it, t: it.partial_filter(of.R[t])),
        Online("regime.JumpModel", lambda: jumps(of), lambda it, t: it.partial_predict(of.R[t])),
        Online("regime.RegimeDetector", regime.RegimeDetector, rows),
        Online(
            "optimization.RiskParity",
            optimization.RiskParity,
            lambda it, t: it.fit_covariance(covariances[t]),
        ),
    ]
