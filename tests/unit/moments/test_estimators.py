"""Rolling, shrunk, multi-horizon and regime covariances: labels, refusals, copies and saved states."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.moments import (
    EwmaCovariance,
    MultiHalfLifeCovariance,
    MultiTimeframeCovariance,
    RegimeCovariance,
    RollingCovariance,
    ShrunkEwmaCovariance,
    rolling_covariance,
)

R = 0.01 * np.random.default_rng(1).normal(size=(60, 3))
DAYS = pd.date_range("2020-01-06", periods=60, tz="UTC")
FRAME = pd.DataFrame(R, columns=["A", "B", "C"], index=DAYS)
P = np.random.default_rng(2).dirichlet(np.ones(4), size=60)

# Each with what a row needs beside its returns.
MAKERS = {
    "half-lives": (lambda: MultiHalfLifeCovariance([3.0, 20.0]), None),
    "rolling": (lambda: RollingCovariance(10), None),
    "shrunk": (lambda: ShrunkEwmaCovariance(9.0), None),
    "timeframes": (lambda: MultiTimeframeCovariance("1d"), list(DAYS)),
    "regimes": (RegimeCovariance, P),
}
every = pytest.mark.parametrize("name", MAKERS)


def fitted(name, rows):
    make, extra = MAKERS[name]
    return make().fit(rows) if extra is None else make().fit(rows, extra)


def fed(estimator, name, row, t):
    extra = MAKERS[name][1]
    return estimator.partial_fit(row) if extra is None else estimator.partial_fit(row, extra[t])


@every
def test_nothing_fitted(name):
    estimator = MAKERS[name][0]()
    assert estimator.n_observations_ == 0
    for attribute in ("covariance_", "correlation_", "volatility_", "degenerate_"):
        with pytest.raises(StateError, match="fit"):
            getattr(estimator, attribute)
    assert type(estimator).from_bytes(estimator.to_bytes()).n_observations_ == 0


@every
def test_labels_stay(name):
    estimator = fitted(name, FRAME)
    plain = fitted(name, R)
    for attribute in ("covariance_", "correlation_", "volatility_", "degenerate_"):
        found, expected = getattr(estimator, attribute), getattr(plain, attribute)
        np.testing.assert_array_equal(np.asarray(found).reshape(expected.shape), expected)
        columns = found.columns if found.ndim == 2 else found.index
        assert list(columns) == ["A", "B", "C"]
    polars = pl.DataFrame(R, schema=["A", "B", "C"])
    assert fitted(name, polars).covariance_.columns[-3:] == ["A", "B", "C"]


@every
def test_a_labelled_row_is_matched_by_name(name):
    straight, mixed = MAKERS[name][0](), MAKERS[name][0]()
    for t in range(30):
        fed(straight, name, FRAME.iloc[t], t)
        fed(mixed, name, FRAME.iloc[t] if t == 0 else FRAME.iloc[t][["C", "A", "B"]], t)
    assert straight.to_bytes() == mixed.to_bytes()


@every
def test_a_refused_row_leaves_the_state_as_it_was(name):
    make, extra = MAKERS[name]
    estimator = fed(make(), name, FRAME.iloc[0], 0)
    before = estimator.to_bytes()
    with pytest.raises(NonFiniteError, match="inf at index 2"):
        fed(estimator, name, [0.01, np.nan, np.inf], 1)
    with pytest.raises(ShapeError, match=r"\(2,\), expected \(3,\)"):
        fed(estimator, name, [0.01, 0.02], 1)
    with pytest.raises(ShapeError, match="missing A"):
        fed(estimator, name, pd.Series([0.1, 0.2, 0.3], index=["B", "C", "D"]), 1)
    with pytest.raises(EmptyInputError):
        estimator.fit(np.empty((0, 2)), *([] if extra is None else [extra[:0]]))
    with pytest.raises(NonFiniteError, match="row 1, column 0"):
        estimator.fit([[0.1, 0.2], [np.inf, 0.1]], *([] if extra is None else [extra[:2]]))
    assert estimator.to_bytes() == before
    fresh = make()
    for row, error in (([np.inf], NonFiniteError), ([], EmptyInputError), ([[0.1]], ShapeError)):
        with pytest.raises(error):
            fed(fresh, name, row, 0)
    assert fed(fresh, name, R[0], 0).n_observations_ == 1


@every
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_copies_are_independent_and_equal(name, again):
    rows = FRAME.copy()
    rows.iloc[4, 1] = np.nan
    estimator = MAKERS[name][0]()
    for t in range(40):
        fed(estimator, name, rows.iloc[t], t)
    assert estimator.covariance_.shape[1] == 3  # reading may add rows that waited
    before = estimator.to_bytes()
    twin = again(estimator)
    assert twin.to_bytes() == before
    assert repr(twin) == repr(estimator)
    pd.testing.assert_frame_equal(twin.covariance_, estimator.covariance_)
    fed(twin, name, R[41], 41)
    assert twin.to_bytes() != before
    assert estimator.to_bytes() == before


@every
def test_saved_states_keep_parameters_and_labels(name):
    for rows in (R, FRAME, pl.DataFrame(R, schema=["A", "B", "C"])):
        estimator = fitted(name, rows)
        restored = type(estimator).from_bytes(estimator.to_bytes())
        assert repr(restored) == repr(estimator)
        assert type(restored.covariance_) is type(estimator.covariance_)
        assert restored.to_bytes() == estimator.to_bytes()
    with pytest.raises(StateError, match="not a "):
        type(estimator).from_bytes(EwmaCovariance(5.0).fit(R).to_bytes())
    damaged = bytearray(estimator.to_bytes())
    damaged[-40] ^= 1
    with pytest.raises(StateError):
        type(estimator).from_bytes(bytes(damaged))


@every
def test_one_asset_that_never_moves(name):
    estimator = fitted(name, np.zeros((60, 1)))
    assert (np.asarray(estimator.covariance_) == 0.0).all()
    assert (np.asarray(estimator.correlation_) == 1.0).all()
    assert np.asarray(estimator.degenerate_).all()


def test_half_lives_are_rows_of_their_own():
    estimator = fitted("half-lives", FRAME)
    assert estimator.half_lives == (3.0, 20.0)
    alone = EwmaCovariance(20.0).fit(FRAME)
    pd.testing.assert_frame_equal(estimator.covariance_.loc[20.0], alone.covariance_, check_names=False)
    assert estimator.covariance_.index.names[0] == "half_life"
    assert list(estimator.volatility_.index) == [3.0, 20.0]
    polars = fitted("half-lives", pl.DataFrame(R, schema=["A", "B", "C"]))
    assert polars.covariance_.columns == ["half_life", "asset", "A", "B", "C"]
    assert polars.volatility_["half_life"].to_list() == [3.0, 20.0]
    for bad, error in (([], EmptyInputError), ([3, 3], ParameterError), (7.0, ParameterError)):
        with pytest.raises(error):
            MultiHalfLifeCovariance(bad)
    with pytest.raises(ParameterError, match=r"half_lives\[1\] is -1"):
        MultiHalfLifeCovariance([2.0, -1])


def test_rolling_parameters_and_out():
    for arguments in ({"window": 1}, {"window": 2.5}, {"window": 5, "ddof": -1}, {"window": 3, "ddof": 3}):
        with pytest.raises(ParameterError):
            RollingCovariance(**arguments)
        with pytest.raises(ParameterError):
            rolling_covariance(R, **arguments)
    with pytest.raises(ParameterError, match="1e140"):
        RollingCovariance(3).fit([[1e200], [0.0]])
    out = np.empty((60, 3, 3))
    assert rolling_covariance(R, window=5, out=out) is out
    np.testing.assert_array_equal(out, rolling_covariance(R, window=5))
    for bad, error in (
        (np.empty((59, 3, 3)), ShapeError),
        (np.empty((60, 3, 3), dtype=np.float32), InputError),
        (np.empty((3, 3, 60)).T, InputError),
    ):
        with pytest.raises(error):
            rolling_covariance(R, window=5, out=bad)
    path = rolling_covariance(FRAME, window=5)
    assert path.loc[DAYS[20]].shape == (3, 3)
    longer = rolling_covariance(R, window=100)
    assert np.isnan(longer).all()


def test_shrinking_warms_up():
    estimator = ShrunkEwmaCovariance(9.0).partial_fit(R[0])
    assert np.isnan(estimator.shrinkage_)
    assert np.isnan(estimator.covariance_).all()
    assert 0.0 <= estimator.partial_fit(R[1]).shrinkage_ <= 1.0
    with pytest.raises(ParameterError, match="1e75"):
        estimator.partial_fit([1e80, 0.0, 0.0])
    with pytest.raises(ParameterError, match="half_life is 0"):
        ShrunkEwmaCovariance(0)


def test_pairs_never_seen_together_have_the_mean_correlation():
    rows = np.vstack([R, R])
    rows[:60, 2] = np.nan
    rows[60:, 1] = np.nan
    estimator = ShrunkEwmaCovariance(50.0).fit(rows)
    correlation = estimator.correlation_
    assert np.isfinite(correlation).all()
    unseen = ShrunkEwmaCovariance(50.0).fit(np.column_stack([R, np.full(60, np.nan)]))
    assert np.isnan(unseen.covariance_[3]).all()
    assert np.isfinite(unseen.covariance_[:3, :3]).all()


def test_times_come_from_the_frame_or_the_row():
    given = MultiTimeframeCovariance("1d").fit(R, DAYS)
    assert MultiTimeframeCovariance("1d").fit(FRAME).n_observations_ == 60
    stream = MultiTimeframeCovariance("1d")
    for _, row in FRAME.iterrows():
        stream.partial_fit(row)
    assert stream.to_bytes() == MultiTimeframeCovariance("1d").fit(FRAME).to_bytes()
    naive = DAYS.tz_localize(None)
    polars = pl.DataFrame(R, schema=["A", "B", "C"]).insert_column(0, pl.Series("time", naive.to_numpy()))
    for other in (
        MultiTimeframeCovariance("1d").fit(polars),
        MultiTimeframeCovariance("1d").fit(R, naive.to_numpy("datetime64[ns]").view(np.int64)),
        MultiTimeframeCovariance("1d").fit(R, [day.to_pydatetime() for day in DAYS.tz_convert("Asia/Tokyo")]),
    ):
        np.testing.assert_array_equal(np.asarray(other.covariance_), given.covariance_)
    for call in (
        lambda: MultiTimeframeCovariance("1d").fit(R),
        lambda: MultiTimeframeCovariance("1d").fit(FRAME.reset_index(drop=True)),
        lambda: MultiTimeframeCovariance("1d").fit(R, np.arange(60.0)),
        lambda: MultiTimeframeCovariance("1d").partial_fit(R[0]),
    ):
        with pytest.raises(InputError, match="times"):
            call()


def test_times_that_cannot_be_are_refused():
    estimator = MultiTimeframeCovariance("1d").fit(FRAME)
    before = estimator.to_bytes()
    for time, error in (
        (DAYS[-1], InputError),
        (DAYS[0], InputError),
        (DAYS[-1] + pd.Timedelta("5h"), ParameterError),
        (np.datetime64("NaT"), NonFiniteError),
        ("tomorrow", InputError),
    ):
        with pytest.raises(error):
            estimator.partial_fit(R[0], time)
    with pytest.raises(InputError, match="index 2"):
        estimator.fit(R[:3], DAYS[[0, 1, 1]])
    with pytest.raises(ShapeError, match=r"\(2,\), expected \(3,\)"):
        estimator.fit(R[:3], DAYS[:2])
    with pytest.raises(ParameterError, match="above -1"):
        estimator.partial_fit([0.1, -1.0, 0.1], DAYS[-1] + pd.Timedelta("1D"))
    assert estimator.to_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base": "1y"}, "base is '1y'"),
        ({"base": 3600}, "base is 3600"),
        ({"base": "5h"}, "multiple"),
        ({"stamps": "left"}, "stamps is 'left'"),
        ({"weights": {}}, "empty"),
        ({"weights": {"1h": 0.0}}, "positive"),
        ({"weights": {"1h": "much"}}, "much"),
        ({"weights": {"30m": 1.0}}, "whole number of base bars"),
        ({"weights": {"2h": 1.0}}, "half-lives of its own"),
        ({"half_lives": {"1h": (72,)}}, r"half_lives\['1h'\]"),
        ({"half_lives": {"1h": (72, 0)}}, "correlation half-life of 1h"),
        ({"half_lives": {"2d": (72, 90)}}, "2d"),
    ],
)
def test_wrong_timeframes(arguments, message):
    with pytest.raises(ParameterError, match=message):
        MultiTimeframeCovariance(**arguments)


def test_timeframes_of_one_s_own():
    estimator = MultiTimeframeCovariance(
        "1d", half_lives={"2d": (5.0, 15.0)}, weights={"1d": 3.0, "2d": 1.0}
    ).fit(FRAME)
    assert estimator.timeframes_ == ("1d", "2d")
    assert list(estimator.n_closed_.index) == ["1d", "2d"]
    assert estimator.n_closed_.loc["2d", "A"] == 29  # the first and the last day are half a bar each
    assert estimator.variance_ratio_.loc["1d"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert MultiTimeframeCovariance().timeframes_ == ("1h", "4h", "1d", "1w")
    assert MultiTimeframeCovariance("15m").timeframes_ == ("1h", "4h", "1d", "1w")


def test_probabilities_by_name_and_by_order():
    names = ["bull", "bear", "sideways", "high_volatility"]
    frame = pd.DataFrame(P, columns=names, index=DAYS)
    plain = RegimeCovariance().fit(R, P)
    assert RegimeCovariance().fit(R, frame[names[::-1]]).to_bytes() == plain.to_bytes()
    by_name, by_series = RegimeCovariance(), RegimeCovariance()
    for t, row in enumerate(R):
        by_name.partial_fit(row, dict(reversed(list(zip(names, P[t], strict=True)))))
        by_series.partial_fit(row, frame.iloc[t][names[::-1]])
    assert by_name.to_bytes() == by_series.to_bytes() == plain.to_bytes()
    with pytest.raises(ShapeError, match="columns"):
        RegimeCovariance().fit(R, frame.rename(columns={"bull": "bulls"}))
    with pytest.raises(ShapeError, match="bull"):
        RegimeCovariance().partial_fit(R[0], {"bull": 1.0})


def test_probabilities_that_are_none_are_refused():
    estimator = RegimeCovariance().fit(R, P)
    before = estimator.to_bytes()
    for bad, error in (
        ([0.5, 0.5, 0.5, -0.5], ParameterError),
        ([0.25, 0.25, 0.25, 0.25 + 2e-9], ParameterError),
        ([np.nan, 0.5, 0.5, 0.0], NonFiniteError),
        ([0.5, 0.5], ShapeError),
        (None, ShapeError),
    ):
        with pytest.raises(error):
            estimator.partial_fit(R[0], bad)
    many = P.copy()
    many[7, 2] = np.inf
    with pytest.raises(NonFiniteError, match="row 7, column 2"):
        estimator.fit(R, many)
    for bad in (P[:59], P[:, :3], None):
        with pytest.raises(ShapeError):
            estimator.fit(R, bad)
    assert estimator.to_bytes() == before


def test_a_regime_never_seen_and_the_regime_of_stress():
    only = np.zeros((60, 4))
    only[:, 0] = 1.0
    estimator = RegimeCovariance().fit(FRAME, only)
    np.testing.assert_array_equal(estimator.n_effective_[1:], 0.0)
    never = estimator.conditional_correlation("bear")
    assert list(never.columns) == ["A", "B", "C"]
    scale = np.outer(estimator.volatility_, estimator.volatility_)
    np.testing.assert_allclose(estimator.stress_covariance_, never * scale, rtol=1e-14)
    with pytest.raises(ParameterError, match="calm"):
        estimator.conditional_correlation("calm")
    for arguments in (
        {"regimes": []},
        {"regimes": ["a", "a"]},
        {"regimes": "ab"},
        {"regimes": [1, 2]},
        {"regimes": ["a", "b"]},
        {"winsor": 0.2},
    ):
        with pytest.raises(ParameterError):
            RegimeCovariance(**arguments)


def test_a_row_without_values_moves_the_probabilities_only():
    estimator = RegimeCovariance().fit(R, P)
    calm = estimator.conditional_correlation("sideways")
    estimator.partial_fit([np.nan] * 3, [0.0, 0.0, 1.0, 0.0])
    assert estimator.n_observations_ == 60
    np.testing.assert_array_equal(estimator.correlation_, calm)
