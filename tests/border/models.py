"""Subjects that fit and solve: regime, optimization."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from poise import optimization, regime
from tests.border.measures import Samples
from tests.border.subjects import PORTFOLIOS, Subject

BOUNDED = frozenset({"lower", "upper"})
SHARES = frozenset({"budgets", "initial_weights"})


def subjects(n_observations: int, n_assets: int) -> list[Subject]:
    """Return the subjects of these two rooms."""
    of = Samples(n_observations, n_assets)
    return [*_regime(of), *_solvers(of), *_portfolios(of), *_allocators(of)]


def hidden_markov(of: Samples) -> regime.GaussianHMM:
    """Return a model of two states with given parameters."""
    return regime.GaussianHMM.from_parameters(**_parameters(of))


def jumps(of: Samples) -> regime.JumpModel:
    """Return a jump model of two states with given centroids."""
    return regime.JumpModel.from_centroids(_centroids(of), jump_penalty=0.001)


def _parameters(of: Samples) -> dict[str, np.ndarray]:
    return {
        "start_probabilities": np.array([0.6, 0.4]),
        "transition_matrix": np.array([[0.9, 0.1], [0.2, 0.8]]),
        "means": np.stack([np.full(of.n_assets, 0.001), np.full(of.n_assets, -0.002)]),
        "covariances": np.stack([of.covariance, 4.0 * of.covariance]),
    }


def _centroids(of: Samples) -> np.ndarray:
    return np.stack([np.full(of.n_assets, 0.01), np.full(of.n_assets, -0.01)])


def _regime(of: Samples) -> list[Subject]:
    assets = frozenset({of.n_assets})
    X, row = {"X": of.R}, {"row": of.row}
    R = frozenset({"R"})

    def new_hmm() -> Any:
        return regime.GaussianHMM(2, n_restarts=2, max_iterations=20, seed=1)

    def new_jumps() -> Any:
        return regime.JumpModel(2, jump_penalty=0.001, n_restarts=2, seed=1)

    made, model = partial(hidden_markov, of), partial(jumps, of)
    detector = regime.RegimeDetector
    return [
        Subject("regime.GaussianHMM.fit", lambda it, X: it.fit(X), X, new_hmm, iterative=True),
        Subject(
            "regime.GaussianHMM.from_parameters",
            regime.GaussianHMM.from_parameters,
            _parameters(of),
        ),
        *(
            Subject(
                f"regime.GaussianHMM.{name}", lambda it, X, name=name: getattr(it, name)(X), X, made, assets
            )
            for name in ("filter", "smooth", "viterbi", "log_likelihood")
        ),
        Subject(
            "regime.GaussianHMM.partial_filter", lambda it, row: it.partial_filter(row), row, made, assets
        ),
        Subject("regime.JumpModel.fit", lambda it, X: it.fit(X), X, new_jumps, iterative=True),
        Subject(
            "regime.JumpModel.from_centroids",
            partial(regime.JumpModel.from_centroids, jump_penalty=0.001),
            {"centroids": _centroids(of)},
        ),
        *(
            Subject(
                f"regime.JumpModel.{name}", lambda it, X, name=name: getattr(it, name)(X), X, model, assets
            )
            for name in ("predict", "predict_online")
        ),
        Subject(
            "regime.JumpModel.partial_predict", lambda it, row: it.partial_predict(row), row, model, assets
        ),
        Subject(
            "regime.RegimeDetector",
            lambda weights: detector(weights=weights).fit(of.R),
            {"weights": of.weights},
            lengths=assets,
            optional=frozenset({"weights"}),
        ),
        *(
            Subject(
                f"regime.RegimeDetector.{name}",
                lambda it, R, name=name: getattr(it, name)(R),
                {"R": of.R},
                detector,
                missing=R,
            )
            for name in ("fit", "history")
        ),
        Subject(
            "regime.RegimeDetector.partial_fit",
            lambda it, row: it.partial_fit(row),
            row,
            lambda: detector().fit(of.R),
            assets,
            missing=frozenset({"row"}),
        ),
    ]


def _bounded(solve: Any) -> Any:
    return lambda lower, upper, **rest: solve(**rest, bounds=(lower, upper))


def _solvers(of: Samples) -> list[Subject]:
    lower, upper = of.bounds
    S, box = {"covariance": of.covariance}, {"lower": lower, "upper": upper}
    means = {"expected_returns": 0.1 * np.sqrt(np.diag(of.covariance))}
    budgets = {"budgets": of.weights, "initial_weights": of.weights[::-1].copy()}
    at_ease = partial(optimization.solve_mean_variance, risk_aversion=3.0)
    plain = {
        "solve_risk_parity": (optimization.solve_risk_parity, S),
        "solve_risk_parity budgets": (optimization.solve_risk_parity, S | budgets),
        "solve_minimum_variance": (optimization.solve_minimum_variance, S),
        "solve_mean_variance": (at_ease, means | S),
        "solve_maximum_diversification": (optimization.solve_maximum_diversification, S),
    }
    boxed = {
        "solve_risk_parity boxed": (optimization.solve_risk_parity, S | box),
        "solve_minimum_variance boxed": (optimization.solve_minimum_variance, S | box),
        "solve_mean_variance boxed": (at_ease, means | S | box),
        "solve_maximum_diversification boxed": (optimization.solve_maximum_diversification, S | box),
    }
    several = {
        "expected_returns": np.vstack([means["expected_returns"], 0.5 * means["expected_returns"]]),
        "current_weights": of.weights,
    }

    def planned(expected_returns: Any, covariance: Any, current_weights: Any) -> Any:
        costs = optimization.TradingCosts(current_weights, fee=0.001)
        return optimization.solve_multi_period(expected_returns, covariance, costs=costs, risk_aversion=3.0)

    again = lambda: optimization.RiskParity().fit_covariance(of.covariance[::-1, ::-1])  # noqa: E731
    return [
        Subject("optimization.solve_multi_period", planned, several | S, iterative=True),
        Subject(
            "optimization.RiskParity.fit_covariance",
            lambda it, covariance: it.fit_covariance(covariance),
            S,
            again,
            iterative=True,
        ),
        *(
            Subject(f"optimization.{n}", call, given, optional=SHARES, iterative=True)
            for n, (call, given) in plain.items()
        ),
        *(
            Subject(
                f"optimization.{n}", _bounded(call), given, unbounded=BOUNDED, spread=BOUNDED, iterative=True
            )
            for n, (call, given) in boxed.items()
        ),
    ]


def _portfolios(of: Samples) -> list[Subject]:
    """Estimators that take returns; those of a fixed rule do not read them."""
    X, assets = frozenset({"X"}), frozenset({of.n_assets})
    found = []
    for name in PORTFOLIOS:
        make = getattr(optimization, name)
        blind = X if name in {"CapWeight", "EqualWeight"} else frozenset()

        def fitted(make: Any = make) -> Any:
            return make().fit(of.R)

        found += [
            Subject(
                f"optimization.{name}.fit",
                lambda it, X: it.fit(X),
                {"X": of.R},
                make,
                missing=blind,
                unbounded=blind,
                iterative=True,
            ),
            Subject(
                f"optimization.{name}.predict",
                lambda it, X: it.predict(X),
                {"X": of.R},
                fitted,
                assets,
                missing=X,
                empty=True,
                iterative=True,
            ),
            Subject(
                f"optimization.{name}.score",
                lambda it, X: it.score(X),
                {"X": of.R},
                fitted,
                assets,
                missing=X,
                iterative=True,
            ),
        ]
    return found


def _allocators(of: Samples) -> list[Subject]:
    lower, upper = of.bounds
    box = {"lower": lower, "upper": upper}
    sizes = {"market_caps": 1e9 * of.weights}
    assets = frozenset({of.n_assets})
    return [
        Subject(
            "optimization.equal_weights",
            lambda lower, upper: optimization.equal_weights(of.n_assets, bounds=(lower, upper)),
            box,
            lengths=assets,
            unbounded=BOUNDED,
            spread=BOUNDED,
        ),
        Subject(
            "optimization.inverse_volatility", optimization.inverse_volatility, {"covariance": of.covariance}
        ),
        Subject(
            "optimization.inverse_volatility boxed",
            _bounded(optimization.inverse_volatility),
            {"covariance": of.covariance} | box,
            unbounded=BOUNDED,
            spread=BOUNDED,
        ),
        Subject("optimization.cap_weighted", optimization.cap_weighted, sizes),
        Subject(
            "optimization.cap_weighted boxed",
            _bounded(optimization.cap_weighted),
            sizes | box,
            unbounded=BOUNDED,
            spread=BOUNDED,
        ),
        Subject(
            "optimization.water_fill",
            optimization.water_fill,
            {"weights": of.weights, "upper": upper},
            unbounded=BOUNDED,
            spread=BOUNDED,
        ),
    ]
