"""What holds for every sample of returns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from poise import risk
from tests.tolerances import CLOSED_FORM

# Ties, zeros and ruin on purpose.
NASTY = st.one_of(
    st.floats(-0.9, 1.5, allow_subnormal=False), st.sampled_from([0.0, -0.0, -0.05, 0.01, -1.0])
)
LEVELS = st.floats(0.001, 0.999)
quickly = settings(max_examples=100, deadline=None)
RANK = 1e-8
"""Where ``a n`` lies within 1e-9 of a whole number the rank is rounded: so much of one loss changes sides."""


def series(min_size: int = 1, max_size: int = 80) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(float, st.integers(min_size, max_size), elements=NASTY)


def panels(n_assets: int, min_size: int = 1, max_size: int = 60) -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(min_size, max_size), st.just(n_assets))
    return hnp.arrays(float, shape, elements=NASTY)


@given(series(), LEVELS)
@quickly
def test_cvar_is_the_rockafellar_uryasev_minimum(returns: np.ndarray, level: float) -> None:
    # The objective is piecewise linear and convex with its corners at the losses.
    z = -returns
    excess = np.maximum(-returns[np.newaxis, :] - z[:, np.newaxis], 0).mean(axis=1)
    minimum = np.min(z + excess / (1 - level))
    found = risk.conditional_value_at_risk(returns, confidence_level=level)
    assert_allclose(found, minimum, atol=RANK / (1 - level))


@given(series(), LEVELS)
@quickly
def test_cvar_is_never_below_var_and_never_above_the_worst(returns: np.ndarray, level: float) -> None:
    tail = risk.tail_risk(returns, confidence_level=level)
    assert tail.value_at_risk <= tail.conditional_value_at_risk <= -returns.min() + RANK


@given(series(), LEVELS, LEVELS)
@quickly
def test_both_rise_with_the_level(returns: np.ndarray, one: float, other: float) -> None:
    low, high = (risk.tail_risk(returns, confidence_level=level) for level in sorted((one, other)))
    assert low.value_at_risk <= high.value_at_risk
    assert low.conditional_value_at_risk <= high.conditional_value_at_risk + RANK


@given(panels(2), LEVELS)
@quickly
def test_cvar_is_subadditive(R: np.ndarray, level: float) -> None:
    apart = risk.conditional_value_at_risk(R, confidence_level=level).sum()
    assert risk.conditional_value_at_risk(R.sum(axis=1), confidence_level=level) <= apart + RANK


@given(series(), LEVELS, st.floats(0.1, 10), st.floats(-0.5, 0.5))
@quickly
def test_scale_and_shift_go_through(returns: np.ndarray, level: float, scale: float, shift: float) -> None:
    tail = risk.tail_risk(returns, confidence_level=level)
    moved = risk.tail_risk(scale * returns + shift, confidence_level=level)
    assert_allclose(moved.value_at_risk, scale * tail.value_at_risk - shift, atol=1e-11)
    assert_allclose(
        moved.conditional_value_at_risk, scale * tail.conditional_value_at_risk - shift, atol=1e-11
    )


@given(series(), LEVELS, st.randoms(use_true_random=False))
@quickly
def test_the_order_of_time_does_not_matter_to_the_tail(returns: np.ndarray, level: float, random) -> None:
    shuffled = np.array(random.sample(returns.tolist(), len(returns)))
    tail, other = (risk.tail_risk(x, confidence_level=level) for x in (returns, shuffled))
    assert tail.value_at_risk == other.value_at_risk
    assert_allclose(tail.conditional_value_at_risk, other.conditional_value_at_risk, atol=CLOSED_FORM)


@given(panels(3), st.integers(1, 70), LEVELS, st.integers(0, 59))
@quickly
def test_nothing_looks_ahead(R: np.ndarray, window: int, level: float, cut: int) -> None:
    altered = R.copy()
    altered[cut:] = 0.123
    for rolling in (risk.rolling_value_at_risk, risk.rolling_conditional_value_at_risk):
        before, after = (rolling(x, window=window, confidence_level=level) for x in (R, altered))
        assert_array_equal(before[:cut], after[:cut])
    assert_array_equal(risk.drawdowns(R)[:cut], risk.drawdowns(altered)[:cut])


@given(panels(3), st.integers(1, 70), LEVELS)
@quickly
def test_every_window_is_a_sample_of_its_own(R: np.ndarray, window: int, level: float) -> None:
    var, cvar = risk.rolling_tail_risk(R, window=window, confidence_level=level)
    assert np.isnan(var[: window - 1]).all()
    assert np.isnan(cvar[: window - 1]).all()
    for t in range(window - 1, len(R)):
        assert_array_equal(var[t], risk.value_at_risk(R[t + 1 - window : t + 1], confidence_level=level))


@given(series())
@quickly
def test_drawdowns_stay_between_zero_and_one(returns: np.ndarray) -> None:
    drawdowns = risk.drawdowns(returns)
    assert ((drawdowns >= 0) & (drawdowns <= 1)).all()
    assert risk.max_drawdown(returns) == drawdowns.max()
    ruined = np.flatnonzero(returns <= -1)
    if ruined.size:
        assert (drawdowns[ruined[0] :] == 1).all()


@given(panels(4), hnp.arrays(float, 4, elements=st.floats(-1, 1)), LEVELS, st.permutations(range(4)))
@quickly
def test_components_sum_and_follow_their_assets(
    R: np.ndarray, weights: np.ndarray, level: float, order: list[int]
) -> None:
    components = risk.component_conditional_value_at_risk(weights, R, confidence_level=level)
    whole = risk.conditional_value_at_risk(R @ weights, confidence_level=level)
    assert_allclose(components.sum(), whole, atol=1e-11)
    # Sums in another order tie differently, so the tail may change where weights and returns are exotic:
    # an exact binary grid keeps ties.
    grid, steps = np.round(R * 64) / 64, np.round(weights * 16) / 16
    plain = risk.component_conditional_value_at_risk(steps, grid, confidence_level=level)
    permuted = risk.component_conditional_value_at_risk(steps[order], grid[:, order], confidence_level=level)
    assert_allclose(permuted, plain[order], atol=CLOSED_FORM)


@given(
    hnp.arrays(float, (5, 3), elements=st.floats(-1, 1)),
    hnp.arrays(float, 5, elements=st.floats(-1, 1)),
    st.permutations(range(5)),
)
@quickly
def test_contributions_sum_and_follow_their_assets(
    loadings: np.ndarray, weights: np.ndarray, order: list[int]
) -> None:
    covariance = loadings @ loadings.T
    contributions = risk.risk_contributions(weights, covariance)
    volatility = risk.portfolio_volatility(weights, covariance)
    permuted = risk.risk_contributions(weights[order], covariance[np.ix_(order, order)])
    # Near a perfect hedge the root magnifies rounding: 1e-16 of variance is 1e-8 of volatility.
    assert_allclose(contributions.sum(), volatility, atol=1e-8)
    assert_allclose(permuted, contributions[order], atol=1e-7)
    assert risk.diversification_ratio(weights, covariance) >= 1


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.integers(0, 4),
    st.floats(0, 1),
    st.floats(0, 1),
)
@quickly
def test_the_score_rises_with_every_argument(
    values: list[float], which: int, step: float, stress: float
) -> None:
    names = ("cvar_95", "concentration_ratio", "average_correlation", "max_drawdown", "exposure")
    regime = {"bull": 1 - stress, "sideways": 0.0, "bear": stress / 2, "high_volatility": stress / 2}
    base = dict(zip(names, values, strict=True))
    score = risk.risk_score(**base, regime_probabilities=regime)
    raised = risk.risk_score(**{**base, names[which]: values[which] + step}, regime_probabilities=regime)
    assert 0 <= score <= raised + CLOSED_FORM <= 1 + 2 * CLOSED_FORM
    calmer = risk.risk_score(**base, regime_probabilities={**regime, "bear": 0.0})
    assert calmer <= score + CLOSED_FORM


@given(panels(3, min_size=45), st.sampled_from([3.0, 21.0]))
@quickly
def test_filtered_scenarios_keep_the_signs_of_history(R: np.ndarray, half_life: float) -> None:
    scenarios = risk.filtered_scenarios(R, half_life=half_life)
    assert np.isfinite(scenarios).all()
    assert (scenarios >= -1).all()
    moved = np.sign(scenarios) * np.sign(R[20:])
    assert (moved >= 0).all()


def test_a_zero_weight_asset_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    R = rng.normal(0, 0.02, size=(100, 3))
    weights = np.array([0.5, 0.3])
    wider = np.append(weights, 0.0)
    covariance = np.cov(R, rowvar=False)
    for function in (risk.risk_contributions, risk.diversification_ratio, risk.effective_bets):
        narrow = np.append(function(weights, covariance[:2, :2]), 0.0)[:3]
        wide = np.atleast_1d(function(wider, covariance))
        assert_allclose(wide, narrow[: wide.size], rtol=CLOSED_FORM)
    narrow_tail = risk.filtered_value_at_risk(R[:, :2], weights)
    wide_tail = risk.filtered_value_at_risk(R, wider)
    assert_allclose(
        wide_tail.conditional_value_at_risk, narrow_tail.conditional_value_at_risk, rtol=CLOSED_FORM
    )
