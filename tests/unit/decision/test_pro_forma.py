"""Pro forma history and market."""

import numpy as np
import pytest

from poise.decision.pro_forma import market_returns, market_weights, pro_forma


def test_market_weighs_by_caps_where_known_and_skips_missing() -> None:
    returns = np.array([[0.1, 0.0], [np.nan, 0.02], [np.nan, np.nan]])
    np.testing.assert_allclose(market_returns(returns, np.ones(2)), [0.05, 0.02, np.nan])
    np.testing.assert_allclose(
        market_returns(returns, market_weights(np.array([3.0, 1.0]))), [0.075, 0.02, np.nan]
    )
    np.testing.assert_allclose(market_returns(returns, market_weights(np.array([3.0, np.nan])))[0], 0.1)


def test_pro_forma_uses_the_bars_all_held_assets_share() -> None:
    returns = np.full((300, 3), 0.01)
    returns[:100, 1] = np.nan
    history = pro_forma(("A", "B", "C"), returns, np.array([0.5, 0.2, 0.0]), returns[:, 0])
    assert len(history.returns) == 200
    np.testing.assert_allclose(history.returns, 0.007)


def test_an_asset_without_history_is_left_out_and_named() -> None:
    rng = np.random.default_rng(0)
    returns = rng.normal(0.0, 0.01, (300, 2))
    returns[:-5, 1] = np.nan
    history = pro_forma(("OLD", "NEW"), returns, np.array([0.5, 0.5]), returns[:, 0])
    assert any(w.startswith("pro_forma_excludes: NEW") for w in history.warnings)
    assert history.returns == pytest.approx(0.5 * returns[:, 0])


def test_all_cash_earns_nothing() -> None:
    returns = np.full((10, 1), 0.01)
    history = pro_forma(("A",), returns, np.zeros(1), returns[:, 0])
    assert not history.returns.any()
    assert len(history.weights) == 0
