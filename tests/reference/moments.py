"""Slow, readable twins of the kernels in the room `moments`: explicit weights, no recursion."""

from __future__ import annotations

import numpy as np


def weights_after(observed, half_life, *, adjust, ignore_na):
    """The weight of every observation of one pair after the last bar, in order; not normalised."""
    decay = 0.5 ** (1.0 / half_life)
    weights = np.empty(0)
    for present in observed:
        if present or not ignore_na:
            weights = decay * weights
        if present:
            weights = np.append(weights, 1.0 if adjust or not len(weights) else 1.0 - decay)
        if present and not adjust:
            weights = weights / weights.sum()
    return weights


def ewma_pair(x, y, half_life, *, adjust=True, bias=False, ignore_na=False, demean=True):
    """Covariance of two series and the two variances over their common observations."""
    observed = ~(np.isnan(x) | np.isnan(y))
    weights = weights_after(observed, half_life, adjust=adjust, ignore_na=ignore_na)
    if not len(weights):
        return np.nan, np.nan, np.nan
    p = weights / weights.sum()
    x, y = x[observed], y[observed]
    if demean:
        x, y = x - p @ x, y - p @ y
    factor = 1.0
    if demean and not bias:
        factor = 1.0 / (1.0 - p @ p) if len(p) > 1 and p @ p < 1.0 else np.nan
    return factor * (p @ (x * y)), factor * (p @ (x * x)), factor * (p @ (y * y))


def ewma_covariance(R, half_life, **rule):
    """Covariance after the last row, pair by pair."""
    n_assets = R.shape[1]
    return np.array(
        [
            [ewma_pair(R[:, i], R[:, j], half_life, **rule)[0] for j in range(n_assets)]
            for i in range(n_assets)
        ]
    )


def ewma_correlation(R, half_life, **rule):
    """Correlation after the last row, pair by pair; NaN where an asset did not move."""
    n_assets = R.shape[1]
    correlation = np.full((n_assets, n_assets), np.nan)
    for i in range(n_assets):
        for j in range(n_assets):
            xy, xx, yy = ewma_pair(R[:, i], R[:, j], half_life, **{**rule, "bias": True})
            # The weighted mean of a constant is off by its rounding; that is no movement.
            if xx > 1e-30 and yy > 1e-30:
                correlation[i, j] = xy / np.sqrt(xx * yy)
    return correlation


def sample_covariance(R, ddof=1):
    """Sample covariance over the common observations of each pair."""
    n_assets = R.shape[1]
    covariance = np.full((n_assets, n_assets), np.nan)
    for i in range(n_assets):
        for j in range(n_assets):
            both = ~np.isnan(R[:, [i, j]]).any(axis=1)
            if both.sum() > ddof:
                x, y = R[both, i] - R[both, i].mean(), R[both, j] - R[both, j].mean()
                covariance[i, j] = x @ y / (both.sum() - ddof)
    return covariance


def constant_correlation_shrinkage(R, half_life=None):
    """Covariance and intensity by the double sums of Ledoit and Wolf (2004), with weights."""
    n_observations, n_assets = R.shape
    decay = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
    p = decay ** np.arange(n_observations - 1, -1, -1.0)
    p /= p.sum()
    z = R - p @ R
    sample = (z * p[:, None]).T @ z
    s = np.sqrt(np.diag(sample))
    correlation = sample / np.outer(s, s)
    mean_correlation = correlation[np.triu_indices(n_assets, 1)].mean()
    target = mean_correlation * np.outer(s, s)
    np.fill_diagonal(target, np.diag(sample))
    pi = rho = 0.0
    for i in range(n_assets):
        for j in range(n_assets):
            error = z[:, i] * z[:, j] - sample[i, j]
            pi += p @ error**2
            if i == j:
                rho += p @ error**2
                continue
            theta_ii = p @ ((z[:, i] ** 2 - sample[i, i]) * error)
            theta_jj = p @ ((z[:, j] ** 2 - sample[j, j]) * error)
            rho += mean_correlation / 2.0 * (s[j] / s[i] * theta_ii + s[i] / s[j] * theta_jj)
    gamma = ((target - sample) ** 2).sum()
    intensity = float(np.clip((pi - rho) / gamma * (p @ p), 0.0, 1.0))
    return intensity * target + (1.0 - intensity) * sample, intensity


def identity_shrinkage(R, intensity):
    """The sample with divisor T, pulled towards its mean variance."""
    sample = np.cov(R.T, bias=True).reshape(R.shape[1], R.shape[1])
    return intensity * np.trace(sample) / len(sample) * np.eye(len(sample)) + (1.0 - intensity) * sample


def ledoit_wolf_intensity(R):
    """Ledoit and Wolf (2004), section 3.3: how far the outer products scatter around their mean."""
    z = R - R.mean(axis=0)
    sample = z.T @ z / len(z)
    distance = np.linalg.norm(sample - np.trace(sample) / len(sample) * np.eye(len(sample))) ** 2
    scatter = np.mean([np.linalg.norm(np.outer(row, row) - sample) ** 2 for row in z])
    return min(scatter / len(z), distance) / distance


def oas_intensity(R):
    """Chen, Wiesel, Eldar and Hero (2010), equation 23."""
    sample = np.cov(R.T, bias=True)
    n, p = R.shape
    trace_of_square, square_of_trace = np.trace(sample @ sample), np.trace(sample) ** 2
    numerator = (1.0 - 2.0 / p) * trace_of_square + square_of_trace
    return min(numerator / ((n + 1.0 - 2.0 / p) * (trace_of_square - square_of_trace / p)), 1.0)


def epanechnikov_transform(x):
    """Hilbert transform of the kernel; beyond 4 by its series: the closed form loses digits there."""
    with np.errstate(divide="ignore", invalid="ignore"):
        curve = (1 - x**2 / 5) * np.log(np.abs((np.sqrt(5) - x) / (np.sqrt(5) + x)))
        near = -3 / (10 * np.pi) * x + 3 / (4 * np.sqrt(5) * np.pi) * curve
        near[np.abs(x) == np.sqrt(5)] = -3 / (10 * np.pi) * x[np.abs(x) == np.sqrt(5)]
        u = np.clip(np.sqrt(5) / x, -1, 1)
    far = sum(u ** (2 * k + 1) / ((2 * k + 1) * (2 * k + 3)) for k in range(60))
    return np.where(np.abs(x) > 4, -3 / (np.sqrt(5) * np.pi) * far, near)


def nonlinear_shrinkage(R):
    """Ledoit and Wolf (2020), in the order of their published MATLAB code, for samples of full rank."""
    n, p = len(R) - 1, R.shape[1]
    values, vectors = np.linalg.eigh(np.cov(R.T).reshape(p, p))
    lam = values[max(0, p - n) :]
    h = n ** (-1.0 / 3.0)
    width = h * lam
    x = (lam[:, None] - lam) / width
    density = 3 / (4 * np.sqrt(5)) * np.mean(np.maximum(1 - x**2 / 5, 0) / width, axis=1)
    transform = np.mean(epanechnikov_transform(x) / width, axis=1)
    c = p / n
    if p <= n:
        real, imaginary = 1 - c - np.pi * c * lam * transform, np.pi * c * lam * density
        shrunk = lam / (real**2 + imaginary**2)
    else:
        end = np.sqrt(5) * h
        bend = 3 / (4 * end) * (1 - 1 / (5 * h**2)) * np.log((1 + end) / (1 - end))
        at_zero = (3 / (10 * h**2) + bend) / np.pi * np.mean(1 / lam)
        null = 1 / (np.pi * (p - n) / n * at_zero)
        shrunk = np.append(np.full(p - n, null), 1 / (np.pi**2 * lam * (density**2 + transform**2)))
    return vectors * shrunk @ vectors.T


def nearest_correlation(matrix, n_rounds=2000):
    """Higham (2002), algorithm 3.3, for a fixed number of rounds and without the final lift."""
    unit, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(n_rounds):
        corrected = unit - correction
        values, vectors = np.linalg.eigh(corrected)
        semidefinite = vectors * np.maximum(values, 0.0) @ vectors.T
        correction = semidefinite - corrected
        unit = semidefinite.copy()
        np.fill_diagonal(unit, 1.0)
    return unit


def hayashi_yoshida(times_x, prices_x, times_y, prices_y):
    """Covariance and correlation by looking at every pair of intervals."""
    dx, dy = np.diff(np.log(prices_x)), np.diff(np.log(prices_y))
    starts = np.maximum.outer(times_x[:-1], times_y[:-1])
    overlap = starts < np.minimum.outer(times_x[1:], times_y[1:])
    covariance = dx @ overlap @ dy
    dx, dy = dx[overlap.any(axis=1)], dy[overlap.any(axis=0)]
    return covariance, covariance / np.sqrt((dx @ dx) * (dy @ dy))


def largest_error(actual, expected):
    """The largest difference relative to the largest entry; infinite where only one of the two is NaN."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if actual.shape != expected.shape or (np.isnan(actual) != np.isnan(expected)).any():
        return np.inf
    known = ~np.isnan(expected)
    if not known.any():
        return 0.0
    scale = np.abs(expected[known]).max()
    difference = np.abs(actual[known] - expected[known]).max()
    return difference / scale if scale > 0.0 else difference


def ewma_recursion(R, half_life, *, adjust=True, bias=False, demean=True):
    """Covariance after every row of complete rows: one outer product per row."""
    decay = 0.5 ** (1.0 / half_life)
    mean, moments = np.zeros(R.shape[1]), np.zeros((R.shape[1],) * 2)
    weights, path = np.empty(0), []
    for x in R:
        weights = np.append(decay * weights, 1.0 if adjust or not len(weights) else 1.0 - decay)
        new = weights[-1] / weights.sum()
        deviation = x - mean if demean else x
        mean = mean + new * deviation
        size = (1.0 - new) * new if demean else new
        moments = (1.0 - new) * moments + size * np.outer(deviation, deviation)
        p = weights / weights.sum()
        known = bias or not demean or len(p) > 1
        path.append(
            moments * (1.0 if bias or not demean else 1.0 / (1.0 - p @ p)) if known else np.nan * moments
        )
    return np.array(path)
