import numpy as np
import pytest

from poise.rebalancing import no_trade_half_width
from tests.tolerances import CLOSED_FORM


def test_half_width_is_the_cube_root_formula() -> None:
    width = no_trade_half_width(np.array([0.35]), np.array([0.0015]), risk_aversion=3.0)
    # 3 * 0.0015 * (0.35 * 0.65)^2 / 6 = 3.8817e-5, whose cube root is 0.03386.
    assert width[0] == pytest.approx(0.03386, abs=5e-6)
    assert 2.0 * 3.0 * width[0] ** 3 == pytest.approx(3.0 * 0.0015 * 0.2275**2, rel=CLOSED_FORM)


@pytest.mark.parametrize("volatility", [0.1, 0.8])
def test_it_minimises_tracking_loss_plus_cost_at_any_volatility(volatility: float) -> None:
    """A drift reflected in [-b, b] loses gamma sigma^2 b^2 / 6 to tracking and lambda eta^2 / 2b to cost."""
    weight, rate, gamma = 0.3, 0.002, 3.0
    width = no_trade_half_width(np.array([weight]), np.array([rate]), risk_aversion=gamma)[0]
    drift = (weight * (1.0 - weight) * volatility) ** 2

    def loss(b: float) -> float:
        return gamma * volatility**2 * b**2 / 6.0 + rate * drift / (2.0 * b)

    assert loss(width) < min(loss(width * 0.999), loss(width * 1.001))


def test_targets_of_nothing_and_everything_get_the_floor() -> None:
    width = no_trade_half_width(np.array([0.0, 1.0]), np.array([0.0015, 0.0015]), risk_aversion=3.0)
    assert width.tolist() == [0.005, 0.005]


def test_bands_widen_with_cost_and_narrow_with_risk_aversion() -> None:
    weight = np.array([0.3])
    base = no_trade_half_width(weight, np.array([0.002]), risk_aversion=3.0)
    assert no_trade_half_width(weight, np.array([0.016]), risk_aversion=3.0) == pytest.approx(2.0 * base)
    assert no_trade_half_width(weight, np.array([0.002]), risk_aversion=24.0) == pytest.approx(base / 2.0)
