import numpy as np
import pytest

from poise.errors import EmptyInputError, NonFiniteError, ShapeError
from poise.moments.robust import robust_z
from poise.optimization.scores import _distance, momentum_scores, reversion_scores
from poise.strategy.closes import close_window
from poise.strategy.momentum import WINDOW_ROWS, centred_rank, measure_momentum
from poise.strategy.reversion import measure_reversion
from poise.strategy.validation import validate
from tests.reference import strategy as reference
from tests.tolerances import CLOSED_FORM

SYMBOLS = ("A", "B", "C", "D", "E")


def walk(n_rows, n_assets=5, *, seed=0, drift=0.0005, volatility=0.03):
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(rng.normal(drift, volatility, (n_rows, n_assets)), axis=0))


def window(closes, symbols=SYMBOLS):
    return close_window(closes, symbols[: closes.shape[1]], max_rows=WINDOW_ROWS + 1)


@pytest.mark.parametrize("n_rows", [30, 63, 122, 252, 400])
def test_trend_is_the_textbook_average_of_clipped_z_scores(n_rows):
    closes = walk(n_rows, seed=n_rows)
    measured = measure_momentum(window(closes))
    expected = [reference.trend(closes[:, i]) for i in range(5)]
    np.testing.assert_allclose(measured.trend, expected, rtol=0, atol=CLOSED_FORM)


def test_a_lookback_without_history_is_omitted_and_lowers_the_coverage():
    assert measure_momentum(window(walk(130))).coverage.tolist() == [0.75] * 5
    young = measure_momentum(window(walk(15)))
    assert young.coverage.tolist() == [0.0] * 5
    assert np.isnan(young.trend).all()
    assert np.isnan(young.market_trend)


def test_a_straight_rise_has_trend_one_and_a_constant_price_none():
    steps = np.arange(300.0)
    closes = np.column_stack([100.0 * 1.01**steps, 100.0 * 0.99**steps, np.full(300, 5.0)])
    trend = measure_momentum(window(closes)).trend
    assert trend[0] == 1.0
    assert trend[1] == -1.0
    assert trend[2] == 0.0


def test_the_last_bar_is_skipped():
    closes = walk(260, seed=3)
    jumped = closes.copy()
    # A small last move changes the volatility estimate a little, never the measured gains.
    jumped[-1] = closes[-2]
    z = measure_momentum(window(closes)).trend
    z_jumped = measure_momentum(window(jumped)).trend
    assert np.abs(z - z_jumped).max() < 0.05


def test_weekends_of_an_exchange_cost_it_no_coverage():
    closes = walk(300, 2, seed=5)
    rows = np.arange(300)
    closes[np.isin(rows % 7, [5, 6]), 1] = np.nan
    momentum = measure_momentum(window(closes))
    assert momentum.coverage.tolist() == [1.0, 1.0]
    assert np.isfinite(momentum.volatility).all()


def test_a_hole_of_five_bars_is_no_return():
    closes = walk(40, 1, seed=6)
    closes[20:25] = np.nan
    read = window(closes)
    assert np.isnan(read.log_returns[25, 0])
    assert np.isfinite(read.log_returns[26, 0])


def test_a_hole_of_four_bars_is_one_return():
    closes = walk(40, 1, seed=6)
    closes[20:23] = np.nan
    read = window(closes)
    assert read.log_returns[23, 0] == pytest.approx(np.log(closes[23, 0] / closes[19, 0]), abs=1e-14)


def test_older_history_changes_nothing():
    closes = walk(700, seed=8)
    short, long = window(closes[-262:]), window(closes)
    np.testing.assert_array_equal(measure_momentum(short).trend, measure_momentum(long).trend)
    np.testing.assert_allclose(measure_reversion(short), measure_reversion(long), rtol=0, atol=CLOSED_FORM)


def test_ranks_run_from_minus_one_to_one_and_share_ties():
    np.testing.assert_allclose(centred_rank(np.array([3.0, 1.0, 2.0, 9.0])), [1 / 3, -1, -1 / 3, 1])
    np.testing.assert_allclose(centred_rank(np.array([1.0, 1.0, 2.0, 3.0])), [-2 / 3, -2 / 3, 1 / 3, 1])
    assert np.isnan(centred_rank(np.array([3.0, 1.0, 2.0]))).all()
    ranked = centred_rank(np.array([3.0, np.nan, 1.0, 2.0, 9.0]))
    assert np.isnan(ranked[1])
    assert ranked[4] == 1.0


def test_robust_z_ignores_one_outlier_and_is_zero_without_spread():
    z = robust_z(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    np.testing.assert_allclose(z, [-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826, 3.0])
    assert robust_z(np.array([5.0, 5.0, 5.0, 7.0])).tolist() == [0.0] * 4
    assert np.isnan(robust_z(np.array([np.nan, np.nan]))).all()


def mean_reverting(seed, n_rows=80, b=0.6):
    """Four assets around one market; the first one's residual is an Ornstein-Uhlenbeck process."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.02, n_rows)
    returns = market[:, None] + rng.normal(0.0, 0.01, (n_rows, 5))
    residual = np.zeros(n_rows)
    for t in range(1, n_rows):
        residual[t] = b * residual[t - 1] + rng.normal(0.0, 0.02)
    returns[1:, 0] = market[1:] + np.diff(residual)
    return 50.0 * np.exp(np.cumsum(returns, axis=0))


@pytest.mark.parametrize("seed", range(8))
def test_reversion_is_the_textbook_s_score(seed):
    read = window(mean_reverting(seed))
    expected = [reference.reversion(read.log_returns[:, i], read.log_returns[:, -1]) for i in range(5)]
    np.testing.assert_allclose(measure_reversion(read), expected, rtol=1e-9, atol=1e-9)


def test_reversion_is_found_where_it_is_and_not_where_it_is_not():
    found = [measure_reversion(window(mean_reverting(seed)))[0] != 0.0 for seed in range(40)]
    assert sum(found) >= 30
    walks = [measure_reversion(window(walk(80, seed=seed))) != 0.0 for seed in range(40)]
    # A fitted residual is tied down at both ends of its window, so a random walk passes now and then.
    assert np.mean(walks) < 0.3


@pytest.mark.parametrize(("half_life", "in_time"), [(10.0, True), (13.0, True), (18.0, False), (40.0, False)])
def test_reversion_slower_than_fifteen_bars_does_not_count(half_life, in_time):
    rng = np.random.default_rng(11)
    b = 2.0 ** (-1.0 / half_life)
    X = np.zeros((40_000, 1))
    for t in range(1, len(X)):
        X[t] = b * X[t - 1] + rng.normal()
    assert _distance(X)[1].tolist() == [in_time]


def test_reversion_buys_below_the_equilibrium():
    for seed in range(40):
        closes = mean_reverting(seed)
        closes[-1, 0] *= 0.94
        score = measure_reversion(window(closes))[0]
        if score != 0.0:
            assert score > 0.0
            return
    pytest.fail("no seed gave an established reversion")


def test_reversion_needs_history_and_more_than_one_asset():
    assert np.isnan(measure_reversion(window(walk(50)))).all()
    assert measure_reversion(window(walk(90, 1))).tolist() == [0.0]
    holes = walk(90)
    holes[-40:-10, 2] = np.nan
    scores = measure_reversion(window(holes))
    assert np.isnan(scores[2])
    assert np.isfinite(scores[[0, 1, 3, 4]]).all()


def test_reversion_with_gaps_uses_the_bars_that_are_there():
    closes = mean_reverting(4)
    gaps = closes.copy()
    gaps[-50:-45, 0] = np.nan
    scores = measure_reversion(window(gaps))
    assert np.isfinite(scores[0])


def test_validation_adds_up_agreements():
    scores = np.array([1.0, -1.0, 0.1, 1.0])
    trend = np.array([0.8, 0.5, 0.4, 0.2])
    v = validate(scores, trend, 0.6, {"A": "x", "B": "x", "C": "x", "D": "y"}, SYMBOLS[:4])
    # A: market and sector agree; B: both oppose; C has no direction; D is alone in its sector.
    np.testing.assert_allclose(v, [0.9, 0.1, 0.5, 0.75])
    np.testing.assert_allclose(validate(scores, trend, np.nan, None, SYMBOLS[:4]), 0.5)


def test_an_asset_is_no_part_of_its_own_sector_breadth():
    v = validate(np.ones(2), np.array([0.9, -0.9]), 0.0, {"A": "x", "B": "x"}, SYMBOLS[:2])
    np.testing.assert_allclose(v, [0.35, 0.65])


@pytest.mark.parametrize(
    ("closes", "error", "words"),
    [
        (np.ones((5, 2)), ShapeError, "one column per symbol"),
        (np.ones(5), ShapeError, "one column per symbol"),
        (np.empty((0, 3)), EmptyInputError, "at least the current bar"),
        (np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 3.0]]), NonFiniteError, "close of B in row 1 is 0.0"),
        (np.array([[1.0, np.inf, 3.0]]), NonFiniteError, "close of B in row 0"),
        (np.array([[1.0, 2.0, -3.0]]), NonFiniteError, "close of C in row 0 is -3.0"),
    ],
)
def test_unusable_closes_are_refused_by_symbol_and_row(closes, error, words):
    with pytest.raises(error, match=words):
        close_window(closes, SYMBOLS[:3], max_rows=10)


@pytest.mark.parametrize("n_rows", [23, 62, 130, 300])
def test_the_optimizers_scores_are_the_signals_where_nothing_is_missing(n_rows):
    """The live path knows gaps, the optimizer's estimators only complete returns: one answer for both."""
    closes = walk(n_rows + 1, seed=n_rows)
    seen, returns = window(closes), np.diff(np.log(closes), axis=0)
    np.testing.assert_allclose(momentum_scores(returns), robust_z(measure_momentum(seen).trend), atol=1e-9)
    if n_rows >= 60:
        reverting = reversion_scores(returns[-60:], seen.log_returns[-60:, -1])
        np.testing.assert_allclose(reverting, measure_reversion(seen), atol=1e-9)


def test_too_short_a_history_has_no_momentum_score():
    assert np.isnan(momentum_scores(np.zeros((19, 3)))).all()
