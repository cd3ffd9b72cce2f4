"""Hidden Markov and jump models with all paths summed or tried: to be read and checked against."""

from itertools import pairwise, product

import numpy as np


def log_densities(X: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Gaussian log densities of shape (n_observations, n_states)."""
    columns = []
    for mean, covariance in zip(means, covariances, strict=True):
        d = X - mean
        distance = np.einsum("ti,ti->t", d, np.linalg.solve(covariance, d.T).T)
        _, log_determinant = np.linalg.slogdet(covariance)
        columns.append(-0.5 * (distance + log_determinant + len(mean) * np.log(2.0 * np.pi)))
    return np.column_stack(columns)


def log_joint(path: tuple[int, ...], start: np.ndarray, A: np.ndarray, densities: np.ndarray) -> float:
    """Logarithm of the probability of a path together with the observations."""
    with np.errstate(divide="ignore"):
        total = np.log(start[path[0]]) + sum(np.log(A[i, j]) for i, j in pairwise(path))
    return float(total + sum(densities[t, state] for t, state in enumerate(path)))


def enumerated(
    start: np.ndarray, A: np.ndarray, densities: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood, smoothed probabilities and likeliest path, from all paths."""
    n_observations, n_states = densities.shape
    paths = list(product(range(n_states), repeat=n_observations))
    logs = np.array([log_joint(path, start, A, densities) for path in paths])
    log_likelihood = float(np.logaddexp.reduce(logs))
    weights = np.exp(logs - log_likelihood)
    states = np.array(paths)
    smoothed = np.array(
        [[weights[states[:, t] == k].sum() for k in range(n_states)] for t in range(n_observations)]
    )
    return log_likelihood, smoothed, states[logs.argmax()]


def filtered(start: np.ndarray, A: np.ndarray, densities: np.ndarray) -> np.ndarray:
    """Filtered probabilities: each row is the last smoothed one of the rows up to it."""
    return np.array([enumerated(start, A, densities[: t + 1])[1][-1] for t in range(len(densities))])


def jump_cost(path: tuple[int, ...], X: np.ndarray, centroids: np.ndarray, penalty: float) -> float:
    """Half the squared distances from the centroids plus the price of the changes."""
    changes = sum(i != j for i, j in pairwise(path))
    return float(0.5 * ((X - centroids[list(path)]) ** 2).sum() + penalty * changes)


def cheapest_path(X: np.ndarray, centroids: np.ndarray, penalty: float) -> tuple[int, ...]:
    """The cheapest of all paths."""
    paths = product(range(len(centroids)), repeat=len(X))
    return min(paths, key=lambda path: jump_cost(path, X, centroids, penalty))
