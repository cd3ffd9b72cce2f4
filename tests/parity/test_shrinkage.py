"""Static estimators against scikit-learn, published code, their readable twins and a general solver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import cvxpy as cp
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf
from sklearn.covariance import oas as sklearn_oas

from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
)
from poise.moments import (
    hayashi_yoshida,
    ledoit_wolf,
    nearest_correlation,
    nonlinear_shrinkage,
    oas,
    sample_covariance,
)
from tests.reference import moments as twin
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM, REFEREE, SOLVER

ESTIMATORS = [ledoit_wolf, oas, nonlinear_shrinkage]


def market(n_observations, n_assets):
    """One factor, volatilities from half to twice the usual."""
    rng = np.random.default_rng(17)
    common = rng.normal(size=(n_observations, 1))
    return 0.01 * np.geomspace(0.5, 2, n_assets) * (common + rng.normal(size=(n_observations, n_assets)))


@pytest.mark.parametrize("shape", [(60, 2), (40, 8), (250, 30), (20, 40), (2, 5)], ids=str)
def test_identity_shrinkage_equals_scikit_learn(shape):
    R = market(*shape)
    for ours, theirs in ((ledoit_wolf, sklearn_ledoit_wolf), (oas, sklearn_oas)):
        covariance, intensity = ours(R)
        expected, expected_intensity = theirs(R)
        assert intensity == pytest.approx(expected_intensity, rel=CLOSED_FORM)
        assert largest_error(covariance, expected) < CLOSED_FORM


@pytest.mark.parametrize("shape", [(60, 2), (40, 8), (20, 40)], ids=str)
def test_identity_shrinkage_equals_the_papers(shape):
    R = market(*shape)
    for found, intensity in (
        (ledoit_wolf(R), twin.ledoit_wolf_intensity(R)),
        (oas(R, formula="paper"), twin.oas_intensity(R)),
    ):
        assert 0.0 < intensity < 1.0
        assert found.intensity == pytest.approx(intensity, rel=CLOSED_FORM)
        assert largest_error(found.covariance, twin.identity_shrinkage(R, intensity)) < CLOSED_FORM


def test_the_two_formulas_of_oas_differ_by_two_over_n_assets():
    few, many = market(50, 3), market(50, 300)
    assert abs(oas(few).intensity / oas(few, formula="paper").intensity - 1.0) > 0.05
    assert abs(oas(many).intensity / oas(many, formula="paper").intensity - 1.0) < 0.01


@pytest.mark.parametrize(
    "shape", [(40, 1), (40, 8), (60, 50), (31, 29), (31, 30), (31, 31), (25, 40), (13, 90)], ids=str
)
def test_nonlinear_shrinkage_equals_its_twin(shape):
    R = market(*shape)
    assert largest_error(nonlinear_shrinkage(R), twin.nonlinear_shrinkage(R)) < CLOSED_FORM


@pytest.mark.parametrize(
    ("shape", "first", "beside", "trace", "norm"),
    [
        ((40, 8), 8.516577828196283e-05, 3.401047434408202e-05, 0.002506803163889105, 0.0017366749598136278),
        ((90, 30), 8.401084193138579e-05, 3.114698022242615e-05, 0.009179389554689658, 0.005348999687965448),
        ((16, 60), 0.00013277800540852617, 1.4517666067222529e-05, 0.020848103223074368, 0.01227475046889874),
        ((25, 40), 0.00012115290214291846, 2.1303225911201146e-05, 0.011789188339613827, 0.0070996089708535),
    ],
    ids=str,
)
def test_nonlinear_shrinkage_equals_published_code(shape, first, beside, trace, norm):
    # shrink_cov of nonlinshrink 0.7 (PyPI), a port of the authors' MATLAB code, on the same returns;
    # where eigenvalues lie farther apart its closed form of the transform cancels.
    covariance = nonlinear_shrinkage(market(*shape))
    found = covariance[0, 0], covariance[0, 1], np.trace(covariance), np.linalg.norm(covariance)
    assert found == pytest.approx((first, beside, trace, norm), rel=SOLVER)


@pytest.mark.parametrize("n_assets", [50, 100, 200])
def test_nonlinear_shrinkage_contracts_to_an_identity_population(n_assets):
    R = np.random.default_rng(4).normal(size=(101, n_assets))
    values = np.linalg.eigvalsh(nonlinear_shrinkage(R))
    raw = np.linalg.eigvalsh(sample_covariance(R))
    assert np.mean((values - 1.0) ** 2) < 0.06 * np.mean((raw - 1.0) ** 2)


def test_nearest_correlation_of_the_paper():
    near = nearest_correlation([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    assert near[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert near[0, 2] == pytest.approx(0.1573, abs=5e-5)


def broken_correlation(n_assets, seed=0):
    noise = np.random.default_rng(seed).uniform(-1.0, 1.0, size=(n_assets, n_assets))
    matrix = (noise + noise.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


@pytest.mark.parametrize("n_assets", [5, 12, 30])
def test_nearest_correlation_equals_its_twin(n_assets):
    matrix = broken_correlation(n_assets)
    assert np.linalg.eigvalsh(matrix)[0] < -0.01
    # The final lift moves entries by about the floor for each eigenvalue below it.
    assert np.abs(nearest_correlation(matrix) - twin.nearest_correlation(matrix)).max() < n_assets * SOLVER


def test_nearest_correlation_equals_a_semidefinite_program():
    matrix = broken_correlation(6)
    X = cp.Variable((6, 6), PSD=True)
    cp.Problem(cp.Minimize(cp.sum_squares(X - matrix)), [cp.diag(X) == 1]).solve(solver=cp.CLARABEL)
    assert np.abs(nearest_correlation(matrix) - X.value).max() < 10 * REFEREE


@pytest.mark.parametrize("seed", range(5))
def test_hayashi_yoshida_equals_the_double_loop(seed):
    rng = np.random.default_rng(seed)
    times_x, times_y = (
        np.sort(rng.choice(500, size=n, replace=False)) + shift for n, shift in ((90, 0), (40, 60))
    )
    path = np.exp(np.cumsum(rng.normal(scale=0.01, size=(2, 600)), axis=1))
    prices_x, prices_y = path[0, times_x], (path[0] * path[1])[times_y]
    found = hayashi_yoshida(times_x, prices_x, times_y, prices_y)
    assert found == pytest.approx(twin.hayashi_yoshida(times_x, prices_x, times_y, prices_y), rel=1e-11)


def test_hayashi_yoshida_of_common_times_is_the_sum_of_products():
    R = market(80, 2)
    prices = np.exp(np.cumsum(R, axis=0))
    changes = np.diff(np.log(prices), axis=0)
    found = hayashi_yoshida(range(80), prices[:, 0], range(80), prices[:, 1])
    assert found.covariance == pytest.approx(changes[:, 0] @ changes[:, 1], rel=CLOSED_FORM)
    roots = np.linalg.norm(changes, axis=0)
    assert found.correlation == pytest.approx(changes[:, 0] @ changes[:, 1] / roots.prod(), rel=CLOSED_FORM)


def test_hayashi_yoshida_does_not_fade_where_carrying_prices_forward_does():
    rng = np.random.default_rng(8)
    steps = rng.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], size=40_000) * 1e-3
    prices = np.exp(np.cumsum(steps, axis=0))
    seen = [np.flatnonzero(rng.random(40_000) < 0.1) for _ in range(2)]
    found = hayashi_yoshida(seen[0], prices[seen[0], 0], seen[1], prices[seen[1], 1])
    assert found.correlation == pytest.approx(0.8, abs=0.05)
    last = [np.searchsorted(times, np.arange(100, 40_000), side="right") - 1 for times in seen]
    carried = np.diff(np.log([prices[s[at], i] for i, (s, at) in enumerate(zip(seen, last, strict=True))]))
    assert np.corrcoef(carried)[0, 1] < 0.3


def test_hayashi_yoshida_reads_times_in_every_form():
    prices_x, prices_y = np.array([1.0, 1.1, 1.05, 1.2]), np.array([2.0, 2.1, 2.3])
    minutes_x, minutes_y = [-5, 0, 7, 9], [-3, 4, 8]
    expected = hayashi_yoshida(minutes_x, prices_x, minutes_y, prices_y)
    start, east = datetime(2020, 3, 1, tzinfo=UTC), timezone(timedelta(hours=5))
    aware_x = [start + timedelta(minutes=m) for m in minutes_x]
    aware_y = [(start + timedelta(minutes=m)).astimezone(east) for m in minutes_y]
    naive_y = np.array([t.astimezone(UTC).replace(tzinfo=None) for t in aware_y], dtype="datetime64[ms]")
    forms_x = [aware_x, pd.DatetimeIndex(aware_x), pd.Series(aware_x), pl.Series(aware_x)]
    forms_y = [aware_y, pd.DatetimeIndex(aware_y), naive_y, pl.Series(naive_y)]
    for times_x, times_y in zip(forms_x, forms_y, strict=True):
        assert hayashi_yoshida(times_x, pd.Series(prices_x), times_y, prices_y) == expected
    fractions = np.array(minutes_x) / 3.0, np.array(minutes_y) / 3.0
    assert hayashi_yoshida(fractions[0], prices_x, fractions[1], prices_y) == expected
    assert hayashi_yoshida(minutes_x, prices_x, np.array(minutes_y, float), prices_y) == expected


def test_labels_come_back():
    names = ["a", "b", "c", "d"]
    R = market(40, 4)
    bare = {estimate: estimate(R) for estimate in ESTIMATORS}
    for estimate, plain in bare.items():
        frame = estimate(pd.DataFrame(R, columns=names))
        matrix, expected = (frame, plain) if estimate is nonlinear_shrinkage else (frame.covariance, plain[0])
        pd.testing.assert_frame_equal(matrix, pd.DataFrame(expected, index=names, columns=names))
    assert ledoit_wolf(pl.DataFrame(R, schema=names)).covariance.columns == names
    broken = pd.DataFrame(broken_correlation(4), index=names, columns=names)
    shuffled = nearest_correlation(broken.loc[names[::-1]])
    pd.testing.assert_frame_equal(shuffled, nearest_correlation(broken))


@pytest.mark.parametrize("estimate", ESTIMATORS)
def test_degenerate_returns(estimate):
    R = market(30, 3)
    gap = R.copy()
    gap[4, 1] = np.nan
    with pytest.raises(NonFiniteError, match="row 4, column 1"):
        estimate(gap)
    with pytest.raises(NotEnoughDataError, match="at least"):
        estimate(R[:1])
    for empty in (np.empty((0, 3)), np.empty((30, 0))):
        with pytest.raises(EmptyInputError):
            estimate(empty)
    with pytest.raises(ShapeError, match="two axes"):
        estimate(R[:, 0])
    with pytest.raises(NonFiniteError, match="sample covariance"):
        estimate(R * 1e200)
    still = estimate(np.full((30, 2), 0.01))
    np.testing.assert_array_equal(still if estimate is nonlinear_shrinkage else still.covariance, 0.0)


def test_one_asset_is_its_own_variance():
    R = market(30, 1)
    for estimate in (ledoit_wolf, oas):
        covariance, intensity = estimate(R)
        assert intensity == 0.0
        assert covariance[0, 0] == pytest.approx(R.var(), rel=CLOSED_FORM)
    assert nearest_correlation([[1.0]]).tolist() == [[1.0]]


def test_nonlinear_shrinkage_of_thirteen_observations_at_least():
    assert np.isfinite(nonlinear_shrinkage(market(13, 20))).all()
    with pytest.raises(NotEnoughDataError, match="13"):
        nonlinear_shrinkage(market(12, 20))


def test_mistakes_are_named():
    with pytest.raises(ParameterError, match=r"'sk'.*sklearn, paper"):
        oas(market(30, 3), formula="sk")
    covariance = pd.DataFrame(sample_covariance(market(30, 2)), index=["a", "b"], columns=["a", "b"])
    with pytest.raises(ParameterError, match=r"index 0 \(a\), expected 1"):
        nearest_correlation(covariance)
    with pytest.raises(NonFiniteError, match="row 0, column 1"):
        nearest_correlation([[1.0, np.nan], [np.nan, 1.0]])
    with pytest.raises(ShapeError, match="not symmetric"):
        nearest_correlation([[1.0, 0.5], [0.4, 1.0]])
    with pytest.raises(ShapeError, match="square"):
        nearest_correlation(np.ones((2, 3)))
    with pytest.raises(EmptyInputError):
        nearest_correlation(np.empty((0, 0)))


PRICES = [1.0, 2.0, 3.0]
DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("times", "prices", "error", "message"),
    [
        ([0, 1, 1], PRICES, InputError, "times_x does not increase at index 2"),
        ([0, 1], PRICES, ShapeError, r"times_x has shape \(2,\), expected \(3,\)"),
        ([0, 1, 2], [1.0, 0.0, 2.0], InputError, "prices_x is 0.0 at index 1"),
        ([0, 1, 2], [1.0, np.nan, 2.0], NonFiniteError, "prices_x holds NaN at index 1"),
        ([0, 1, 2], [1.0, 2.0, np.inf], NonFiniteError, "prices_x holds inf at index 2"),
        ([0.0, np.nan, 2.0], PRICES, NonFiniteError, "times_x holds nan at index 1"),
        (["a", "b", "c"], PRICES, InputError, "expected times or numbers"),
        ([0, None, 2], PRICES, NonFiniteError, "times_x holds nan at index 1"),
        ([datetime(2020, 1, 1, tzinfo=UTC), None], PRICES, NonFiniteError, "times_x holds NaT at index 1"),
        ([datetime(2020, 1, 1, tzinfo=UTC), 3], PRICES, InputError, r"holds 3 \(int\) at index 1"),
        (DAYS, PRICES, InputError, "mix times and numbers"),
        ([[0, 1, 2]], PRICES, ShapeError, "one axis"),
        ([0], [1.0], NotEnoughDataError, "prices_x"),
        ([], [], EmptyInputError, "prices_x"),
        ([5, 6, 7], PRICES, NotEnoughDataError, "both series share"),
    ],
)
def test_hayashi_yoshida_names_mistakes(times, prices, error, message):
    with pytest.raises(error, match=message):
        hayashi_yoshida(times, prices, [0, 1, 2], PRICES)


def test_hayashi_yoshida_refuses_times_out_of_reach_and_missing_ones():
    ancient = np.array(["1000-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    with pytest.raises(InputError, match="times_y is 1000-01-01 at index 0"):
        hayashi_yoshida(DAYS, PRICES, ancient, PRICES)
    ancient[0] = np.datetime64("NaT")
    with pytest.raises(NonFiniteError, match="times_y holds NaT at index 0"):
        hayashi_yoshida(DAYS, PRICES, ancient, PRICES)


def test_a_series_that_never_moves_has_no_correlation():
    found = hayashi_yoshida([0, 1, 2], PRICES, [0, 1, 2], [5.0, 5.0, 5.0])
    assert found.covariance == 0.0
    assert np.isnan(found.correlation)
