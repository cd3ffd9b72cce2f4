"""The same quantities as a careful user writes them with NumPy, SciPy and cvxpy, without validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from poise.typing import Matrix, Vector


def decay_factor(half_life: float) -> float:
    """Return what a weight is multiplied by per observation."""
    return float(0.5 ** (1.0 / half_life))


def ewma_path(R: Matrix, half_life: float) -> Matrix:
    """EWMA covariance after every row, one outer product per row; adjusted weights, unbiased."""
    decay, (n_observations, n_assets) = decay_factor(half_life), R.shape
    path = np.empty((n_observations, n_assets, n_assets))
    mean, moments = R[0].copy(), np.zeros((n_assets, n_assets))
    total = squares = 1.0
    path[0] = np.nan
    for t in range(1, n_observations):
        old = decay * total
        total, squares = old + 1.0, decay * decay * squares + 1.0
        deviation = R[t] - mean
        mean += deviation / total
        moments = (old / total) * moments + (old / total / total) * np.outer(deviation, deviation)
        path[t] = moments * (total * total / (total * total - squares))
    return path


def ewma_last(R: Matrix, half_life: float) -> Matrix:
    """EWMA covariance after the last row: the weighted product of the centred rows, unbiased."""
    weights = decay_factor(half_life) ** np.arange(len(R) - 1, -1, -1.0)
    weights /= weights.sum()
    centred = R - weights @ R
    return np.asarray((centred * weights[:, None]).T @ centred / (1.0 - weights @ weights))


def ewma_last_half(R: Matrix, half_life: float) -> Matrix:
    """EWMA covariance after the last row: of a matrix with its own transpose BLAS computes one half."""
    weights = decay_factor(half_life) ** np.arange(len(R) - 1, -1, -1.0)
    weights /= weights.sum()
    scaled = (R - weights @ R) * np.sqrt(weights)[:, None]
    return np.asarray(scaled.T @ scaled / (1.0 - weights @ weights))


class EwmaInPlace:
    """Zero-mean recursion of outer products, one row at a time into buffers that exist."""

    def __init__(self, first: Vector, half_life: float) -> None:
        self.decay = decay_factor(half_life)
        self.matrix = np.outer(first, first)
        self.outer = np.empty_like(self.matrix)

    def update(self, row: Vector) -> None:
        """Take in one row."""
        np.multiply.outer(row, row, out=self.outer)
        self.outer *= 1.0 - self.decay
        self.matrix *= self.decay
        self.matrix += self.outer


def through(update: Callable[[Vector], object], rows: Iterable[Vector]) -> Callable[[], None]:
    """Return a call without arguments that feeds all rows.

    What is put off from tick to tick is then in every round: single ticks would show their best without it.
    """
    waiting = list(rows)

    def ticks() -> None:
        for row in waiting:
            update(row)

    return ticks


def worst_observations(n_observations: int, confidence_level: float) -> tuple[int, float]:
    """Return how many observations lie wholly in the tail, and the fraction of the next one that does."""
    mass = (1.0 - confidence_level) * n_observations
    whole = int(mass + 1e-9)
    return whole, max(mass - whole, 0.0)


def tail(returns: Vector, confidence_level: float = 0.95) -> tuple[float, float]:
    """Value at risk and conditional value at risk by one partition."""
    whole, part = worst_observations(len(returns), confidence_level)
    parted = np.partition(returns, whole)
    boundary = float(parted[whole])
    return -boundary, -(float(parted[:whole].sum()) + part * boundary) / (whole + part)


def rolling_tail(returns: Vector, window: int, confidence_level: float = 0.95) -> tuple[Vector, Vector]:
    """Both tail figures of every full window, by a partition of all windows at once."""
    whole, part = worst_observations(window, confidence_level)
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    parted = np.partition(windows, whole, axis=1)
    boundary = parted[:, whole]
    return -boundary, -(parted[:, :whole].sum(axis=1) + part * boundary) / (whole + part)


def max_drawdown(returns: Vector) -> float:
    """Largest fall from a peak, the initial value included."""
    value = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float(np.max(1.0 - value / np.maximum.accumulate(value)))


def risk_parity(S: Matrix) -> Vector:
    """Equal risk contributions by Spinu's damped Newton on the correlation matrix, decrement 1e-10."""
    sigma = np.sqrt(np.diag(S))
    C = S / np.outer(sigma, sigma)
    b = 1.0 / len(S)
    root = np.full(len(S), np.sqrt(b))
    x = root / np.sqrt(root @ C @ root)
    while True:
        gradient = C @ x - b / x
        step = -np.linalg.solve(C + np.diag(b / x**2), gradient)
        decrement = np.sqrt(max(-gradient @ step, 0.0) / b)
        full = decrement <= 0.95 * (3.0 - np.sqrt(5.0)) / 2.0
        x = x + (1.0 if full else 1.0 / (1.0 + np.abs(step / x).max())) * step
        if decrement <= 1e-10:
            w = x / sigma
            return np.asarray(w / w.sum())


def risk_parity_quasi_newton(S: Matrix) -> Vector:
    """Equal risk contributions by SciPy's L-BFGS-B on the log-barrier form."""
    from scipy.optimize import minimize

    sigma, b = np.sqrt(np.diag(S)), 1.0 / len(S)
    C = S / np.outer(sigma, sigma)

    def objective(x: Vector) -> tuple[float, Vector]:
        g = C @ x
        return float(0.5 * x @ g - b * np.log(x).sum()), g - b / x

    found = minimize(
        objective,
        np.sqrt(np.full(len(S), b) / C.sum()),
        jac=True,
        method="L-BFGS-B",
        bounds=[(1e-8, None)] * len(S),
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000},
    )
    w = found.x / sigma
    return np.asarray(w / w.sum())


def risk_parity_error(weights: Vector, S: Matrix) -> float:
    """Largest error of a risk contribution, as a fraction of what it should be."""
    contributions = weights * (S @ weights)
    return float(np.abs(contributions / contributions.mean() - 1.0).max())


def minimum_variance(S: Matrix, cap: float) -> Vector:
    """Minimum variance, long only with a cap, written in cvxpy and solved by Clarabel, built anew."""
    import cvxpy

    cp: Any = cvxpy  # its names are made at run time
    w = cp.Variable(len(S))
    scaled = cp.psd_wrap(S / np.trace(S) * len(S))
    problem = cp.Problem(cp.Minimize(cp.quad_form(w, scaled)), [cp.sum(w) == 1, w >= 0, w <= cap])
    problem.solve(solver=cp.CLARABEL)
    return np.asarray(w.value)


class HmmStep:
    """One filter step of a Gaussian hidden Markov model, factors inverted beforehand."""

    def __init__(self, means: Matrix, covariances: Matrix) -> None:
        self.means = means
        self.whiteners = np.linalg.inv(np.linalg.cholesky(covariances))
        logs = np.log(np.diagonal(self.whiteners, axis1=1, axis2=2)).sum(axis=1)
        self.constants = logs - means.shape[1] / 2 * np.log(2 * np.pi)

    def __call__(self, predicted: Vector, row: Vector) -> Vector:
        """Probabilities after `row`, given those predicted for it."""
        z = np.einsum("kij,kj->ki", self.whiteners, row - self.means)
        logs = self.constants - 0.5 * (z * z).sum(axis=1)
        joint = predicted * np.exp(logs - logs.max())
        return np.asarray(joint / joint.sum())
