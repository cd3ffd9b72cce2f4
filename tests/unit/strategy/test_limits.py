import math
import pickle

import numpy as np
import pytest

from poise.errors import NonFiniteError, ParameterError, ShapeError, ZeroValueError
from poise.strategy import PolicyRules, position_limits
from poise.strategy.water_filling import GroupCap, fill
from tests.reference import strategy as reference
from tests.tolerances import CLOSED_FORM

SYMBOLS = ("A", "B", "C", "D")


def group(*members, cap):
    return GroupCap(np.array(members, dtype=np.intp), cap)


def test_excess_over_a_cap_is_shared_in_proportion():
    filled = fill(np.array([6.0, 2.0, 1.0, 1.0]), np.full(4, 0.4), 1.0)
    np.testing.assert_allclose(filled, [0.4, 0.3, 0.15, 0.15], rtol=CLOSED_FORM)


@pytest.mark.parametrize("seed", range(20))
def test_filling_agrees_with_the_pass_by_pass_version(seed):
    rng = np.random.default_rng(seed)
    shape = rng.exponential(size=12) * (rng.random(12) > 0.2)
    caps = rng.random(12) * 0.3
    np.testing.assert_allclose(
        fill(shape, caps, 1.0), reference.water_fill(shape, caps, 1.0), rtol=0, atol=1e-14
    )


def test_a_full_sector_passes_its_excess_on():
    groups = [group(0, 1, cap=0.5)]
    filled = fill(np.array([4.0, 3.0, 2.0, 1.0]), np.ones(4), 1.0, groups=groups)
    np.testing.assert_allclose(filled, [0.5 * 4 / 7, 0.5 * 3 / 7, 1 / 3, 1 / 6], rtol=1e-12)
    assert math.fsum(filled[:2]) <= 0.5


def test_a_full_sector_respects_the_caps_inside_it():
    groups = [group(0, 1, cap=0.5)]
    filled = fill(np.array([9.0, 1.0, 1.0, 1.0]), np.array([0.3, 1.0, 0.2, 1.0]), 1.0, groups=groups)
    np.testing.assert_allclose(filled, [0.3, 0.2, 0.2, 0.3], rtol=1e-12)


def test_a_full_sector_never_rounds_above_its_cap():
    rng = np.random.default_rng(2)
    for _ in range(300):
        cap = rng.uniform(0.1, 0.6)
        inside = fill(rng.exponential(size=12), np.ones(12), 1.0, groups=[group(*range(9), cap=cap)])[:9]
        for _ in range(5):
            rng.shuffle(inside)
            assert sum(inside) <= cap
            assert inside.sum() <= cap


def test_what_does_not_fit_stays_out():
    assert fill(np.ones(2), np.full(2, 0.35), 1.0).tolist() == [0.35, 0.35]
    assert fill(np.ones(2), np.zeros(2), 1.0).tolist() == [0.0, 0.0]
    assert fill(np.zeros(2), np.ones(2), 1.0).tolist() == [0.0, 0.0]
    assert fill(np.ones(2), np.ones(2), 0.0).tolist() == [0.0, 0.0]
    closed = fill(np.ones(3), np.ones(3), 1.0, groups=[group(0, 1, cap=0.0)])
    np.testing.assert_allclose(closed, [0.0, 0.0, 1.0], atol=1e-12)


def test_noise_does_not_attract_what_others_cannot_take():
    filled = fill(np.array([1.0, 1e-12]), np.array([0.4, 1.0]), 1.0)
    assert filled.tolist() == [0.4, 0.0]


def test_caps_are_the_smallest_of_position_tier_and_liquidity():
    limits = position_limits(
        SYMBOLS,
        PolicyRules(),
        tiers={"A": 1, "B": 2, "C": 3},
        total_value=1e6,
        dollar_volume=np.array([1e9, 1e6, 2e5, np.nan]),
    )
    # A tier 1, B 10 % of a million, C tier 3 with 5 % of its volume, D untiered and unknown.
    np.testing.assert_allclose(limits.caps, [0.35, 0.1, 0.01, 0.35])
    assert limits.first_tier.tolist() == [True, False, False, True]
    assert any("liquidity_unknown" in note and "D" in note for note in limits.notes)
    assert any(note.startswith("liquidity: B, C") for note in limits.notes)


def test_high_volatility_tightens_by_its_probability():
    calm = position_limits(SYMBOLS, PolicyRules())
    half = position_limits(SYMBOLS, PolicyRules(), high_volatility=0.5)
    np.testing.assert_allclose(half.caps, 0.85 * calm.caps)
    assert "0.85" in half.notes[0]
    assert calm.notes == ()


def test_sector_caps_only_where_somebody_named_sectors():
    sectors = {"A": "bank", "B": "bank", "C": "mine"}
    assert position_limits(SYMBOLS, PolicyRules()).groups == ()
    own = position_limits(SYMBOLS, PolicyRules(), sectors=sectors)
    assert [(g.members.tolist(), g.cap, g.name) for g in own.groups] == [
        ([0, 1], 0.5, "sector bank"),
        ([2], 0.5, "sector mine"),
    ]
    found = position_limits(SYMBOLS, PolicyRules(), sectors=sectors, discovered=True)
    assert [(g.members.tolist(), g.cap) for g in found.groups][2] == ([3], 0.1)


def test_capacity_is_what_fits_under_all_caps():
    limits = position_limits(SYMBOLS, PolicyRules(), sectors={"A": "x", "B": "x", "C": "y"})
    assert limits.capacity == pytest.approx(0.5 + 0.35 + 0.35, abs=1e-12)
    assert limits.restricted(np.array([True, False, False, False])).capacity == pytest.approx(0.35)
    assert limits.restricted(np.zeros(4, dtype=bool)).capacity == 0.0


def test_unusable_arguments_are_refused_by_name():
    with pytest.raises(ParameterError, match="tier of B is 4"):
        position_limits(SYMBOLS, PolicyRules(), tiers={"B": 4})
    with pytest.raises(ZeroValueError, match=r"total value is 0\.0"):
        position_limits(SYMBOLS, PolicyRules(), total_value=0.0)
    with pytest.raises(ShapeError, match="dollar_volume"):
        position_limits(SYMBOLS, PolicyRules(), total_value=1.0, dollar_volume=np.ones(3))
    with pytest.raises(NonFiniteError, match="dollar volume of C"):
        position_limits(SYMBOLS, PolicyRules(), total_value=1.0, dollar_volume=np.array([1, 1, -1, 1.0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_position_size": 0.0}, "max_position_size"),
        ({"sector_cap": 1.5}, "sector_cap"),
        ({"momentum_weight": -0.1}, "momentum_weight"),
        ({"participation_cap": math.nan}, "participation_cap"),
        ({"tier_caps": {1: 0.3, 2: 0.2}}, "tier 3"),
        ({"tier_caps": {1: 0.3, 2: 0.2, 3: 2.0}}, r"tier_caps\[3\]"),
    ],
)
def test_rules_out_of_range_are_refused(arguments, words):
    with pytest.raises(ParameterError, match=words):
        PolicyRules(**arguments)


def test_rules_come_from_settings_and_survive_pickling():
    from poise.config.portfolio import PortfolioSettings

    rules = PolicyRules.of(PortfolioSettings(max_position_size=0.15, use_risk_parity=False))
    assert (rules.max_position_size, rules.use_risk_parity, rules.momentum_weight) == (0.15, False, 0.3)
    assert pickle.loads(pickle.dumps(rules)) == rules  # noqa: S301 - our own bytes
