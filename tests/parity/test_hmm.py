"""The hidden Markov model against hmmlearn, against all paths, and against published numbers."""

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM as Peer

from poise.regime import GaussianHMM
from tests.reference import hmm as twin
from tests.tolerances import SOLVER

TYPES = [("full", "full"), ("diagonal", "diag")]


def market(n_observations: int, n_features: int = 3) -> np.ndarray:
    """Stretches of calm and of turmoil."""
    rng = np.random.default_rng(17)
    wild = np.arange(n_observations) // 60 % 2 == 1
    common = rng.standard_normal((n_observations, 1))
    own = rng.standard_normal((n_observations, n_features))
    return np.where(wild[:, None], -0.001 + 0.02 * (common + own), 0.0005 + 0.006 * own)


def parameters(n_states: int, n_features: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n_states)
    factor = (
        rng.standard_normal((n_states, n_features, n_features + 2))
        * np.geomspace(0.004, 0.015, n_states)[:, None, None]
    )
    transition = rng.dirichlet(np.ones(n_states), n_states) * 0.2 + 0.8 * np.eye(n_states)
    return {
        "start_probabilities": rng.dirichlet(np.ones(n_states)),
        "transition_matrix": transition,
        "means": rng.standard_normal((n_states, n_features)) * 0.003,
        "covariances": factor @ factor.transpose(0, 2, 1),
    }


def peer_of(model: GaussianHMM) -> Peer:
    peer = Peer(len(model.means_), "full")
    peer.startprob_ = model.start_probabilities_
    peer.transmat_ = model.transition_matrix_
    peer.means_ = model.means_
    peer.covars_ = model.covariances_
    return peer


@pytest.mark.parametrize("n_states", [1, 2, 3, 5])
@pytest.mark.parametrize("n_features", [1, 4])
def test_equals_hmmlearn_with_the_same_parameters(n_states: int, n_features: int) -> None:
    X = market(500, n_features)
    model = GaussianHMM.from_parameters(**parameters(n_states, n_features))
    peer = peer_of(model)
    log_likelihood, posteriors = peer.score_samples(X)
    assert model.log_likelihood(X) == pytest.approx(log_likelihood, rel=SOLVER)
    np.testing.assert_allclose(model.smooth(X), posteriors, atol=SOLVER)
    np.testing.assert_array_equal(model.viterbi(X), peer.decode(X)[1])
    for t in (1, 7, 123, 499):
        np.testing.assert_allclose(model.filter(X)[t - 1], peer.predict_proba(X[:t])[-1], atol=SOLVER)


@pytest.mark.parametrize(("covariance_type", "peer_type"), TYPES)
@pytest.mark.parametrize("sticky", [0.0, 50.0])
def test_the_fit_is_a_fixed_point_of_hmmlearn(covariance_type: str, peer_type: str, sticky: float) -> None:
    X = market(700)
    model = GaussianHMM(
        2, covariance_type=covariance_type, sticky=sticky, tolerance=1e-13, max_iterations=3000, seed=3
    ).fit(X)
    assert model.converged_
    peer = Peer(
        2,
        peer_type,
        init_params="",
        n_iter=1,
        covars_prior=0.0,
        transmat_prior=1.0 + sticky * np.eye(2),
        min_covar=0.0,
    )
    peer.startprob_, peer.transmat_ = model.start_probabilities_, model.transition_matrix_
    peer.means_ = model.means_
    covariances = model.covariances_
    peer.covars_ = covariances if peer_type == "full" else np.diagonal(covariances, axis1=1, axis2=2)
    peer.fit(X)
    np.testing.assert_allclose(model.transition_matrix_, peer.transmat_, atol=1e-5)
    np.testing.assert_allclose(model.means_, peer.means_, atol=1e-5 * X.std())
    np.testing.assert_allclose(covariances, peer.covars_, atol=1e-5 * X.var())


@pytest.mark.parametrize(("covariance_type", "peer_type"), TYPES)
def test_finds_no_lower_likelihood_than_hmmlearn(covariance_type: str, peer_type: str) -> None:
    X = market(700)
    ours = GaussianHMM(3, covariance_type=covariance_type, seed=1, max_iterations=500).fit(X)
    peers = [Peer(3, peer_type, n_iter=500, tol=1e-3, min_covar=0.0, random_state=s) for s in range(5)]
    best = max(peer.fit(X).score(X) for peer in peers)
    assert ours.log_likelihood_ >= best - 0.1


@pytest.mark.parametrize("n_states", [1, 2, 3])
def test_equals_the_sum_over_all_paths(n_states: int) -> None:
    given = parameters(n_states, 2)
    X = market(68, 2)[56:63]
    model = GaussianHMM.from_parameters(**given)
    densities = twin.log_densities(X, given["means"], given["covariances"])
    chain = given["start_probabilities"], given["transition_matrix"], densities
    log_likelihood, smoothed, path = twin.enumerated(*chain)
    assert model.log_likelihood(X) == pytest.approx(log_likelihood, rel=1e-12)
    np.testing.assert_allclose(model.smooth(X), smoothed, atol=1e-12)
    np.testing.assert_allclose(model.filter(X), twin.filtered(*chain), atol=1e-12)
    np.testing.assert_array_equal(model.viterbi(X), path)


def test_the_umbrella_world() -> None:
    """Russell and Norvig: an umbrella on days 1, 2, 4 and 5; P(u|rain) = 0.9, P(u|dry) = 0.2.

    Unit Gaussians at +1 and -1 have density ratio exp(2 x): the two x with the ratios 0.9/0.2 and 0.1/0.8
    stand for the umbrella and for none.
    """
    seen, unseen = 0.5 * np.log(0.9 / 0.2), 0.5 * np.log(0.1 / 0.8)
    X = np.array([seen, seen, unseen, seen, seen])[:, None]
    model = GaussianHMM.from_parameters(
        start_probabilities=[0.5, 0.5],
        transition_matrix=[[0.7, 0.3], [0.3, 0.7]],
        means=[[1.0], [-1.0]],
        covariances=np.ones((2, 1, 1)),
    )
    filtered, smoothed = model.filter(X)[:, 0], model.smooth(X)[:, 0]
    np.testing.assert_allclose(filtered, [0.8182, 0.8834, 0.1907, 0.7308, 0.8673], atol=5e-5)
    np.testing.assert_allclose(smoothed, [0.8673, 0.8204, 0.3075, 0.8204, 0.8673], atol=5e-5)
    assert np.all(np.abs(filtered[:4] - smoothed[:4]) > 0.01)
    # The Gaussians' densities are the table's probabilities up to one factor per row.
    table = np.array([0.9, 0.9, 0.1, 0.9, 0.9])
    factor = -0.5 * (X[:, 0] - 1.0) ** 2 - 0.5 * np.log(2.0 * np.pi) - np.log(table)
    assert model.log_likelihood(X) - factor.sum() == pytest.approx(-3.372502044, abs=1e-9)


def test_online_equals_batch_to_the_bit() -> None:
    X = market(400)
    model = GaussianHMM(3, seed=2).fit(X[:250])
    filtered = model.filter(X)
    np.testing.assert_array_equal(model.probabilities_, filtered[249])
    np.testing.assert_array_equal([model.partial_filter(row) for row in X[250:]], filtered[250:])
    model.reset()
    np.testing.assert_array_equal(model.probabilities_, model.start_probabilities_)
    np.testing.assert_array_equal([model.partial_filter(row) for row in X], filtered)
