import math
import pickle

import numpy as np
import pandas as pd
import pytest

from poise.errors import EmptyUniverseError, InputError, NonFiniteError, ShapeError
from poise.moments import IteratedEwmaCovariance, constant_correlation_shrinkage
from poise.strategy import OutlookEstimator
from poise.strategy.correlation_repair import EIGENVALUE_FLOOR, shrunk_correlation
from poise.testing import perturb_future
from tests.tolerances import CLOSED_FORM

SYMBOLS = ("A", "B", "C", "D")


def market(n_rows, n_assets=4, *, seed=0, correlation=0.5):
    rng = np.random.default_rng(seed)
    common = rng.normal(0.0, 1.0, (n_rows, 1))
    own = rng.normal(0.0, 1.0, (n_rows, n_assets))
    scale = np.linspace(0.01, 0.04, n_assets)
    return scale * (math.sqrt(correlation) * common + math.sqrt(1.0 - correlation) * own)


def look(R, **arguments):
    return OutlookEstimator(SYMBOLS[: R.shape[1]], **arguments).fit(R).outlook()


def test_volatility_and_correlation_are_the_two_stages_and_the_shrinkage():
    R = market(120)
    R[:, 1] += 4.0 * R[:, 0]
    outlook = look(R)
    fast = np.sqrt((pd.DataFrame(R) ** 2).ewm(halflife=21).mean())
    np.testing.assert_allclose(outlook.volatility, fast.iloc[-1], rtol=CLOSED_FORM)
    # Returns in units of the volatility before them, from an asset's fifth; none reaches 4.2 here.
    z = (pd.DataFrame(R) / fast.shift(1)).iloc[5:].to_numpy()
    assert np.abs(z).max() < 4.2
    first = R[4] / fast.iloc[3].to_numpy()
    founded = pd.DataFrame(np.vstack([first, z]))
    slow = np.array(
        [[(founded[i] * founded[j]).ewm(halflife=63).mean().iloc[-1] for j in range(4)] for i in range(4)]
    )
    raw = slow / np.sqrt(np.outer(np.diag(slow), np.diag(slow)))
    delta = constant_correlation_shrinkage(z, half_life=63.0, demean=False).intensity
    assert 0.0 < delta < 1.0
    mean = raw[np.triu_indices(4, 1)].mean()
    expected = (1 - delta) * raw + delta * mean
    np.fill_diagonal(expected, 1.0)
    volatility = fast.iloc[-1].to_numpy()
    np.testing.assert_allclose(outlook.correlation, expected, rtol=1e-10)
    np.testing.assert_allclose(outlook.covariance, expected * np.outer(volatility, volatility), rtol=1e-10)
    assert outlook.average_correlation == pytest.approx(mean, rel=1e-10)


def test_half_lives_are_arguments():
    R = market(200, seed=1)
    found = look(R, volatility_half_life=5.0, correlation_half_life=10.0)
    engine = IteratedEwmaCovariance(5.0, 10.0).fit(R)
    np.testing.assert_allclose(found.volatility, engine.volatility_, rtol=CLOSED_FORM)
    mean = engine.correlation_[np.triu_indices(4, 1)].mean()
    assert found.average_correlation == pytest.approx(mean, rel=CLOSED_FORM)


def test_a_jump_is_pulled_in():
    R = market(200, seed=1)
    jumped = R.copy()
    jumped[-1, 0] = 1.0
    ratio = look(jumped).volatility[0] / look(R).volatility[0]
    # 4.2 volatilities weigh 3.2 % of a variance at a half-life of 21.
    assert 1.0 < ratio < np.sqrt(1.0 + 0.04 * 4.2**2)


def test_rows_and_batch_agree():
    R = market(90, seed=2)
    R[10:30, 1] = np.nan
    batch = look(R)
    online = OutlookEstimator(SYMBOLS)
    for row in R:
        online.partial_fit(row)
    assert online.n_observations == 90
    np.testing.assert_array_equal(online.outlook().covariance, batch.covariance)


def test_an_asset_becomes_visible_at_twenty_returns_and_active_at_forty_two():
    for n_rows, visible, active in (
        (19, False, False),
        (20, True, False),
        (41, True, False),
        (42, True, True),
    ):
        outlook = look(market(n_rows))
        assert np.isfinite(outlook.volatility).all() == visible
        assert np.isfinite(outlook.correlation).all() == visible
        assert outlook.active.all() == active
        assert outlook.active.any() == active
        assert any(line.startswith("warming: A, B, C, D") for line in outlook.warnings) != active


def test_nothing_is_known_before_the_first_row():
    outlook = OutlookEstimator(SYMBOLS).outlook()
    assert np.isnan(outlook.covariance).all()
    assert not outlook.active.any()
    assert math.isnan(outlook.average_correlation)


def test_a_late_listing_is_nan_until_it_has_history_and_leaves_the_others_alone():
    R = market(150, seed=3)
    late = R.copy()
    late[:140, 3] = np.nan
    outlook, without = look(late), look(R[:, :3])
    assert np.isnan(outlook.correlation[3]).all()
    assert np.isnan(outlook.correlation[:, 3]).all()
    assert not outlook.active[3]
    np.testing.assert_allclose(outlook.correlation[:3, :3], without.correlation, rtol=CLOSED_FORM)


def test_a_constant_series_is_degenerate_and_correlates_with_nothing():
    R = market(100, seed=4)
    R[:, 2] = 0.0
    outlook = look(R)
    assert outlook.degenerate.tolist() == [False, False, True, False]
    assert outlook.active.all()
    assert outlook.volatility[2] == 0.0
    assert outlook.correlation[2].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert (outlook.covariance[2] == 0.0).all()
    assert any(line.startswith("degenerate: C") for line in outlook.warnings)
    others = look(R[:, [0, 1, 3]])
    assert outlook.average_correlation == pytest.approx(others.average_correlation, rel=CLOSED_FORM)


def test_an_asset_unseen_for_three_half_lives_is_stale():
    R = market(200, seed=5)
    R[100:, 0] = np.nan
    assert look(R[:163]).active[0]
    outlook = look(R[:164])
    assert not outlook.active[0]
    assert outlook.stale.tolist() == [True, False, False, False]
    assert any(line.startswith("stale: A") for line in outlook.warnings)


@pytest.mark.parametrize("seed", range(10))
def test_holes_never_make_the_active_block_indefinite(seed):
    R = market(120, seed=seed)
    R[np.random.default_rng(seed).random(R.shape) < 0.4] = np.nan
    outlook = look(R, volatility_half_life=5.0, correlation_half_life=5.0)
    block = outlook.correlation[np.ix_(outlook.active, outlook.active)]
    assert len(block) >= 3
    assert np.linalg.eigvalsh(block)[0] > 0.0
    np.testing.assert_array_equal(np.diag(block), 1.0)
    np.testing.assert_array_equal(block, block.T)


def factor_market(n_rows, n_assets, *, seed, loadings=(0.3, 0.9)):
    """Correlations that really differ, the product of the loadings."""
    rng = np.random.default_rng(seed)
    load = np.linspace(*loadings, n_assets)
    return 0.02 * (
        rng.normal(size=(n_rows, 1)) * load + rng.normal(size=(n_rows, n_assets)) * np.sqrt(1 - load**2)
    )


def intensity_of(R, outlook, **half_lives):
    """How far the pairs were pulled from the engine's to their mean, read off the answer."""
    pairs = np.triu_indices(R.shape[1], 1)
    estimate = IteratedEwmaCovariance(**half_lives, winsor=4.2).fit(R).correlation_[pairs]
    away = estimate - estimate.mean()
    return 1.0 - (outlook.correlation[pairs] - estimate.mean()) @ away / (away @ away)


def test_gaps_do_not_raise_the_intensity():
    half_lives = {"volatility_half_life": 21.0, "correlation_half_life": 21.0}
    found = []
    for seed in range(12):
        R = factor_market(400, 20, seed=seed)
        gaps = R.copy()
        gaps[np.random.default_rng(100 + seed).random(R.shape) < 0.2] = np.nan
        # A pair with gaps has as many effective observations as one without: missing bars age nothing.
        row = []
        for rows in (R, gaps):
            estimator = OutlookEstimator([str(i) for i in range(20)], **half_lives).fit(rows)
            outlook = estimator.outlook()
            assert np.linalg.eigvalsh(outlook.correlation)[0] > 0.0
            row.append(intensity_of(rows, outlook, **half_lives))
        found.append(row)
    complete, holed = np.array(found).T
    assert 0.1 < complete.mean() < 0.9
    assert abs((holed - complete).mean()) < 0.05


def test_the_intensity_is_that_of_the_noise_where_pairs_alone_would_need_repair():
    half_lives = {"volatility_half_life": 21.0, "correlation_half_life": 63.0}
    R = factor_market(400, 20, seed=2, loadings=(0.95, 0.995))
    R[np.random.default_rng(3).random(R.shape) < 0.2] = np.nan
    estimator = OutlookEstimator([str(i) for i in range(20)], **half_lives).fit(R)
    noise, outlook = estimator._noise, estimator.outlook()
    assert noise.shrinkage_ > noise.noise_shrinkage_ + 0.1
    assert intensity_of(R, outlook, **half_lives) == pytest.approx(noise.noise_shrinkage_, abs=1e-9)
    assert np.linalg.eigvalsh(outlook.correlation)[0] > 0.0


def test_assets_that_never_met_have_what_the_others_let_expect():
    R = market(400, seed=6)
    R[200:, 0] = np.nan
    R[:200, 3] = np.nan
    outlook = look(R, volatility_half_life=126.0)
    assert outlook.active.all()
    # Two others with correlations of 0.5 imply 0.33; the listing began at 0 and the shrinkage adds.
    assert 0.15 < outlook.correlation[0, 3] < outlook.average_correlation + 1e-9


def test_a_listing_moves_the_others_little_once_it_shows():
    R = market(400, seed=11)
    late = R.copy()
    late[:375, 3] = np.nan
    outlook, without = look(late), look(R[:, :3])
    assert np.isfinite(outlook.correlation).all()
    np.testing.assert_allclose(outlook.correlation[:3, :3], without.correlation, atol=0.05)


@pytest.mark.parametrize("n_own", [42, 80])
def test_a_late_listing_is_not_pulled_towards_zero(n_own):
    found = []
    for seed in range(100):
        R = market(300 + n_own, 5, seed=seed, correlation=0.6)
        R[:300, 4] = np.nan
        estimator = OutlookEstimator(("A", "B", "C", "D", "E"), correlation_half_life=40.0).fit(R)
        found.append(estimator.outlook().correlation[4, :4].mean())
    assert abs(np.mean(found) - 0.6) < 0.03


def test_shrinkage_is_full_at_one_and_nothing_at_zero():
    matrix = np.array([[1.0, 0.2, 0.5], [0.2, 1.0, 0.3], [0.5, 0.3, 1.0]])
    np.testing.assert_allclose(shrunk_correlation(matrix, 0.4, 0.0), matrix, rtol=CLOSED_FORM)
    np.testing.assert_allclose(shrunk_correlation(matrix, 0.4, 1.0), 0.6 * np.eye(3) + 0.4)
    half = shrunk_correlation(matrix, 0.4, 0.5)
    assert half[0, 2] == pytest.approx(0.45)
    assert np.linalg.eigvalsh(shrunk_correlation(matrix, -0.9, 1.0))[0] > 0.0
    assert shrunk_correlation(np.ones((1, 1)), math.nan, 1.0).tolist() == [[1.0]]


def test_a_singular_matrix_is_lifted_to_the_floor():
    broken = np.array([[1.0, 0.95, -0.95], [0.95, 1.0, 0.95], [-0.95, 0.95, 1.0]])
    for matrix in (broken, np.ones((3, 3))):
        assert np.linalg.eigvalsh(matrix)[0] < EIGENVALUE_FLOOR
        fixed = shrunk_correlation(matrix, 0.0, 0.0)
        assert np.linalg.eigvalsh(fixed)[0] >= 0.3 * EIGENVALUE_FLOOR
        np.testing.assert_array_equal(np.diag(fixed), 1.0)


def test_twins_have_correlation_one_less_the_floor():
    R = market(100, 1, seed=7)
    outlook = look(np.column_stack([R, R]))
    assert outlook.correlation[0, 1] == pytest.approx(1.0, abs=1e-7)
    assert np.linalg.eigvalsh(outlook.correlation)[0] > 0.0


def test_the_average_is_read_without_an_outlook():
    estimator = OutlookEstimator(SYMBOLS)
    assert math.isnan(estimator.average_correlation)
    R = market(120, seed=12)
    R[:, 2] = 0.0
    R[50:55, 1] = np.nan
    outlook = estimator.fit(R).outlook()
    assert estimator.average_correlation == outlook.average_correlation
    moving = outlook.correlation[np.ix_([0, 1, 3], [0, 1, 3])]
    assert outlook.average_correlation == pytest.approx(moving[np.triu_indices(3, 1)].mean(), rel=1e-10)


def test_the_future_changes_nothing():
    R = market(120, seed=13)
    R[30:40, 1] = np.nan
    other = perturb_future(R, 79, rng=np.random.default_rng(0))
    first, again = OutlookEstimator(SYMBOLS), OutlookEstimator(SYMBOLS)
    for t in range(80):
        ours, theirs = first.partial_fit(R[t]).outlook(), again.partial_fit(other[t]).outlook()
        np.testing.assert_array_equal(ours.covariance, theirs.covariance)
    assert not np.array_equal(
        first.partial_fit(R[80]).outlook().covariance, again.partial_fit(other[80]).outlook().covariance
    )


def test_one_asset_has_no_average_correlation():
    outlook = look(market(60, 1))
    assert outlook.correlation.tolist() == [[1.0]]
    assert math.isnan(outlook.average_correlation)


def test_the_market_return_is_the_mean_over_what_was_active():
    estimator = OutlookEstimator(SYMBOLS)
    assert math.isnan(estimator.market_return)
    estimator.partial_fit(np.array([0.1, 0.2, np.nan, np.nan]))
    assert estimator.market_return == pytest.approx(0.15)
    R = market(60, seed=8)
    R[:50, 3] = np.nan
    estimator.fit(R)
    # The fourth asset has ten returns: it is no part of the market yet.
    assert estimator.market_return == pytest.approx(R[-1, :3].mean(), abs=1e-15)
    estimator.partial_fit(np.full(4, np.nan))
    assert math.isnan(estimator.market_return)


def test_a_bad_row_is_refused_and_changes_nothing():
    R = market(60, seed=9)
    estimator = OutlookEstimator(SYMBOLS).fit(R)
    before = estimator.outlook().covariance
    with pytest.raises(ShapeError, match="one return per symbol"):
        estimator.partial_fit(np.zeros(3))
    with pytest.raises(NonFiniteError, match="return of B is inf"):
        estimator.partial_fit(np.array([0.0, np.inf, 0.0, 0.0]))
    with pytest.raises(ShapeError, match="one column per symbol"):
        estimator.fit(np.zeros((5, 3)))
    np.testing.assert_array_equal(estimator.outlook().covariance, before)
    assert estimator.n_observations == 60


def test_a_pickled_estimator_goes_on_bit_for_bit():
    R = market(80, seed=10)
    R[30:40, 1] = np.nan
    estimator = OutlookEstimator(SYMBOLS).fit(R[:60])
    restored = pickle.loads(pickle.dumps(estimator))  # noqa: S301 - our own bytes
    for row in R[60:]:
        estimator.partial_fit(row)
        restored.partial_fit(row)
    np.testing.assert_array_equal(restored.outlook().covariance, estimator.outlook().covariance)


def test_symbols_must_be_there_and_unique():
    with pytest.raises(EmptyUniverseError, match="at least one"):
        OutlookEstimator(())
    with pytest.raises(InputError, match="B stands twice"):
        OutlookEstimator(("A", "B", "B"))


def test_the_base_return_weighs_by_inverse_volatility_known_before_the_bar():
    rng = np.random.default_rng(3)
    R = rng.normal(0.0, [0.002, 0.02, 0.04], (80, 3))
    estimator = OutlookEstimator(("A", "B", "C"))
    estimator.partial_fit(R[0])
    assert estimator.base_return == estimator.market_return
    estimator.fit(R[:-1])
    weights = 1.0 / estimator.outlook().volatility
    estimator.partial_fit(R[-1])
    assert estimator.base_return == pytest.approx(weights @ R[-1] / weights.sum(), rel=1e-9)
    estimator.partial_fit(np.array([np.nan, 0.01, np.nan]))
    assert estimator.base_return == pytest.approx(0.01)


@pytest.mark.parametrize("still", [False, True])
def test_whole_rows_are_counted_as_any_others(still):
    R = market(160, seed=14)
    R[:30, 2] = np.nan
    R[100, 1] = np.nan
    if still:
        R[:, 3] = 0.0
    quick, general = OutlookEstimator(SYMBOLS), OutlookEstimator(SYMBOLS)
    settled = 0
    for row in R:
        general._settled = False
        general.partial_fit(row)
        settled += quick._settled
        quick.partial_fit(row)
        assert np.array_equal(quick.market_return, general.market_return, equal_nan=True)
        assert np.array_equal(quick.base_return, general.base_return, equal_nan=True)
    assert settled > 50
    ours, theirs = quick.outlook(), general.outlook()
    for name in ("volatility", "correlation", "covariance", "observations", "active", "stale"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert ours.warnings == theirs.warnings


def test_a_mixture_that_is_definite_needs_no_proof():
    rng = np.random.default_rng(0)
    for n_assets in (2, 40):
        factor = rng.standard_normal((n_assets, 1))
        singular = np.sign(factor @ factor.T)
        for mean, intensity in ((0.3, 1e-4), (0.99999, 0.5), (0.0, 1.0), (0.5, 1e-12), (-0.01, 0.2)):
            found = shrunk_correlation(singular, mean, intensity)
            assert np.linalg.eigvalsh(found)[0] > 0.5 * EIGENVALUE_FLOOR
            assert np.array_equal(np.diag(found), np.ones(n_assets))
