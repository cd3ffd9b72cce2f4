"""The kernels as a careful user of numba writes them: compiled loops without validation, one thread."""

from __future__ import annotations

import numpy as np
from numba import njit

fast = njit(fastmath=True, error_model="numpy")


@fast
def ewma_path_into(R, decay, path):
    """EWMA covariance after every row, adjusted and unbiased; the running matrix is scaled into `path`."""
    n_observations, n_assets = R.shape
    mean, deviation, moments = R[0].copy(), np.empty(n_assets), np.zeros((n_assets, n_assets))
    total = squares = 1.0
    path[0] = np.nan
    for t in range(1, n_observations):
        old = decay * total
        total, squares = old + 1.0, decay * decay * squares + 1.0
        for i in range(n_assets):
            deviation[i] = R[t, i] - mean[i]
            mean[i] += deviation[i] / total
        keep, fresh = old / total, old / total / total
        unbiased = total * total / (total * total - squares)
        for i in range(n_assets):
            d = fresh * deviation[i]
            for j in range(n_assets):
                moments[i, j] = keep * moments[i, j] + d * deviation[j]
                path[t, i, j] = unbiased * moments[i, j]
    return path


def ewma_path(R, decay):
    """The same into a fresh array, which NumPy puts on huge pages."""
    return ewma_path_into(R, decay, np.empty((len(R), R.shape[1], R.shape[1])))


@fast
def update_packed(packed, row, decay):
    """One row of the zero-mean recursion into a packed lower triangle."""
    fresh = 1.0 - decay
    for i in range(len(row)):
        d, line = fresh * row[i], packed[i * (i + 1) // 2 :]
        for j in range(i + 1):
            line[j] = decay * line[j] + d * row[j]


@fast
def update_square(matrix, row, decay):
    """One row of the zero-mean recursion into a full matrix."""
    fresh = 1.0 - decay
    for i in range(len(row)):
        d = fresh * row[i]
        for j in range(len(row)):
            matrix[i, j] = decay * matrix[i, j] + d * row[j]


@fast
def unpack(packed, full):
    """Write a packed lower triangle into a full matrix."""
    k = 0
    for i in range(len(full)):
        for j in range(i + 1):
            full[i, j] = full[j, i] = packed[k]
            k += 1
    return full


@fast
def rolling_tail(returns, window, whole, part):
    """VaR and CVaR of every full window, the window kept sorted by one removal and one insertion."""
    n_windows = len(returns) - window + 1
    var, cvar = np.empty(n_windows), np.empty(n_windows)
    ordered = np.sort(returns[:window])
    for t in range(n_windows):
        if t > 0:
            gone, come = returns[t - 1], returns[t + window - 1]
            k = np.searchsorted(ordered, gone)
            while k + 1 < window and ordered[k + 1] < come:
                ordered[k] = ordered[k + 1]
                k += 1
            while k > 0 and ordered[k - 1] > come:
                ordered[k] = ordered[k - 1]
                k -= 1
            ordered[k] = come
        total = 0.0
        for k in range(whole):
            total += ordered[k]
        var[t] = -ordered[whole]
        cvar[t] = -(total + part * ordered[whole]) / (whole + part)
    return var, cvar


@fast
def risk_parity(S, tolerance, max_sweeps):
    """Cyclical coordinate descent on the correlation matrix, rescaled after each sweep."""
    n = len(S)
    sigma = np.sqrt(np.diag(S))
    C, b = np.empty((n, n)), 1.0 / n
    for i in range(n):
        for j in range(n):
            C[i, j] = S[i, j] / (sigma[i] * sigma[j])
    x = np.full(n, 1.0 / np.sqrt(C.sum()))
    g = C @ x
    for _ in range(max_sweeps):
        for i in range(n):
            rest = g[i] - C[i, i] * x[i]
            new = (np.sqrt(rest * rest + 4.0 * C[i, i] * b) - rest) / (2.0 * C[i, i])
            step = new - x[i]
            x[i] = new
            for j in range(n):
                g[j] += step * C[i, j]
        scale = 1.0 / np.sqrt(x @ g)
        error = 0.0
        for i in range(n):
            x[i] *= scale
            g[i] *= scale
            error = max(error, abs(x[i] * g[i] / b - 1.0))
        if error <= tolerance:
            break
    w = x / sigma
    return w / w.sum()


@fast
def hmm_step(predicted, row, means, whiteners, constants, joint):
    """One filter step of a Gaussian hidden Markov model into `joint`."""
    n_states, n_features = means.shape
    best = -np.inf
    for k in range(n_states):
        squares = 0.0
        for i in range(n_features):
            z = 0.0
            for j in range(i + 1):
                z += whiteners[k, i, j] * (row[j] - means[k, j])
            squares += z * z
        joint[k] = constants[k] - 0.5 * squares
        best = max(best, joint[k])
    total = 0.0
    for k in range(n_states):
        joint[k] = predicted[k] * np.exp(joint[k] - best)
        total += joint[k]
    for k in range(n_states):
        joint[k] /= total
    return joint


@fast
def statistics(returns):
    """One pass: mean, volatility, downside, hits, drawdown and its length, third and fourth moment."""
    total = squares = cubes = fourths = downside = 0.0
    hits = longest = run = 0
    value = peak = 1.0
    worst = 0.0
    for r in returns:
        total += r
        squares += r * r
        cubes += r * r * r
        fourths += r * r * r * r
        if r < 0.0:
            downside += r * r
        elif r > 0.0:
            hits += 1
        value *= 1.0 + r
        if value >= peak:
            peak, run = value, 0
        else:
            run += 1
            longest = max(longest, run)
            worst = max(worst, 1.0 - value / peak)
    n = len(returns)
    mean = total / n
    volatility = np.sqrt((squares - n * mean * mean) / (n - 1))
    return mean, volatility, np.sqrt(downside / n), hits / n, worst, float(longest), cubes / n, fourths / n
