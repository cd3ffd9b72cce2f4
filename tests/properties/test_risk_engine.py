"""A risk engine driven at random: it always says what its readable twin says of the same history."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.testing import assert_allclose

from poise.errors import InputError
from poise.risk import RiskEngine
from tests.reference import risk as twin
from tests.tolerances import CLOSED_FORM

N_ASSETS = 3
RETURNS = st.one_of(st.floats(-0.6, 0.8, allow_subnormal=False), st.sampled_from([0.0, -0.05, 0.01]))
GAPPY = st.one_of(RETURNS, RETURNS, RETURNS, st.just(math.nan))
WEIGHTS = st.one_of(st.sampled_from([0.0, 0.25, 0.5, -0.5]), st.floats(-1.5, 1.5, allow_subnormal=False))


def vectors(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return st.lists(elements, min_size=N_ASSETS, max_size=N_ASSETS).map(np.array)


class Desk(RuleBasedStateMachine):
    """Bars, gaps, trades, restarts and mistakes in any order."""

    @initialize(window=st.integers(1, 12), half_life=st.sampled_from([1.0, 7.5, 200.0]))
    def open(self, window: int, half_life: float) -> None:
        self.rule = {"half_life": half_life, "window": window, "confidence_level": 0.8}
        self.engine = RiskEngine(N_ASSETS, min_observations=1, **self.rule)
        self.weights = np.zeros(N_ASSETS)
        self.rows: list[np.ndarray] = []
        self.earned: list[float] = []
        self.traded_over_gaps = False

    @rule(row=vectors(RETURNS))
    def trade_a_bar(self, row: np.ndarray) -> None:
        self.take(row)

    @rule(row=vectors(GAPPY))
    def trade_a_bar_with_gaps(self, row: np.ndarray) -> None:
        self.take(row)

    def take(self, row: np.ndarray) -> None:
        found = self.engine.update(row)
        held = self.weights != 0
        expected = math.nan if np.isnan(row).all() else float(row[held] @ self.weights[held])
        assert_allclose(found, expected, atol=CLOSED_FORM)
        self.rows.append(row)
        if not math.isnan(expected):
            self.earned.append(expected)

    @rule(weights=vectors(WEIGHTS))
    def rebalance(self, weights: np.ndarray) -> None:
        self.engine.hold(weights)
        self.weights = weights
        gaps = any(0 < np.isnan(row).sum() < N_ASSETS for row in self.rows)
        # Then the volatility looks back on the window only.
        self.traded_over_gaps |= gaps and len(self.rows) > self.rule["window"]

    @rule()
    def restart(self) -> None:
        self.engine = RiskEngine.from_bytes(self.engine.to_bytes())

    @rule(bad=st.sampled_from([math.inf, -math.inf, 1e300]), at=st.integers(0, N_ASSETS - 1))
    def mistype(self, bad: float, at: int) -> None:
        before = self.engine.to_bytes()
        row = np.zeros(N_ASSETS)
        row[at] = bad
        with pytest.raises(InputError):
            copy.copy(self.engine).update(row)
        with pytest.raises(InputError):
            self.engine.update(row)
        assert self.engine.to_bytes() == before

    @precondition(lambda self: self.rows)
    @invariant()
    def the_twin_agrees(self) -> None:
        held = self.weights != 0
        R = np.array(self.rows)
        known = ~np.isnan(R[:, held]).any(axis=1) & ~np.isnan(R).all(axis=1)
        engine = self.engine
        if known[-self.rule["window"] :].any():
            expected = twin.engine(R, self.weights, **self.rule)
            found = (engine.value_at_risk, engine.conditional_value_at_risk)
            assert_allclose(found, expected["tail"], rtol=CLOSED_FORM, atol=CLOSED_FORM)
            assert_allclose(engine.volatility, expected["volatility"], rtol=CLOSED_FORM, atol=CLOSED_FORM)
            if not self.traded_over_gaps:
                # What rounding leaves of a hedge is the root of a rounding.
                variance = expected["portfolio_volatility"] ** 2
                assert_allclose(engine.portfolio_volatility**2, variance, rtol=1e-9, atol=CLOSED_FORM)
        else:
            assert math.isnan(engine.value_at_risk)

    @precondition(lambda self: self.rows)
    @invariant()
    def the_account_remembers_what_was_earned(self) -> None:
        engine = self.engine
        if self.earned:
            falls = twin.drawdowns(np.array(self.earned))
            assert_allclose(engine.drawdown, falls[-1], atol=CLOSED_FORM)
            assert_allclose(engine.max_drawdown, falls.max(), atol=CLOSED_FORM)
            assert_allclose(engine.ulcer_index, twin.ulcer_index(np.array(self.earned)), atol=CLOSED_FORM)
        else:
            assert engine.drawdown == 0

    @invariant()
    def the_parts_make_the_whole(self) -> None:
        engine = self.engine
        gaps = any(np.isnan(row).any() for row in self.rows)
        if self.rows and not gaps:
            total = engine.risk_contributions.sum()
            assert_allclose(total**2, engine.portfolio_volatility**2, rtol=1e-9, atol=CLOSED_FORM)
            assert engine.diversification_ratio >= 1


Desk.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDesk = Desk.TestCase
