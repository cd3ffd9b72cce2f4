"""Subjects beside the box solvers: frontier, views, tails, growth, tilts, trees; attribution."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from poise import optimization, performance
from tests.border.measures import Samples
from tests.border.subjects import Subject

BOUNDED = frozenset({"lower", "upper"})


def subjects(n_observations: int, n_assets: int) -> list[Subject]:
    """Return the subjects."""
    of = Samples(n_observations, n_assets)
    return [*_frontier(of), *_scenarios(of), *_views(of), *_rules(of), *_attribution(of)]


def bounded(solve: Any) -> Any:
    """Return the call with its bounds as two arguments."""
    return lambda lower, upper, **rest: solve(**rest, bounds=(lower, upper))


def _means(of: Samples) -> dict[str, np.ndarray]:
    return {"expected_returns": 0.1 * np.sqrt(np.diag(of.covariance)) * (1.0 + np.arange(of.n_assets))}


def _frontier(of: Samples) -> list[Subject]:
    lower, upper = of.bounds
    moments, box = _means(of) | {"covariance": of.covariance}, {"lower": lower, "upper": upper}
    calls = {
        "efficient_frontier": optimization.efficient_frontier,
        "solve_maximum_sharpe": optimization.solve_maximum_sharpe,
        "solve_kelly_quadratic": optimization.solve_kelly_quadratic,
    }
    # With more rows than assets: what a singular window answers is up to its rounding.
    rolled = partial(optimization.rolling_minimum_variance, window=max(12, 2 * of.n_assets), step=4)
    plain = [Subject(f"optimization.{n}", call, moments, iterative=True) for n, call in calls.items()]
    boxed = [
        Subject(
            f"optimization.{n} boxed",
            bounded(call),
            moments | box,
            unbounded=BOUNDED,
            spread=BOUNDED,
            iterative=True,
        )
        for n, call in calls.items()
        if n != "solve_kelly_quadratic"  # a fraction of the full bet bounds the bounds
    ]
    return [
        *plain,
        *boxed,
        Subject("optimization.rolling_minimum_variance", rolled, {"R": of.R}, iterative=True),
    ]


def _scenarios(of: Samples) -> list[Subject]:
    shares = {"probabilities": np.linspace(1.0, 2.0, of.R.shape[0])}
    optional = frozenset({"probabilities"})
    calls = {
        "solve_minimum_cvar": partial(optimization.solve_minimum_cvar, confidence_level=0.8),
        "solve_kelly": optimization.solve_kelly,
    }
    drawdown = partial(optimization.solve_minimum_cdar, confidence_level=0.8)
    return [
        *(
            Subject(f"optimization.{n}", call, {"returns": of.R} | shares, optional=optional, iterative=True)
            for n, call in calls.items()
        ),
        Subject("optimization.solve_minimum_cdar", drawdown, {"returns": of.R}, iterative=True),
    ]


def _views(of: Samples) -> list[Subject]:
    covariance, market = {"covariance": of.covariance}, {"market_weights": of.weights}

    def believed(covariance: Any, market_weights: Any, P: Any, Q: Any) -> Any:
        found = optimization.black_litterman(covariance, (P, Q), market_weights=market_weights)
        # Views carry the names of labelled assets.
        return [found.expected_returns, found.covariance, found.weights, found.view_weights]

    views = {"P": np.vstack([of.weights, of.weights[::-1]]), "Q": np.array([0.01, 0.02])}
    implied = partial(optimization.implied_risk_aversion, sharpe_ratio=0.5)
    return [
        Subject(
            "optimization.black_litterman",
            believed,
            covariance | market | views,
            optional=frozenset({"market_weights"}),
        ),
        Subject("optimization.equilibrium_returns", optimization.equilibrium_returns, market | covariance),
        Subject("optimization.implied_risk_aversion", implied, market | covariance),
    ]


def _attribution(of: Samples) -> list[Subject]:
    sectors = {
        "portfolio_weights": of.weights,
        "benchmark_weights": of.weights[::-1].copy(),
        "portfolio_returns": np.linspace(0.01, 0.03, of.n_assets),
        "benchmark_returns": np.linspace(0.02, -0.01, of.n_assets),
    }
    periods = {
        "effects": of.R,
        "portfolio_returns": of.R.sum(axis=1) + 0.001,
        "benchmark_returns": np.full(of.R.shape[0], 0.001),
    }
    return [
        Subject("performance.brinson_fachler", performance.brinson_fachler, sectors),
        Subject("performance.link_effects", performance.link_effects, periods),
    ]


def _rules(of: Samples) -> list[Subject]:
    lower, upper = of.bounds
    box, covariance = {"lower": lower, "upper": upper}, {"covariance": of.covariance}
    scores, unknown = np.linspace(-1.5, 1.5, of.n_assets), frozenset({"scores", "distances"})
    told = frozenset({"sharpe_ratios", "momentum"})
    budgets = {"base": of.weights, "sharpe_ratios": scores, "momentum": scores[::-1].copy()}
    tree = optimization.solve_hierarchical_risk_parity
    return [
        Subject("optimization.solve_hierarchical_risk_parity", tree, covariance),
        Subject(
            "optimization.solve_hierarchical_risk_parity boxed",
            bounded(tree),
            covariance | box,
            unbounded=BOUNDED,
            spread=BOUNDED,
        ),
        Subject(
            "optimization.momentum_tilt",
            optimization.momentum_tilt,
            {"weights": of.weights, "scores": scores},
            missing=unknown,
        ),
        Subject(
            "optimization.mean_reversion_tilt",
            optimization.mean_reversion_tilt,
            {"weights": of.weights, "distances": scores},
            missing=unknown,
        ),
        Subject(
            "optimization.dynamic_risk_budgets",
            optimization.dynamic_risk_budgets,
            budgets,
            missing=told,
            optional=told,
        ),
    ]
