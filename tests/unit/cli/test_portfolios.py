"""``poise analyze --strategy`` and ``--frontier``: textbook portfolios beside the book's own target."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from poise.decision import named_portfolios, panel_frontier, shared_returns
from poise.decision.portfolios import STRATEGIES, WINDOW
from poise.errors import NotEnoughDataError, ParameterError
from poise.optimization import solve_minimum_variance
from poise.testing import simulated_market
from tests.unit.cli.conftest import Run


class TestCommand:
    def test_one_strategy_as_json(self, run: Run, bars: Path) -> None:
        document = run("analyze", "--data", bars, "--strategy", "minimum_variance", "--json").document()
        answer = document["strategies"]["minimum_variance"]
        assert math.fsum(answer["weights"].values()) == pytest.approx(1.0, abs=1e-12)
        assert max(answer["weights"].values()) <= 0.35
        assert answer["status"] == "optimal"
        assert answer["certificate"] <= 1e-8
        assert "frontier" not in document

    def test_all_strategies_for_people(self, run: Run, bars: Path) -> None:
        shown = run("analyze", "--data", bars, "--strategy", "all").out
        for name in STRATEGIES:
            assert name.replace("_", " ") in shown
        assert "Remarks" in shown

    def test_the_frontier_as_table_and_figure(self, run: Run, bars: Path, tmp_path: Path) -> None:
        shown = run("analyze", "--data", bars, "--frontier", "--out", tmp_path).out
        assert "Efficient frontier" in shown
        assert "largest Sharpe ratio" in shown
        assert "frontier" in (tmp_path / "poise-frontier.html").read_text()

    def test_the_frontier_as_json(self, run: Run, bars: Path, tmp_path: Path) -> None:
        frontier = run("analyze", "--data", bars, "--frontier", "--out", tmp_path, "--json").document()[
            "frontier"
        ]
        returns = [corner["expected_return"] for corner in frontier["corners"]]
        assert returns == sorted(returns, reverse=True)
        for corner in (*frontier["corners"], frontier["maximum_sharpe"], frontier["minimum_variance"]):
            assert math.fsum(corner["weights"].values()) == pytest.approx(1.0, abs=1e-12)

    def test_an_unknown_strategy_names_the_nearest(self, run: Run, bars: Path) -> None:
        refused = run("analyze", "--data", bars, "--strategy", "risk_party").refusal()
        assert "did you mean 'risk_parity'" in refused


class TestSharedReturns:
    def test_days_that_all_share_bridge_a_weekend(self) -> None:
        panel = simulated_market(seed=3, n_assets=4, days=200).panel
        closes = panel.closes.copy()
        weekend = np.arange(200) % 7 >= 5
        closes[weekend, 2:] = np.nan
        closes[-1] = panel.closes[-1]
        mixed = type(panel)(**{**vars(panel), "closes": closes})
        shared = shared_returns(mixed)
        assert np.isfinite(shared.returns).all()
        rows = np.flatnonzero(np.isfinite(closes).all(axis=1))
        expected = closes[rows[1:], 0] / closes[rows[:-1], 0] - 1.0
        np.testing.assert_allclose(shared.returns[:, 0], expected)
        assert shared.periods_per_year == pytest.approx(365.0 * (len(rows) - 1) / 199)

    def test_a_young_asset_does_not_shorten_the_history_of_all(self) -> None:
        panel = simulated_market(seed=3, n_assets=4, days=200).panel
        closes = panel.closes.copy()
        closes[:150, 3] = np.nan
        shared = shared_returns(type(panel)(**{**vars(panel), "closes": closes}))
        assert shared.left_out == (panel.symbols[3],)
        assert len(shared.returns) == 199

    def test_two_years_are_enough(self) -> None:
        panel = simulated_market(seed=3, n_assets=3, days=800).panel
        assert len(shared_returns(panel).returns) == WINDOW

    def test_a_short_history_is_refused_with_what_it_takes(self) -> None:
        panel = simulated_market(seed=3, n_assets=3, days=50).panel
        with pytest.raises(NotEnoughDataError, match="at least 60"):
            shared_returns(panel)


class TestNamedPortfolios:
    def test_names_say_what_is_solved(self) -> None:
        shared = shared_returns(simulated_market(seed=3, n_assets=5, days=300).panel)
        (found,) = named_portfolios(shared, ["minimum_variance"], max_weight=0.4)
        from poise.moments import constant_correlation_shrinkage

        covariance = constant_correlation_shrinkage(shared.returns).covariance
        expected = solve_minimum_variance(covariance, bounds=(0.0, 0.4)).weights
        np.testing.assert_allclose(list(found.weights.values()), expected, atol=1e-12)

    def test_a_strategy_that_cannot_be_asked_says_why_and_stops_nobody(self) -> None:
        shared = shared_returns(simulated_market(seed=3, n_assets=3, days=300).panel)
        unknown = type(shared)(**{**vars(shared), "market_caps": np.full(3, np.nan)})
        found = {each.name: each for each in named_portfolios(unknown, ["all"])}
        assert found["market_cap"].result is None
        assert "nobody knows how large" in found["market_cap"].problem
        assert found["risk_parity"].result is not None
        assert found["market_cap"].to_dict()["status"] == "unavailable"

    def test_unknown_names_are_refused(self) -> None:
        shared = shared_returns(simulated_market(seed=3, n_assets=3, days=300).panel)
        with pytest.raises(ParameterError, match="known are all"):
            named_portfolios(shared, ["zzz"])

    def test_the_frontier_ends_at_the_least_variance(self) -> None:
        shared = shared_returns(simulated_market(seed=3, n_assets=5, days=300).panel)
        found = panel_frontier(shared, max_weight=0.5)
        (least,) = named_portfolios(shared, ["minimum_variance"], max_weight=0.5)
        assert found.frontier.corners[-1].volatility == pytest.approx(least.volatility, rel=1e-9)
