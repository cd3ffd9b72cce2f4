"""What must hold of the hidden Markov and the jump model whatever they are shown."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    NotEnoughDataError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.regime import GaussianHMM, JumpModel
from poise.testing import perturb_future


@st.composite
def features(draw: st.DrawFn) -> np.ndarray:
    """Stretches of different size with fat tails, twins, repeated rows and odd strides."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_observations, n_features = draw(st.integers(8, 120)), draw(st.integers(1, 4))
    scale = np.exp(np.cumsum(rng.normal(0.0, draw(st.sampled_from([0.0, 0.3])), n_observations)))
    X = scale[:, None] * rng.standard_t(3, (n_observations, n_features))
    X *= draw(st.sampled_from([1e-8, 0.01, 1e6]))
    if draw(st.booleans()) and n_features > 1:
        X[:, 1] = X[:, 0]
    if draw(st.booleans()):
        X = X[np.arange(n_observations) // 2]
    return np.asfortranarray(X) if draw(st.booleans()) else np.repeat(X, 2, axis=1)[:, ::2]


@settings(max_examples=50, deadline=None)
@given(features(), st.integers(1, 4), st.sampled_from(["full", "diagonal"]), st.sampled_from([0.0, 50.0]))
def test_a_fit_is_a_model(X: np.ndarray, n_states: int, covariance_type: str, sticky: float) -> None:
    model = GaussianHMM(
        n_states, covariance_type=covariance_type, sticky=sticky, n_restarts=3, max_iterations=30, seed=0
    ).fit(X)
    np.testing.assert_allclose(model.transition_matrix_.sum(axis=1), 1.0, atol=1e-12)
    assert model.start_probabilities_.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.diff(model.means_[:, 0]) >= 0.0)
    for covariance in model.covariances_:
        np.testing.assert_array_equal(covariance, covariance.T)
        standard = covariance / np.outer(X.std(axis=0), X.std(axis=0))
        assert np.linalg.eigvalsh(standard).min() > 0.999e-4
    for probabilities in (model.filter(X), model.smooth(X)):
        assert probabilities.min() >= 0.0
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(model.filter(X)[-1], model.smooth(X)[-1], atol=1e-9)
    assert model.log_likelihood(X) == model.log_likelihood_
    assert set(model.viterbi(X)) <= set(range(n_states))


def test_a_state_may_own_hardly_a_row() -> None:
    # One state owns a single row and 1e-313 of the others: its covariance has nothing but denormal entries.
    pairs = [
        ("-0x1.d3be1287607f2p-29", "-0x1.f27e60448f916p-27"),
        ("-0x1.f8343e728fd8fp-30", "-0x1.ad832d1825ef3p-28"),
        ("0x1.ad6c5eb73a521p-26", "0x1.0c8d93d0016efp-27"),
        ("0x1.ba207ce186b9bp-27", "-0x1.9e59887dee5c4p-27"),
        ("0x1.911fc32079928p-27", "0x1.6325e2a1d6612p-28"),
        ("-0x1.1346121495222p-27", "0x1.44cb3001f7b8ap-30"),
        ("-0x1.45ceb1d7af288p-25", "0x1.341530ae3e466p-25"),
        ("-0x1.dbc8231a5a194p-28", "0x1.aca833879a16fp-28"),
    ]
    X = np.array([[float.fromhex(one), float.fromhex(one), float.fromhex(other)] for one, other in pairs])
    model = GaussianHMM(3, n_restarts=3, max_iterations=30, sticky=50.0, seed=0).fit(X)
    standard = model.covariances_ / np.outer(X.std(axis=0), X.std(axis=0))
    assert np.linalg.eigvalsh(standard).min() > 0.999e-4


@settings(max_examples=30, deadline=None)
@given(features(), st.sampled_from(["full", "diagonal"]))
def test_no_iteration_lowers_the_likelihood(X: np.ndarray, covariance_type: str) -> None:
    fits = [
        GaussianHMM(
            2, covariance_type=covariance_type, n_restarts=1, max_iterations=n, tolerance=0.0, seed=5
        ).fit(X)
        for n in range(1, 12)
    ]
    path = np.array([fit.log_likelihood_ for fit in fits])
    assert np.all(np.diff(path) >= -1e-8 * (1.0 + np.abs(path[:-1])))


@settings(max_examples=30, deadline=None)
@given(features(), st.integers(0, 2**32 - 1))
def test_the_future_does_not_matter(X: np.ndarray, seed: int) -> None:
    row = len(X) // 2
    other = perturb_future(np.array(X), row, rng=np.random.default_rng(seed), scale=float(X.std()))
    hmm = GaussianHMM(2, n_restarts=2, max_iterations=10, seed=1).fit(X)
    np.testing.assert_array_equal(hmm.filter(X)[: row + 1], hmm.filter(other)[: row + 1])
    jump = JumpModel(2, jump_penalty=float(X.var()), n_restarts=2, seed=1).fit(X)
    np.testing.assert_array_equal(jump.predict_online(X)[: row + 1], jump.predict_online(other)[: row + 1])


@settings(max_examples=30, deadline=None)
@given(features(), st.permutations(range(3)))
def test_permuting_states_permutes_the_answers(X: np.ndarray, order: list[int]) -> None:
    fitted = GaussianHMM(3, n_restarts=2, max_iterations=10, seed=1).fit(X)
    permuted = GaussianHMM.from_parameters(
        start_probabilities=fitted.start_probabilities_[order],
        transition_matrix=fitted.transition_matrix_[np.ix_(order, order)],
        means=fitted.means_[order],
        covariances=fitted.covariances_[order],
    )
    np.testing.assert_allclose(permuted.filter(X), fitted.filter(X)[:, order], atol=1e-9)
    np.testing.assert_allclose(permuted.smooth(X), fitted.smooth(X)[:, order], atol=1e-8)
    assert permuted.log_likelihood(X) == pytest.approx(fitted.log_likelihood_, rel=1e-10, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(features(), st.integers(1, 4), st.sampled_from([0.0, 1.0, 50.0]))
def test_the_jump_model_pays_no_more_than_any_constant_path(
    X: np.ndarray, n_states: int, price: float
) -> None:
    penalty = price * float(X.var())
    model = JumpModel(n_states, jump_penalty=penalty, n_restarts=3, seed=0).fit(X)
    labels = model.predict(X)
    changes = np.count_nonzero(np.diff(labels))
    cost = 0.5 * ((X - model.centroids_[labels]) ** 2).sum() + penalty * changes
    assert cost == pytest.approx(model.objective_, rel=1e-9)
    constant = 0.5 * ((X[:, None] - model.centroids_) ** 2).sum(axis=(0, 2)).min()
    assert model.objective_ <= constant * (1.0 + 1e-9)
    assert np.all(np.diff(model.centroids_[:, 0]) >= 0.0)


def sample() -> np.ndarray:
    rng = np.random.default_rng(8)
    return rng.standard_normal((120, 2)) * np.repeat([1.0, 4.0], 60)[:, None]


def pickled(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, pickled])
@pytest.mark.parametrize("by_bytes", [False, True])
def test_copies_and_bytes_continue_bit_for_bit(copied, by_bytes) -> None:
    X = sample()
    for model, step in (
        (GaussianHMM(2, sticky=5.0, seed=1), "partial_filter"),
        (JumpModel(2, jump_penalty=3.0, seed=1), "partial_predict"),
    ):
        unfitted = type(model).from_bytes(model.to_bytes())
        assert repr(unfitted) == repr(model)
        model.fit(X[:80])
        twin = type(model).from_bytes(model.to_bytes()) if by_bytes else copied(model)
        assert twin.to_bytes() == model.to_bytes()
        for row in X[80:]:
            np.testing.assert_array_equal(getattr(model, step)(row), getattr(twin, step)(row))
        getattr(model, step)(X[0])
        assert twin.to_bytes() != model.to_bytes()
        assert (twin.converged_, twin.n_iterations_) == (model.converged_, model.n_iterations_)


def test_damaged_bytes_are_refused() -> None:
    hmm, jump = GaussianHMM(2, seed=1).fit(sample()), JumpModel(2, jump_penalty=1.0, seed=1).fit(sample())
    data = hmm.to_bytes()
    for position in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(StateError):
            GaussianHMM.from_bytes(bytes(damaged))
    for short in (b"", data[:10], data[:-1]):
        with pytest.raises(StateError):
            GaussianHMM.from_bytes(short)
    with pytest.raises(StateError, match="JumpModel"):
        GaussianHMM.from_bytes(jump.to_bytes())


def test_the_seed_decides() -> None:
    fits = [GaussianHMM(3, seed=9).fit(sample()).to_bytes() for _ in range(3)]
    assert len(set(fits)) == 1


def test_frames_come_back_as_frames() -> None:
    X = sample()
    frame = pd.DataFrame(X, index=pd.date_range("2020-01-01", periods=len(X), tz="UTC"), columns=["v", "m"])
    hmm, jump = GaussianHMM(2, seed=1).fit(frame), JumpModel(2, jump_penalty=1.0, seed=1).fit(frame)
    filtered = hmm.filter(frame)
    assert list(filtered.columns) == [0, 1]
    assert filtered.index.equals(frame.index)
    np.testing.assert_array_equal(filtered, hmm.filter(X))
    for path in (hmm.viterbi(frame), jump.predict(frame), jump.predict_online(frame)):
        assert path.index.equals(frame.index)
        assert path.dtype == np.int64
    assert isinstance(hmm.smooth(pl.DataFrame(X, schema=["v", "m"])), pl.DataFrame)
    np.testing.assert_array_equal(hmm.partial_filter(frame.iloc[0]).shape, (2,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_states", 0),
        ("n_states", 2.0),
        ("n_states", True),
        ("n_restarts", 0),
        ("max_iterations", 0),
        ("sticky", -1.0),
        ("sticky", float("nan")),
        ("tolerance", float("inf")),
        ("tolerance", "small"),
        ("seed", -1),
        ("seed", 2**64),
        ("covariance_type", "spherical"),
    ],
)
def test_parameters_outside_their_range_are_named(name, value) -> None:
    with pytest.raises(ParameterError, match=name):
        GaussianHMM(**{"n_states": 2, "seed": 0, name: value})


@pytest.mark.parametrize("penalty", [-1.0, float("nan"), float("inf"), "5", None])
def test_a_penalty_is_a_finite_number(penalty) -> None:
    with pytest.raises(ParameterError, match="jump_penalty"):
        JumpModel(2, jump_penalty=penalty, seed=0)


@pytest.mark.parametrize(
    "make", [lambda: GaussianHMM(3, seed=0), lambda: JumpModel(3, jump_penalty=1.0, seed=0)]
)
def test_what_cannot_be_used_is_named(make) -> None:
    X = sample()
    with pytest.raises(StateError, match="fit first"):
        _ = make().converged_
    with pytest.raises(NotEnoughDataError, match="at least 6 observations, got 5"):
        make().fit(X[:5])
    with pytest.raises(EmptyInputError):
        make().fit(X[:0])
    with pytest.raises(EmptyInputError):
        make().fit(X[:, :0])
    with pytest.raises(ShapeError):
        make().fit(X[:, 0])
    gap = X.copy()
    gap[5, 1] = np.nan
    with pytest.raises(NonFiniteError, match="row 5, column 1"):
        make().fit(gap)
    model = make().fit(X)
    before = model.to_bytes()
    with pytest.raises(InputError):
        model.fit(X * 1e200)
    step = model.partial_filter if isinstance(model, GaussianHMM) else model.partial_predict
    for row, error in (([np.nan, 0.0], NonFiniteError), ([0.0], ShapeError), ([1e300, 0.0], ParameterError)):
        with pytest.raises(error):
            step(row)
    assert model.to_bytes() == before


def test_a_feature_at_rest_is_named() -> None:
    X = sample()
    X[:, 1] = 0.1
    with pytest.raises(InputError, match="column 1"):
        GaussianHMM(2, seed=0).fit(X)


def test_given_parameters_are_checked() -> None:
    good = {
        "start_probabilities": [0.5, 0.5],
        "transition_matrix": [[0.9, 0.1], [0.2, 0.8]],
        "means": [[0.0, 0.0], [1.0, 1.0]],
        "covariances": np.array([np.eye(2), np.eye(2)]),
    }
    assert np.isnan(GaussianHMM.from_parameters(**good).log_likelihood_)
    wrong = [
        ("start_probabilities", [0.5, 0.6], ParameterError),
        ("start_probabilities", [1.0], ShapeError),
        ("transition_matrix", [[1.1, -0.1], [0.0, 1.0]], ParameterError),
        ("transition_matrix", [[1.0, 0.0]], ShapeError),
        ("means", [[np.nan, 0.0], [0.0, 0.0]], NonFiniteError),
        ("covariances", np.eye(2), ShapeError),
        ("covariances", np.array([np.eye(3), np.eye(3)]), ShapeError),
        ("covariances", np.array([np.eye(2), [[1.0, 0.5], [0.4, 1.0]]]), ShapeError),
        ("covariances", np.array([np.eye(2), np.ones((2, 2))]), NotPositiveSemidefiniteError),
    ]
    for name, value, error in wrong:
        with pytest.raises(error):
            GaussianHMM.from_parameters(**{**good, name: value})
