import math
import pickle

import numpy as np
import pytest

from poise.config.portfolio import PortfolioSettings
from poise.domain.conditions import TargetBook
from poise.domain.weights import Weights
from poise.errors import InputError, NonFiniteError, ParameterError, ShapeError, UnknownSymbolError
from poise.rebalancing import BookSnapshot, RebalanceRules
from tests.reference.rebalancing import book


def test_rules_come_from_the_settings() -> None:
    settings = PortfolioSettings(risk_aversion=5.0, cooldown_hours=12.0, drawdown_budget=0.2)
    rules = RebalanceRules.of(settings)
    assert (rules.risk_aversion, rules.cooldown_hours, rules.drawdown_budget) == (5.0, 12.0, 0.2)
    assert RebalanceRules.of(PortfolioSettings()) == RebalanceRules()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("risk_aversion", 0.0),
        ("holding_period_days", -1.0),
        ("cash_buffer", 1.5),
        ("max_daily_turnover", 0.0),
        ("min_notional", math.nan),
        ("cooldown_hours", math.inf),
    ],
)
def test_rules_refuse_numbers_outside_their_range(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        RebalanceRules(**{name: value})


def test_the_smallest_leg_grows_with_the_book() -> None:
    assert RebalanceRules(min_notional=10.0).smallest_leg(5_000.0) == 10.0
    assert RebalanceRules(min_notional=10.0).smallest_leg(50_000.0) == 50.0


def test_misaligned_arrays_are_refused() -> None:
    with pytest.raises(ShapeError, match="weights"):
        book_with(weights=np.zeros(3))
    with pytest.raises(ShapeError, match="trend"):
        book_with(trend=np.zeros(1))
    with pytest.raises(ShapeError, match="covariance"):
        book([0.5, 0.5], [0.5, 0.5], covariance=np.eye(3))


def test_weights_and_value_must_be_finite() -> None:
    with pytest.raises(NonFiniteError, match="A1"):
        book_with(weights=np.array([0.1, math.nan]))
    with pytest.raises(NonFiniteError, match="total_value"):
        book_with(total_value=math.inf)


def test_a_book_without_value_needs_no_weights() -> None:
    snapshot = book_with(weights=np.full(2, math.nan), total_value=0.0)
    assert not snapshot.has_value
    assert snapshot.exposure == 0.0


def test_a_negative_drawdown_has_the_wrong_sign() -> None:
    with pytest.raises(ParameterError, match="positive fraction"):
        book_with(drawdown=-0.1)


def test_targets_are_long_only_known_and_at_most_all() -> None:
    with pytest.raises(InputError, match="A1"):
        _ = book([0.0, 0.0], [0.5, -0.1]).target_weights
    with pytest.raises(InputError, match="at most 1"):
        _ = book([0.0, 0.0], [0.7, 0.7]).target_weights
    stranger = TargetBook(Weights({"A0": 0.2, "Z9": 0.3}), "risk_parity", 0.5, 0.8)
    with pytest.raises(UnknownSymbolError, match="Z9"):
        _ = book_with(target=stranger).target_weights


def test_sorting_the_assets_moves_every_array_alike() -> None:
    given = book(
        [0.1, 0.2, 0.3],
        [0.2, 0.2, 0.2],
        symbols=["C", "A", "B"],
        prices=[3.0, 1.0, 2.0],
        volatility=[0.03, 0.01, 0.02],
        trend=[0.3, 0.1, 0.2],
        spread_bps=[3.0, 1.0, 2.0],
        dollar_volume=[3e6, 1e6, 2e6],
    )
    ordered = given.in_symbol_order()
    assert ordered.symbols == ("A", "B", "C")
    assert ordered.weights.tolist() == [0.2, 0.3, 0.1]
    assert ordered.trend.tolist() == [0.1, 0.2, 0.3]
    assert ordered.conditions.prices.tolist() == [1.0, 2.0, 3.0]
    assert ordered.conditions.spread_bps.tolist() == [1.0, 2.0, 3.0]
    assert ordered.conditions.dollar_volume.tolist() == [1e6, 2e6, 3e6]
    expected = 0.5 * np.outer([0.01, 0.02, 0.03], [0.01, 0.02, 0.03])
    np.fill_diagonal(expected, [0.01**2, 0.02**2, 0.03**2])
    np.testing.assert_allclose(ordered.conditions.covariance, expected, rtol=1e-12)
    assert ordered.in_symbol_order() is ordered


def test_a_snapshot_survives_pickling() -> None:
    snapshot = book([0.1, 0.2], [0.2, 0.2])
    again = pickle.loads(pickle.dumps(snapshot))  # noqa: S301 - our own bytes
    assert again.target_weights.tolist() == snapshot.target_weights.tolist()
    assert again.portfolio == snapshot.portfolio


def book_with(**changes: object) -> BookSnapshot:
    from dataclasses import replace

    return replace(book([0.1, 0.2], [0.2, 0.2]), **changes)  # type: ignore[arg-type]
