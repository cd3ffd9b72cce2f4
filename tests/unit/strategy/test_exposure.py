import math
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from poise.domain.regime import RegimeState
from poise.errors import NonFiniteError, ParameterError, StateError
from poise.strategy import ExposureRule
from poise.strategy.regime_rules import EXPOSURE_CAPS, exposure_cap, factor_weights, regime_probabilities
from poise.typing import REGIME_LABELS
from tests.tolerances import CLOSED_FORM


def regime(label="bull", probability=1.0):
    rest = (1.0 - probability) / 3.0
    probabilities = {name: probability if name == label else rest for name in REGIME_LABELS}
    return RegimeState(label, probabilities, probability, 10, 30.0)


BULL = regime()


def run(rule, returns, *, state=BULL, values=None):
    values = [None] * len(returns) if values is None else values
    return [rule.update(r, regime=state, portfolio_value=v) for r, v in zip(returns, values, strict=True)]


def test_volatility_lever_is_target_over_the_larger_of_two_estimates():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 300)
    returns[200:] *= 3.0
    path = run(ExposureRule(), returns)
    squares = pd.Series(returns**2)
    own = np.sqrt(np.maximum(squares.ewm(halflife=10).mean(), squares.ewm(halflife=42).mean()))
    for t in (41, 100, 205, 299):
        target = 0.8 * own[41 : t + 1].median()
        assert path[t].volatility_factor == pytest.approx(min(1.0, target / own[t]), rel=CLOSED_FORM)
    assert path[40].volatility_factor == 1.0
    assert "warming" in path[40].reasons[0]


def test_an_annual_target_is_scaled_to_the_bar():
    returns = np.random.default_rng(2).normal(0.0, 0.03, 60)
    rule = ExposureRule(target_volatility=0.2, periods_per_year=365.0)
    squares = pd.Series(returns**2)
    own = math.sqrt(max(squares.ewm(halflife=10).mean().iloc[-1], squares.ewm(halflife=42).mean().iloc[-1]))
    assert run(rule, returns)[-1].volatility_factor == pytest.approx(0.2 / math.sqrt(365.0) / own, rel=1e-12)


def test_downside_volatility_counts_losses_twice_and_gains_not():
    gains = np.abs(np.random.default_rng(3).normal(0.0, 0.03, 60))
    rule = ExposureRule(target_volatility=0.1, periods_per_year=365.0, downside=True)
    assert run(rule, gains)[-1].volatility_factor == 1.0
    both = ExposureRule(target_volatility=0.1, periods_per_year=365.0)
    assert run(both, gains)[-1].volatility_factor < 1.0


def test_trend_lever_counts_the_averages_below_the_market():
    returns = np.random.default_rng(4).normal(0.0, 0.02, 260)
    path = run(ExposureRule(trend_floor=0.3), returns)
    level = pd.Series(np.cumprod(1.0 + returns))
    for t in (19, 60, 130, 259):
        above = [
            level[t] > level.ewm(span=span, adjust=False).mean()[t]
            for span in (20, 50, 100, 200)
            if t + 1 >= span
        ]
        assert path[t].trend_factor == pytest.approx(0.3 + 0.7 * np.mean(above), abs=CLOSED_FORM)
    assert path[18].trend_factor == 1.0


def test_a_constant_market_is_no_trend_and_no_error():
    path = run(ExposureRule(), [0.0] * 220)
    assert path[-1].trend_factor == 0.0
    assert path[-1].volatility_factor == 1.0
    assert path[-1].value == 0.0


def test_drawdown_brake_follows_the_cushion_in_closed_form():
    rule = ExposureRule(drawdown_budget=0.35)
    values = [100.0, 95.0, 88.0, 80.0, 70.0, 66.0, 62.0, 90.0]
    path = run(rule, [np.nan] * len(values), values=values)
    peak = 100.0
    for value, step in zip(values, path, strict=True):
        peak = max(value, peak * 2.0 ** (-1 / 180) if value != 100.0 else peak)
        cushion = min(max((value / peak - 0.65) / 0.35, 0.0), 1.0)
        assert step.drawdown_factor == pytest.approx(min(1.0, 1.5 * cushion), rel=CLOSED_FORM, abs=1e-15)
    assert path[1].drawdown_factor == 1.0
    assert path[6].value == 0.0


def test_the_forgotten_peak_lets_a_fallen_book_invest_again():
    rule = ExposureRule()
    first = rule.update(math.nan, regime=BULL, portfolio_value=100.0)
    fallen = rule.update(math.nan, regime=BULL, portfolio_value=50.0)
    later = [rule.update(math.nan, regime=BULL, portfolio_value=50.0) for _ in range(300)]
    assert first.value == 1.0
    assert fallen.value == 0.0
    assert later[-1].value > 0.8


def test_a_worthless_book_invests_nothing():
    step = ExposureRule().update(0.01, regime=BULL, portfolio_value=0.0)
    assert step.value == 0.0
    assert any("worth 0" in reason for reason in step.reasons)


def test_the_regime_caps_are_blended():
    state = RegimeState(
        "bull", {"bull": 0.5, "bear": 0.5, "sideways": 0.0, "high_volatility": 0.0}, 0.5, 1, 1.0
    )
    assert exposure_cap(state) == pytest.approx(0.7, abs=CLOSED_FORM)
    assert ExposureRule().update(0.0, regime=state).value == pytest.approx(0.7, abs=CLOSED_FORM)
    assert exposure_cap(None) == pytest.approx(np.mean(list(EXPOSURE_CAPS.values())), abs=CLOSED_FORM)


def test_the_value_moves_only_by_more_than_a_tenth():
    rule = ExposureRule()
    caps = [regime("bull", p) for p in (1.0, 0.85, 0.7, 0.69)]
    values = [rule.update(math.nan, regime=state) for state in caps]
    # Caps 1.00, 0.9275, 0.855, ...: the second stays, the third moves, the fourth stays again.
    assert values[0].value == 1.0
    assert values[1].value == 1.0
    assert any("kept at 1.00" in reason for reason in values[1].reasons)
    assert values[2].value == pytest.approx(exposure_cap(caps[2]), abs=CLOSED_FORM)
    assert values[3].value == values[2].value


@pytest.mark.parametrize(("second", "moves"), [(0.91, False), (0.89, True)])
def test_a_tenth_is_the_step(second, moves):
    bear = (1.0 - second) / 0.6
    state = RegimeState(
        "bull", {"bull": 1.0 - bear, "bear": bear, "sideways": 0.0, "high_volatility": 0.0}, 0.8, 1, 1.0
    )
    rule = ExposureRule()
    rule.update(math.nan, regime=BULL)
    assert (rule.update(math.nan, regime=state).value != 1.0) == moves


def test_max_exposure_is_never_exceeded():
    rule = ExposureRule(max_exposure=0.6)
    path = run(rule, np.random.default_rng(5).normal(0.003, 0.01, 300))
    assert max(step.value for step in path) == 0.6


def test_an_unknown_market_return_leaves_volatility_and_trend_alone():
    returns = np.random.default_rng(6).normal(0.0, 0.02, 100)
    plain, gapped = ExposureRule(), ExposureRule()
    last = run(plain, returns)[-1]
    run(gapped, returns[:50])
    gapped.update(math.nan, regime=BULL)
    again = run(gapped, returns[50:])[-1]
    assert (again.volatility_factor, again.trend_factor) == (last.volatility_factor, last.trend_factor)


def test_settings_give_the_parameters():
    settings = SimpleNamespace(max_exposure=0.5, trend_floor=0.2, target_volatility=0.3, drawdown_budget=0.2)
    rule = ExposureRule.of(settings, periods_per_year=365.0)
    assert rule.update(0.0, regime=BULL, portfolio_value=1.0).value == 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_exposure": 1.5}, "max_exposure = 1.5"),
        ({"trend_floor": -0.1}, "trend_floor"),
        ({"drawdown_budget": 0.0}, "drawdown_budget"),
        ({"target_volatility": 0.2}, "periods_per_year"),
        ({"target_volatility": -0.2, "periods_per_year": 365.0}, "target_volatility = -0.2"),
    ],
)
def test_impossible_parameters_are_refused(arguments, words):
    with pytest.raises(ParameterError, match=words):
        ExposureRule(**arguments)


def test_a_bad_bar_changes_nothing():
    rule = ExposureRule()
    run(rule, [0.01] * 50)
    for bad in (math.inf, -1.0):
        with pytest.raises(NonFiniteError, match="base return"):
            rule.update(bad, regime=BULL)
    with pytest.raises(NonFiniteError, match="portfolio value"):
        rule.update(0.01, regime=BULL, portfolio_value=math.nan)
    twin = ExposureRule()
    run(twin, [0.01] * 50)
    assert rule.update(0.02, regime=BULL) == twin.update(0.02, regime=BULL)


def test_under_asks_what_another_regime_would_get_and_changes_nothing():
    rule, twin = ExposureRule(), ExposureRule()
    assert rule.under(regime("bear")).value == pytest.approx(0.4)
    rule.update(0.001, regime=BULL, portfolio_value=100.0)
    twin.update(0.001, regime=BULL, portfolio_value=100.0)
    asked = rule.under(regime("bear"))
    assert (asked.value, asked.raw, asked.regime_cap) == (0.4, 0.4, 0.4)
    assert rule.under(BULL).reasons == rule.under(BULL).reasons
    assert rule.update(0.001, regime=BULL, portfolio_value=90.0) == twin.update(
        0.001, regime=BULL, portfolio_value=90.0
    )


def test_a_pickled_rule_goes_on_bit_for_bit():
    returns = np.random.default_rng(7).normal(0.0, 0.02, 120)
    values = 100.0 * np.cumprod(1.0 + returns)
    rule = ExposureRule()
    run(rule, returns[:80], values=values[:80])
    restored = pickle.loads(pickle.dumps(rule))  # noqa: S301 - our own bytes
    again = run(restored, returns[80:], values=values[80:])
    assert again == run(rule, returns[80:], values=values[80:])


def test_probabilities_must_be_a_distribution():
    broken = RegimeState("bull", {"bull": 0.4, "bear": 0.4}, 0.4, 1, 1.0)
    with pytest.raises(ParameterError, match="sum to 1"):
        regime_probabilities(broken)


def test_negligible_regimes_are_dropped_and_the_rest_renormalised():
    state = RegimeState(
        "bull", {"bull": 0.9995, "bear": 0.0005, "sideways": 0.0, "high_volatility": 0.0}, 1.0, 1, 1.0
    )
    assert regime_probabilities(state) == {"bull": 1.0}


@pytest.mark.parametrize("label", REGIME_LABELS)
def test_factor_weights_sum_to_one_and_momentum_can_be_turned_off(label):
    assert factor_weights(regime(label), 0.3).sum() == pytest.approx(1.0, abs=CLOSED_FORM)
    without = factor_weights(regime(label), 0.0)
    assert without[0] == 0.0
    assert without.sum() == pytest.approx(1.0, abs=CLOSED_FORM)
    more = factor_weights(regime(label), 0.6)
    assert more[0] > factor_weights(regime(label), 0.3)[0]


def test_learning_and_putting_into_words_is_updating():
    rng = np.random.default_rng(5)
    told, silent = ExposureRule(max_exposure=0.9), ExposureRule(max_exposure=0.9)
    with pytest.raises(StateError, match="no bar yet"):
        silent.latest()
    value = 1.0
    for t, shock in enumerate(rng.standard_t(4, 260) * 0.03):
        value *= 1.0 + max(shock, -0.5)
        arguments = {
            "regime": regime(REGIME_LABELS[t % 4], 0.7),
            "portfolio_value": value if t > 50 else None,
        }
        expected = told.update(shock, **arguments)
        silent.learn(shock, **arguments)
        if t % 3 == 0:
            assert silent.latest() == silent.latest() == expected
    assert silent.latest() == expected
    with pytest.raises(NonFiniteError):
        silent.learn(math.inf, regime=BULL)
    assert silent.latest() == expected
