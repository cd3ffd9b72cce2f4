"""The jump model against all paths, its own objective, and online against batch."""

from itertools import product

import numpy as np
import pytest
from sklearn.cluster import KMeans

from poise.regime import JumpModel
from tests.reference import hmm as twin
from tests.tolerances import CLOSED_FORM


def stretches(n_observations: int, n_features: int = 2) -> np.ndarray:
    rng = np.random.default_rng(29)
    level = np.where(np.arange(n_observations) // 25 % 2 == 0, -0.8, 0.8)
    return level[:, None] + rng.standard_normal((n_observations, n_features))


@pytest.mark.parametrize(("n_states", "n_observations"), [(1, 10), (2, 10), (3, 8), (4, 6)])
@pytest.mark.parametrize("penalty", [0.0, 0.3, 1.0, 5.0, 1e6])
def test_equals_the_cheapest_of_all_paths(n_states: int, n_observations: int, penalty: float) -> None:
    X = stretches(40)[20 : 20 + n_observations]
    centroids = np.random.default_rng(n_states).standard_normal((n_states, 2))
    model = JumpModel.from_centroids(centroids, jump_penalty=penalty)
    expected = [twin.cheapest_path(X[: t + 1], centroids, penalty) for t in range(n_observations)]
    np.testing.assert_array_equal(model.predict(X), expected[-1])
    np.testing.assert_array_equal(model.predict_online(X), [path[-1] for path in expected])
    assert [model.partial_predict(row) for row in X] == [path[-1] for path in expected]


def test_the_fit_is_a_fixed_point_with_the_objective_it_says() -> None:
    X = stretches(400)
    model = JumpModel(2, jump_penalty=5.0, seed=4).fit(X)
    labels = model.predict(X)
    assert model.converged_
    assert model.n_iterations_ >= 1
    assert model.objective_ == pytest.approx(
        twin.jump_cost(tuple(labels), X, model.centroids_, 5.0), rel=CLOSED_FORM
    )
    means = np.array([X[labels == state].mean(axis=0) for state in range(2)])
    np.testing.assert_allclose(model.centroids_, means, rtol=1e-12)
    assert np.mean(labels == np.arange(400) // 25 % 2) > 0.97
    assert np.count_nonzero(np.diff(labels)) == 15


@pytest.mark.parametrize("penalty", [0.2, 1.0, 2.0])
def test_the_fit_is_the_best_of_all_labellings(penalty: float) -> None:
    X = stretches(60)[20:30]
    cheapest = np.inf
    for path in product((0, 1), repeat=len(X)):
        labels = np.array(path)
        means = [X[labels == state].mean(axis=0) if np.any(labels == state) else X[0] for state in (0, 1)]
        cheapest = min(cheapest, twin.jump_cost(path, X, np.array(means), penalty))
    model = JumpModel(2, jump_penalty=penalty, n_restarts=50, seed=4).fit(X)
    assert model.objective_ == pytest.approx(cheapest, rel=CLOSED_FORM)


def test_without_a_penalty_it_is_k_means() -> None:
    X = stretches(300)
    ours = JumpModel(3, jump_penalty=0.0, n_restarts=20, seed=4).fit(X)
    fixed = KMeans(3, init=ours.centroids_, n_init=1, tol=0.0).fit(X)
    assert 2.0 * ours.objective_ == pytest.approx(fixed.inertia_, rel=CLOSED_FORM)
    np.testing.assert_array_equal(ours.predict(X), fixed.labels_)
    searched = KMeans(3, n_init=20, tol=0.0, random_state=0).fit(X)
    assert 2.0 * ours.objective_ <= searched.inertia_ * 1.001


def test_a_higher_penalty_changes_less() -> None:
    X = stretches(400)
    changes = [
        np.count_nonzero(np.diff(JumpModel(2, jump_penalty=penalty, seed=4).fit(X).predict(X)))
        for penalty in (0.0, 1.0, 5.0, 1e4)
    ]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] > changes[-1] == 0


def test_online_continues_the_fit() -> None:
    X = stretches(300)
    model = JumpModel(2, jump_penalty=5.0, seed=4).fit(X[:200])
    online = model.predict_online(X)
    assert [model.partial_predict(row) for row in X[200:]] == online[200:].tolist()
    assert [model.reset().partial_predict(X[0])] + [
        model.partial_predict(row) for row in X[1:]
    ] == online.tolist()
    assert np.any(online != model.predict(X))
    assert online[-1] == model.predict(X)[-1]
