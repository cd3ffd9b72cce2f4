"""The simulated market is what it says it is."""

import numpy as np
import pytest

from poise.errors import InputError, ParameterError, ShapeError
from poise.testing import perturb_future, simulated_market
from poise.testing.simulated import REGIMES


def test_the_same_seed_gives_the_same_market() -> None:
    one, two = (simulated_market(seed=4, days=60) for _ in range(2))
    other = simulated_market(seed=5, days=60)
    np.testing.assert_array_equal(one.panel.closes, two.panel.closes)
    assert not np.array_equal(one.panel.closes, other.panel.closes)


def test_symbols_carry_a_mark_that_nobody_takes_for_real() -> None:
    market = simulated_market(seed=1, days=30)
    assert all(symbol.startswith("SIM") for symbol in market.symbols)
    assert "not real prices" in market.panel.source


def test_true_moments_are_recovered_within_each_regime() -> None:
    market = simulated_market(seed=3, n_assets=4, days=12_000)
    returns = np.diff(np.log(market.panel.closes), axis=0)
    labels = np.array(market.regimes[1:])
    for label, truth in REGIMES.items():
        rows = returns[labels == label]
        correlation = np.corrcoef(rows.T)[np.triu_indices(4, 1)].mean()
        assert correlation == pytest.approx(truth.correlation, abs=0.08)
        volatility = rows.std(axis=0).mean() * np.sqrt(365.0) / market.volatility_multipliers.mean()
        assert volatility == pytest.approx(truth.volatility, rel=0.2)


def test_tails_are_fat_and_volatility_clusters() -> None:
    market = simulated_market(seed=2, n_assets=3, days=700, bar_seconds=3600)
    returns = np.diff(np.log(market.panel.closes[:, 0]))
    standardised = (returns - returns.mean()) / returns.std()
    assert np.mean(standardised**4) - 3.0 > 10.0
    absolute = np.abs(returns) - np.abs(returns).mean()
    assert np.mean(absolute[24:] * absolute[:-24]) / np.mean(absolute**2) > 0.08


def test_listings_delisting_and_depeg_leave_their_marks() -> None:
    market = simulated_market(seed=9, n_assets=6, days=300, late_listings=2, delisted=True, depeg=True)
    closes = market.panel.closes
    first = np.argmax(np.isfinite(closes), axis=0)
    assert first[4] > first[0]
    assert np.isnan(closes[-1, 1])
    assert market.symbols[1] not in market.panel.alive()
    assert closes[-1, -1] == pytest.approx(0.88, abs=0.02)
    candles = market.ohlcv(market.symbols[0])
    assert len(candles) == 300
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in candles)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"days": 1}, ParameterError),
        ({"n_assets": 0}, ParameterError),
        ({"late_listings": 99}, ParameterError),
        ({"symbols": ["A", "A"]}, InputError),
    ],
)
def test_sizes_out_of_range_are_refused(arguments: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        simulated_market(seed=1, **arguments)


def test_perturb_future_touches_nothing_up_to_the_row() -> None:
    panel = simulated_market(seed=1, days=50, late_listings=1).panel
    other = perturb_future(panel, 20, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(other.closes[:21], panel.closes[:21])
    changed = other.closes[21:] != panel.closes[21:]
    assert changed[np.isfinite(panel.closes[21:])].all()
    np.testing.assert_array_equal(np.isnan(other.closes), np.isnan(panel.closes))
    with pytest.raises(ShapeError, match="0 to 48"):
        perturb_future(panel, 49, rng=np.random.default_rng(0))
