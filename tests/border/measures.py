"""Subjects that measure returns: moments, risk, performance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from poise import moments, performance, risk
from tests.border.subjects import Subject

R, RETURNS, ROW, WEIGHTS = (frozenset({name}) for name in ("R", "returns", "row", "weights"))
PACKED = frozenset({"packed"})
HOUR = 3_600_000_000_000


class Samples:
    """Arrays that every subject accepts."""

    def __init__(self, n_observations: int, n_assets: int) -> None:
        rng = np.random.default_rng(7)
        market = rng.normal(scale=0.01, size=(n_observations, 1))
        self.n_assets = n_assets
        self.R = market + rng.normal(scale=0.02, size=(n_observations, n_assets))
        self.returns = self.R[:, 0].copy()
        self.benchmark = market[:, 0].copy()
        self.row = self.R[-1].copy()
        self.covariance = np.cov(self.R.T)
        self.weights = rng.dirichlet(np.full(n_assets, 5.0))
        self.importance = rng.uniform(0.5, 2.0, size=n_observations)
        # Even, with tails as fat as Cornish and Fisher's expansion asks for.
        cubes = 0.05 * np.linspace(-1.0, 1.0, n_observations) ** 3
        self.fat = np.column_stack([rng.permutation(cubes) for _ in range(n_assets)])
        self.forecast = rng.uniform(0.02, 0.03, size=n_observations)
        self.exceptions = (rng.uniform(size=n_observations) < 0.2).astype(float)
        self.probabilities = rng.dirichlet(np.full(4, 2.0), size=n_observations)
        self.times = np.int64(1_577_836_800_000_000_000) + HOUR * np.arange(n_observations)
        self.other_times = self.times + HOUR // 3
        self.prices = 100.0 * np.exp(np.cumsum(self.R[:, 0]))
        self.other_prices = 50.0 * np.exp(np.cumsum(self.R[:, 1]))
        self.bounds = (np.zeros(n_assets), np.full(n_assets, 0.9))


def subjects(n_observations: int, n_assets: int) -> list[Subject]:
    """Return the subjects of these three rooms."""
    of = Samples(n_observations, n_assets)
    return [*_batch_moments(of), *_online_moments(of), *_cross_market(of), *_risk(of), *_performance(of)]


def _batch_moments(of: Samples) -> list[Subject]:
    whole = {"R": of.R}
    correlation = of.covariance / np.sqrt(np.outer(np.diag(of.covariance), np.diag(of.covariance)))
    gappy = {
        "ewma_covariance": partial(moments.ewma_covariance, half_life=5.0),
        "ewma_covariance path": partial(moments.ewma_covariance, half_life=5.0, last=False),
        "ewma_covariance packed": partial(moments.ewma_covariance, half_life=5.0, packed=True, last=False),
        "ewma_correlation": partial(moments.ewma_correlation, half_life=5.0),
        "ewma_correlation path": partial(moments.ewma_correlation, half_life=5.0, last=False),
        "sample_covariance": moments.sample_covariance,
        "rolling_covariance": partial(moments.rolling_covariance, window=10),
    }
    complete = {
        "constant_correlation_shrinkage": moments.constant_correlation_shrinkage,
        "constant_correlation_shrinkage weighted": partial(
            moments.constant_correlation_shrinkage, half_life=5.0
        ),
        "ledoit_wolf": moments.ledoit_wolf,
        "james_stein_means": moments.james_stein_means,
        "oas": moments.oas,
        "nonlinear_shrinkage": moments.nonlinear_shrinkage,
    }
    pairs = {
        "times_x": of.times,
        "prices_x": of.prices,
        "times_y": of.other_times,
        "prices_y": of.other_prices,
    }
    return [
        *(Subject(f"moments.{name}", call, whole, missing=R) for name, call in gappy.items()),
        *(Subject(f"moments.{name}", call, whole) for name, call in complete.items()),
        *(
            Subject(
                f"moments.correlation_summary{word}",
                _figures,
                {"correlation": correlation} | more,
                missing=frozenset({"correlation"}),
                optional=frozenset({"degenerate"}),
            )
            for word, more in (("", {}), (" degenerate", {"degenerate": np.arange(of.n_assets) % 2.0}))
        ),
        Subject("moments.nearest_correlation", moments.nearest_correlation, {"matrix": correlation}),
        Subject(
            "moments.unpack",
            moments.unpack,
            {"packed": of.covariance[np.tril_indices(of.n_assets)]},
            missing=PACKED,
            unbounded=PACKED,
            stacked=PACKED,
        ),
        Subject(
            "moments.hayashi_yoshida",
            moments.hayashi_yoshida,
            pairs,
            instants=frozenset({"times_x", "times_y"}),
        ),
        Subject(
            "moments.IteratedEwmaCovariance.book_moments",
            lambda it, weights: it.book_moments(weights),
            {"weights": of.weights},
            lambda: moments.IteratedEwmaCovariance(5.0, 10.0).fit(of.R),
            frozenset({of.n_assets}),
        ),
    ]


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "EwmaCovariance": lambda: moments.EwmaCovariance(5.0),
    "IteratedEwmaCovariance": lambda: moments.IteratedEwmaCovariance(5.0, 10.0),
    "MultiHalfLifeCovariance": lambda: moments.MultiHalfLifeCovariance([3.0, 8.0]),
    "RollingCovariance": lambda: moments.RollingCovariance(10),
    "ShrunkEwmaCovariance": lambda: moments.ShrunkEwmaCovariance(5.0),
}
"""Estimators whose fit takes returns alone."""


def _figures(correlation: Any, degenerate: Any = None) -> Any:
    """Return what a summary says but for the names, which labelled answers have and bare ones have not."""
    found = moments.correlation_summary(correlation, degenerate=degenerate)
    pairs = [pair.correlation for pair in (*found.most_correlated, *found.least_correlated)]
    figures = [found.average, found.dispersion, found.first_eigenvalue_share, found.silhouette]
    return [*figures, *pairs, *(len(cluster) for cluster in found.clusters)]


def _cross_market(of: Samples) -> list[Subject]:
    coins, shares = 100.0 * np.exp(np.cumsum(of.R, axis=0)), 50.0 * np.exp(np.cumsum(of.R[:, ::-1], axis=0))
    markets = {
        "continuous": coins,
        "exchange": shares[:, 1:].copy(),
        "continuous_times": of.times,
        "exchange_times": of.other_times,
    }
    prices = frozenset({"continuous", "exchange"})
    times = frozenset({"continuous_times", "exchange_times"})
    make = moments.CrossMarketCorrelation
    after = int(of.other_times[-1]) + HOUR
    return [
        Subject(
            "moments.CrossMarketCorrelation",
            lambda **given: make().fit(**given),
            markets,
            missing=prices,
            instants=times,
        ),
        Subject(
            "moments.CrossMarketCorrelation.fit",
            lambda it, **given: it.fit(**given),
            markets,
            make,
            missing=prices,
            instants=times,
        ),
        Subject(
            "moments.CrossMarketCorrelation.partial_fit",
            lambda it, continuous, exchange: it.partial_fit(after, continuous=continuous, exchange=exchange),
            {"continuous": coins[-1].copy(), "exchange": markets["exchange"][-1].copy()},
            lambda: make().fit(**markets),
            frozenset({of.n_assets, of.n_assets - 1}),
            missing=prices,
            optional=prices,
        ),
    ]


def _online_moments(of: Samples) -> list[Subject]:
    found = []
    assets = frozenset({of.n_assets})
    for name, make in ESTIMATORS.items():
        whole = f"moments.{name}"
        found += [
            Subject(whole, lambda R, make=make: make().fit(R), {"R": of.R}, missing=R),
            Subject(f"{whole}.fit", lambda it, R: it.fit(R), {"R": of.R}, make, missing=R),
            Subject(
                f"{whole}.partial_fit",
                lambda it, row: it.partial_fit(row),
                {"row": of.row},
                lambda make=make: make().fit(of.R),
                assets,
                missing=ROW,
            ),
        ]
    both = {"R": of.R, "times": of.times}
    frames = moments.MultiTimeframeCovariance
    after = int(of.times[-1]) + HOUR
    regimes = moments.RegimeCovariance
    known = {"R": of.R, "probabilities": of.probabilities}
    four = frozenset({4})
    return [
        *found,
        Subject(
            "moments.EwmaCovariance.portfolio_variance",
            lambda it, weights: it.portfolio_variance(weights),
            {"weights": of.weights},
            lambda: moments.EwmaCovariance(5.0).fit(of.R),
            assets,
        ),
        Subject(
            "moments.MultiTimeframeCovariance",
            lambda R, times: frames().fit(R, times),
            both,
            missing=R,
            instants=frozenset({"times"}),
        ),
        Subject(
            "moments.MultiTimeframeCovariance.fit",
            lambda it, R, times: it.fit(R, times),
            both,
            frames,
            missing=R,
            instants=frozenset({"times"}),
        ),
        Subject(
            "moments.MultiTimeframeCovariance.partial_fit",
            lambda it, row: it.partial_fit(row, after),
            {"row": of.row},
            lambda: frames().fit(of.R, of.times),
            assets,
            missing=ROW,
        ),
        Subject(
            "moments.RegimeCovariance",
            lambda R, probabilities: regimes().fit(R, probabilities),
            known,
            lengths=four,
            missing=R,
        ),
        Subject(
            "moments.RegimeCovariance.fit",
            lambda it, R, probabilities: it.fit(R, probabilities),
            known,
            regimes,
            four,
            missing=R,
        ),
        Subject(
            "moments.RegimeCovariance.partial_fit",
            lambda it, row, probabilities: it.partial_fit(row, probabilities),
            {"row": of.row, "probabilities": of.probabilities[-1]},
            lambda: regimes().fit(of.R, of.probabilities),
            frozenset({of.n_assets, 4}),
            missing=ROW,
        ),
    ]


def _risk(of: Samples) -> list[Subject]:
    series = {
        name: getattr(risk, name)
        for name in (
            "conditional_drawdown_at_risk",
            "drawdown_duration",
            "drawdowns",
            "max_drawdown",
            "ulcer_index",
        )
    } | {
        "rolling_conditional_value_at_risk": partial(risk.rolling_conditional_value_at_risk, window=10),
        "rolling_tail_risk": partial(risk.rolling_tail_risk, window=10),
        "rolling_value_at_risk": partial(risk.rolling_value_at_risk, window=10),
    }
    for name in ("conditional_value_at_risk", "value_at_risk"):
        series[name] = getattr(risk, name)
        for method in ("gaussian", "student_t"):
            series[f"{name} {method}"] = partial(getattr(risk, name), method=method)
    books = ("diversification_ratio", "effective_bets", "portfolio_volatility", "risk_contributions")
    return [
        *(Subject(f"risk.{n}", call, {"returns": of.returns}, either=RETURNS) for n, call in series.items()),
        *(
            Subject(f"risk.{n} columns", call, {"returns": of.R}, either=RETURNS)
            for n, call in series.items()
        ),
        *(
            Subject(
                f"risk.{name} cornish_fisher{word}",
                partial(getattr(risk, name), method="cornish_fisher"),
                {"returns": fat},
                either=RETURNS,
            )
            for name in ("conditional_value_at_risk", "value_at_risk")
            for word, fat in (("", of.fat[:, 0].copy()), (" columns", of.fat))
        ),
        *(
            Subject(
                f"risk.{name} weighted",
                getattr(risk, name),
                {"returns": of.returns, "weights": of.importance},
                either=RETURNS,
                optional=WEIGHTS,
            )
            for name in ("conditional_value_at_risk", "tail_risk", "value_at_risk")
        ),
        Subject("risk.tail_risk", risk.tail_risk, {"returns": of.returns}),
        *(
            Subject(f"risk.{name}", getattr(risk, name), {"weights": of.weights, "covariance": of.covariance})
            for name in books
        ),
        *(
            Subject(f"risk.{name}", getattr(risk, name), {"weights": of.weights}, empty=True)  # all cash
            for name in ("concentration_ratio", "effective_number_of_assets")
        ),
        *(
            Subject(f"risk.{name}", getattr(risk, name), {"weights": of.weights, "R": of.R})
            for name in (
                "component_conditional_value_at_risk",
                "component_value_at_risk",
                "filtered_value_at_risk",
            )
        ),
        Subject("risk.filtered_scenarios", risk.filtered_scenarios, {"R": of.R}),
        Subject("risk.beta", risk.beta, {"returns": of.returns, "benchmark": of.benchmark}, either=RETURNS),
        Subject(
            "risk.acerbi_szekely_test",
            partial(risk.acerbi_szekely_test, confidence_level=0.9, degrees_of_freedom=5.0),
            {
                "returns": of.returns,
                "value_at_risk": of.forecast,
                "expected_shortfall": 1.3 * of.forecast,
            },
            spread=frozenset({"value_at_risk", "expected_shortfall"}),
        ),
        Subject(
            "risk.christoffersen_test",
            partial(risk.christoffersen_test, confidence_level=0.9),
            {"exceptions": of.exceptions},
        ),
        Subject(
            "risk.FilteredHistory.push",
            lambda it, row: it.push(row),
            {"row": of.row},
            lambda: started_history(of),
            frozenset({of.n_assets}),
            missing=ROW,
        ),
        Subject(
            "risk.FilteredHistory.outcomes",
            lambda it, weights: it.outcomes(weights),
            {"weights": of.weights},
            lambda: started_history(of),
            frozenset({of.n_assets}),
        ),
        Subject(
            "risk.FilteredHistory.tails",
            lambda it, weights: it.tails(weights, (0.9,)),
            {"weights": of.weights},
            lambda: started_history(of),
            frozenset({of.n_assets}),
        ),
        Subject(
            "risk.RiskEngine.update",
            lambda it, row: it.update(row),
            {"row": of.row},
            lambda: started_engine(of),
            frozenset({of.n_assets}),
            missing=ROW,
        ),
        Subject(
            "risk.RiskEngine.hold",
            lambda it, weights: it.hold(weights),
            {"weights": of.weights},
            lambda: started_engine(of),
            frozenset({of.n_assets}),
        ),
    ]


def started_history(of: Samples) -> risk.FilteredHistory:
    """Return a history that has seen the sample but its last row."""
    history = risk.FilteredHistory(of.n_assets)
    for row in of.R[:-1]:
        history.push(row)
    return history


def started_engine(of: Samples) -> risk.RiskEngine:
    """Return an engine that has seen the sample but its last row."""
    engine = risk.RiskEngine(of.n_assets, half_life=5.0, window=20, confidence_level=0.8, min_observations=5)
    for row in of.R[:-1]:
        engine.update(row)
    engine.hold(of.weights[::-1])
    return engine


def _performance(of: Samples) -> list[Subject]:
    alone = {
        name: partial(getattr(performance, name), periods_per_year=252.0)
        for name in (
            "annualized_return",
            "annualized_volatility",
            "calmar_ratio",
            "probabilistic_sharpe_ratio",
            "sharpe_ratio",
            "sortino_ratio",
        )
    } | {
        "total_return": performance.total_return,
        "deflated_sharpe_ratio": partial(
            performance.deflated_sharpe_ratio, periods_per_year=252.0, n_trials=20, sharpe_variance=0.5
        ),
    }
    beside = ("active_return", "information_ratio", "jensen_alpha", "tracking_error", "summarize")
    two = {"returns": of.returns, "benchmark": of.benchmark}
    return [
        *(
            Subject(f"performance.{n}", call, {"returns": of.returns}, either=RETURNS)
            for n, call in alone.items()
        ),
        *(
            Subject(f"performance.{n} columns", call, {"returns": of.R}, either=RETURNS)
            for n, call in alone.items()
        ),
        *(
            Subject(
                f"performance.{n}",
                partial(getattr(performance, n), periods_per_year=252.0),
                two,
                optional=frozenset({"benchmark"} if n == "summarize" else ()),
            )
            for n in beside
        ),
    ]
