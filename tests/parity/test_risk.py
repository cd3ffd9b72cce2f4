"""The kernels of ``poise.risk`` against their readable twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from poise import _native, risk
from tests.reference import risk as twin
from tests.tolerances import CLOSED_FORM

SIZES = st.integers(1, 120)
SEEDS = st.integers(0, 2**32 - 1)
LEVELS = st.sampled_from([0.01, 0.3, 0.5, 0.9, 0.95, 0.975, 0.99, 0.999])


def draw_returns(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    returns = 0.02 * rng.standard_t(4, size=shape)
    # Ties in every second draw.
    return np.round(returns, 2) if seed % 2 else returns


@pytest.mark.parametrize("n", [1, 2, 7, 100, 511, 512, 1000, 16_384, 20_011])
@pytest.mark.parametrize("confidence_level", [0.05, 0.5, 0.95, 0.975, 0.99])
def test_tail(n: int, confidence_level: float) -> None:
    for seed in (n, n + 1):
        returns = draw_returns(seed, n)
        var, cvar = twin.tail(returns, confidence_level)
        assert risk.value_at_risk(returns, confidence_level=confidence_level) == var
        assert_allclose(
            risk.conditional_value_at_risk(returns, confidence_level=confidence_level),
            cvar, rtol=CLOSED_FORM, atol=CLOSED_FORM,
        )  # fmt: skip


@given(SIZES, SEEDS, LEVELS)
@settings(max_examples=100, deadline=None)
def test_tail_of_columns(n: int, seed: int, level: float) -> None:
    R = draw_returns(seed, n, 3)
    expected = np.array([twin.tail(column, level) for column in R.T])
    assert_array_equal(risk.value_at_risk(R, confidence_level=level), expected[:, 0])
    assert_allclose(
        risk.conditional_value_at_risk(R, confidence_level=level), expected[:, 1], atol=CLOSED_FORM
    )


@given(SIZES, SEEDS, LEVELS)
@settings(max_examples=100, deadline=None)
def test_weighted_tail(n: int, seed: int, level: float) -> None:
    returns = draw_returns(seed, n)
    weights = 0.5 ** (np.arange(n)[::-1] / 30)
    if seed % 3 == 0:
        weights[: n // 2] = 0.0
    var, cvar = twin.weighted_tail(returns, weights, level)
    found = risk.tail_risk(returns, confidence_level=level, weights=weights)
    assert found.value_at_risk == var
    assert_allclose(found.conditional_value_at_risk, cvar, rtol=CLOSED_FORM, atol=CLOSED_FORM)


@given(st.integers(1, 200), st.integers(1, 60), SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_rolling_tail(n: int, window: int, seed: int, level: float) -> None:
    returns = draw_returns(seed, n)
    expected = twin.rolling_tail(returns, window, level)
    var, cvar = risk.rolling_tail_risk(returns, window=window, confidence_level=level)
    assert_array_equal(var, expected[:, 0])
    assert_allclose(cvar, expected[:, 1], rtol=CLOSED_FORM, atol=CLOSED_FORM)


@given(SIZES, SEEDS)
@settings(max_examples=60, deadline=None)
def test_drawdowns(n: int, seed: int) -> None:
    returns = draw_returns(seed, n) * 5
    expected = twin.drawdowns(returns)
    assert_allclose(risk.drawdowns(returns), expected, atol=CLOSED_FORM)
    assert_allclose(risk.max_drawdown(returns), expected.max(), atol=CLOSED_FORM)


@pytest.mark.parametrize("n", [255, 256, 1003, 50_001])
def test_max_drawdown_by_segments(n: int) -> None:
    returns = draw_returns(2 * n, n)
    assert_allclose(risk.max_drawdown(returns), twin.drawdowns(returns).max(), atol=CLOSED_FORM)


@given(st.integers(1, 10), SEEDS)
@settings(max_examples=60, deadline=None)
def test_contributions(n_assets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_assets, n_assets + 2))
    covariance = factors @ factors.T
    weights = rng.normal(size=n_assets)
    expected = twin.risk_contributions(weights, covariance)
    # The variance of a hedged book is a small difference of large numbers.
    scale = np.abs(weights) @ np.sqrt(np.diag(covariance))
    amplified = CLOSED_FORM * max(1.0, (scale / expected.sum()) ** 2)
    assert_allclose(risk.risk_contributions(weights, covariance), expected, atol=amplified * scale)
    assert_allclose(
        risk.diversification_ratio(weights, covariance),
        twin.diversification_ratio(weights, covariance),
        rtol=amplified,
    )


@given(SIZES, SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_component_conditional_value_at_risk(n: int, seed: int, level: float) -> None:
    R = draw_returns(seed, n, 4)
    weights = np.array([0.4, 0.3, -0.2, 0.0])
    assert_allclose(
        risk.component_conditional_value_at_risk(weights, R, confidence_level=level),
        twin.component_conditional_value_at_risk(weights, R, level),
        atol=CLOSED_FORM,
    )


@given(st.integers(1, 90), st.integers(1, 12), SEEDS, st.sampled_from([3.0, 21.0, 300.0]))
@settings(max_examples=60)
def test_filtered_history(n: int, n_assets: int, seed: int, half_life: float) -> None:
    R = draw_returns(seed, n, n_assets)
    rng = np.random.default_rng(seed)
    R[rng.random(R.shape) < rng.choice([0.0, 0.0, 0.1])] = np.nan
    R[: rng.integers(n), rng.integers(n_assets)] = rng.choice([0.0, np.nan])
    history = risk.FilteredHistory(n_assets, window=40, half_life=half_life)
    for row in R:
        history.push(row)
    expected = twin.filtered_history(R, 40, half_life)
    found = history.scenarios()
    assert np.isnan(expected[: len(expected) - len(found)]).all()
    expected = expected[len(expected) - len(found) :]
    assert_allclose(found, expected, rtol=CLOSED_FORM, atol=CLOSED_FORM)
    weights = rng.dirichlet(np.ones(n_assets)) * (rng.random(n_assets) < 0.8)
    told = expected[np.isfinite(expected[:, weights != 0.0]).all(axis=1)]
    outcomes = np.nan_to_num(told) @ weights
    assert_allclose(history.outcomes(weights), outcomes, rtol=CLOSED_FORM, atol=CLOSED_FORM)
    tails = history.tails(weights, [0.9, 0.99], min_scenarios=5)
    assert len(tails) == (2 if len(outcomes) >= 5 else 0)
    for level, tail in zip([0.9, 0.99], tails, strict=False):
        assert_allclose(tail, twin.tail(history.outcomes(weights), level), rtol=CLOSED_FORM, atol=CLOSED_FORM)


@given(st.integers(21, 90), SEEDS, st.sampled_from([3, 21, 126.5]))
@settings(max_examples=40, deadline=None)
def test_filtered(n: int, seed: int, half_life: float) -> None:
    R = draw_returns(seed, n, 3)
    R[:30, 2] = 0.0
    expected = twin.filtered_scenarios(R, half_life)
    assert_allclose(
        risk.filtered_scenarios(R, half_life=half_life), expected, rtol=CLOSED_FORM, atol=CLOSED_FORM
    )
    weights = np.array([0.3, 0.3, 0.2])
    found = risk.filtered_value_at_risk(R, weights, confidence_level=0.9, half_life=half_life)
    outcomes = expected @ weights if n >= 40 else R @ weights
    assert_allclose(
        (found.value_at_risk, found.conditional_value_at_risk), twin.tail(outcomes, 0.9), atol=CLOSED_FORM
    )
    assert found.method == ("filtered_historical" if n >= 40 else "historical")


@given(SIZES, SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_underwater(n: int, seed: int, level: float) -> None:
    R = draw_returns(seed, n, 2) * 5
    for column, ulcer, duration, deepest in zip(
        R.T,
        risk.ulcer_index(R),
        risk.drawdown_duration(R),
        risk.conditional_drawdown_at_risk(R, confidence_level=level),
        strict=True,
    ):
        assert_allclose(ulcer, twin.ulcer_index(column), rtol=CLOSED_FORM, atol=CLOSED_FORM)
        assert duration == twin.drawdown_duration(column)
        expected = twin.conditional_drawdown_at_risk(column, level)
        assert_allclose(deepest, expected, rtol=CLOSED_FORM, atol=CLOSED_FORM)


@given(st.integers(1, 800), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
@settings(max_examples=100, deadline=None)
def test_counted_exceptions(n: int, share: float, level: float) -> None:
    x = int(share * n)
    # The likelihoods are of this size, their difference may be zero.
    size = CLOSED_FORM * max(1.0, -2 * n * np.log(1 - level))
    assert_allclose(risk.kupiec_test(x, n, level).statistic, twin.kupiec(x, n, level), atol=size)
    light = risk.traffic_light(x, n, level)
    found = (light.cumulative_probability, light.p_value)
    assert_allclose(found, twin.binomial_tails(x, n, 1 - level), atol=CLOSED_FORM)


@given(st.integers(2, 400), SEEDS, st.sampled_from([0.02, 0.2, 0.7]), st.sampled_from([0.5, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_christoffersen(n: int, seed: int, chance: float, level: float) -> None:
    exceptions = np.random.default_rng(seed).random(n) < chance
    coverage, independence = twin.christoffersen(exceptions, level)
    found = risk.christoffersen_test(exceptions, level)
    size = CLOSED_FORM * max(1.0, -2 * n * np.log(1 - level))
    assert_allclose(found.coverage_statistic, coverage, atol=size)
    assert_allclose(found.independence_statistic, independence, atol=size)
    assert_allclose(found.statistic, coverage + independence, atol=size)


@given(SIZES, SEEDS, st.sampled_from([0.5, 0.9, 0.975]))
@settings(max_examples=60, deadline=None)
def test_acerbi_szekely(n: int, seed: int, level: float) -> None:
    returns = draw_returns(seed, n)
    value_at_risk = np.abs(draw_returns(seed + 1, n))
    shortfall = value_at_risk * 1.3 + 0.001
    found = risk.acerbi_szekely_test(returns, value_at_risk, shortfall, confidence_level=level)
    z1, z2 = twin.acerbi_szekely(returns, value_at_risk, shortfall, level)
    assert_allclose((found.z1, found.statistic), (z1, z2), rtol=CLOSED_FORM, atol=CLOSED_FORM)


@given(st.integers(2, 400), st.integers(1, 20), SEEDS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_hindsight(n: int, n_assets: int, seed: int, by_columns: bool) -> None:
    rng = np.random.default_rng(seed)
    window, weights, market = (
        0.02 * rng.standard_t(4, (n, n_assets)),
        rng.random(n_assets),
        rng.random(n_assets),
    )
    window = np.clip(window, -0.3, 0.3)
    weights /= 2 * weights.sum()
    given_as = np.asfortranarray(window) if by_columns else window
    beside = window @ market / market.sum()
    wanted = twin.hindsight(window, weights, beside)
    for found in (
        _native.hindsight(given_as, weights, market, True),
        _native.hindsight(given_as, weights, beside, False),
    ):
        assert found is not None
        earned, (invested, gross, n_held, concentration) = found
        assert_allclose(earned, wanted, rtol=1e-9, atol=CLOSED_FORM)
        assert_allclose((invested, gross), (weights.sum(), np.abs(weights).sum()), rtol=CLOSED_FORM)
        assert n_held == np.count_nonzero(weights)
        assert concentration == risk.concentration_ratio(weights)
    window[n // 2, 0] = np.nan
    assert _native.hindsight(window, weights, market, True) is None


@given(st.integers(2, 600), SEEDS, st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=60, deadline=None)
def test_on_trial(n: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    realised = 0.02 * rng.standard_t(4, n)
    value_at_risk = scale * np.sort(rng.uniform(0.01, 0.06, (n, 3)), axis=1)
    value_at_risk[rng.random(n) < 0.1] *= -1.0
    shortfall = np.abs(value_at_risk) * 1.3
    levels, window = (0.95, 0.975, 0.99), int(rng.integers(2, n + 1))
    forecasts = _native.Forecasts(window)
    for bar in zip(realised.tolist(), value_at_risk.tolist(), shortfall.tolist(), strict=True):
        forecasts.push(*bar)
    realised, value_at_risk, shortfall = realised[-window:], value_at_risk[-window:], shortfall[-window:]
    np.testing.assert_array_equal(forecasts.rows(), np.column_stack([realised, value_at_risk, shortfall]))
    coverage, n_recent, statistic, ratio = forecasts.on_trial(levels, 250)
    for k, (count, kupiec, independence, both) in zip((0, 2), coverage, strict=True):
        exceptions = realised < -value_at_risk[:, k]
        apart = risk.christoffersen_test(exceptions, levels[k])
        assert count == exceptions.sum()
        assert kupiec == risk.kupiec_test(count, window, levels[k]).p_value
        assert (independence, both) == (apart.independence_p_value, apart.p_value)
    assert n_recent == (realised < -value_at_risk[:, 2])[-250:].sum()
    assert_allclose(statistic, twin.acerbi_szekely(realised, value_at_risk[:, 1], shortfall[:, 1], 0.975)[1])
    known = value_at_risk[:, 1] > 0.0
    wanted = np.median(shortfall[known, 1] / value_at_risk[known, 1]) if known.any() else np.nan
    assert_allclose(ratio, wanted)


@given(st.integers(1, 80), st.integers(1, 50), SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_engine(n: int, window: int, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    R = draw_returns(seed, n, 4)
    R[rng.random(R.shape) < (0.1 if seed % 3 else 0.0)] = np.nan
    R[-1] = draw_returns(seed, 4)
    weights = np.array([0.4, -0.2, 0.3, 0.0])
    rule = {"half_life": 9.0, "window": window, "confidence_level": level}
    engine = risk.RiskEngine(4, weights=weights, min_observations=1, **rule)
    for row in R:
        engine.update(row)
    expected = twin.engine(R, weights, **rule)
    found = (engine.value_at_risk, engine.conditional_value_at_risk)
    assert_allclose(found, expected.pop("tail"), rtol=CLOSED_FORM, atol=CLOSED_FORM)
    for name, value in expected.items():
        assert_allclose(getattr(engine, name), value, rtol=CLOSED_FORM, atol=CLOSED_FORM, err_msg=name)
