"""Readable twins of the optimizers: the same problems solved the slow way, by other means where possible."""

from __future__ import annotations

from itertools import product

import numpy as np


def risk_parity(covariance, budgets=None):
    """Newton's method on Spinu's objective, step by step as in the paper."""
    sigma = np.sqrt(np.diag(covariance))
    C = covariance / np.outer(sigma, sigma)
    b = np.full(len(C), 1.0) if budgets is None else np.asarray(budgets, dtype=float)
    b = b / b.sum()
    x = np.sqrt(b) / np.sqrt(np.sqrt(b) @ C @ np.sqrt(b))
    for _ in range(500):
        gradient = C @ x - b / x
        hessian = C + np.diag(b / x**2)
        step = -np.linalg.solve(hessian, gradient)
        decrement = np.sqrt(max(-gradient @ step, 0.0) / b.min())
        length = (
            1.0 if decrement <= 0.95 * (3.0 - np.sqrt(5.0)) / 2.0 else 1.0 / (1.0 + np.abs(step / x).max())
        )
        x = x + length * step
        if decrement / max(1.0 - decrement, 1e-300) <= 1e-10 and decrement < 1.0:
            break
    w = x / sigma
    return w / w.sum()


def bounded_risk_parity(covariance, budgets, lower, upper):
    """Bisection on kappa around plain coordinate descent with clipping."""
    n = len(covariance)
    b = np.asarray(budgets, dtype=float) / np.sum(budgets)

    def weights_for(kappa, start):
        w = start.copy()
        for _ in range(20_000):
            before = w.copy()
            for i in range(n):
                rest = covariance[i] @ w - covariance[i, i] * w[i]
                root = np.sqrt(rest**2 + 4.0 * covariance[i, i] * kappa * b[i])
                w[i] = np.clip((root - rest) / (2.0 * covariance[i, i]), lower[i], upper[i])
            if np.abs(w - before).max() <= 1e-16:
                break
        return w

    low, high = 1e-12 * np.trace(covariance), 1e12 * np.trace(covariance)
    w = np.clip(np.full(n, 1.0 / n), lower, upper)
    for _ in range(200):
        kappa = np.sqrt(low * high)
        w = weights_for(kappa, w)
        if w.sum() < 1.0:
            low = kappa
        else:
            high = kappa
    return w


def best_of_all_faces(covariance, lower, upper, linear=None):
    """Minimum of ``w'Sw / 2 - q'w`` with sum 1 by trying every choice of bounds; for a handful of assets."""
    n = len(covariance)
    q = np.zeros(n) if linear is None else np.asarray(linear, dtype=float)
    best, least = None, np.inf
    for pattern in product((-1, 0, 1), repeat=n):
        choice = np.array(pattern)
        w = np.where(choice < 0, lower, np.where(choice > 0, upper, 0.0))
        free = np.flatnonzero(choice == 0)
        if free.size:
            k = free.size
            system = np.zeros((k + 1, k + 1))
            system[:k, :k] = covariance[np.ix_(free, free)]
            system[:k, k] = system[k, :k] = 1.0
            held = covariance[free] @ w
            right = np.append(q[free] - held, 1.0 - w.sum())
            w[free] = np.linalg.lstsq(system, right, rcond=None)[0][:k]
        if abs(w.sum() - 1.0) > 1e-9 or (w < lower - 1e-12).any() or (w > upper + 1e-12).any():
            continue
        value = 0.5 * w @ covariance @ w - q @ w
        if value < least:
            best, least = w, value
    return best


def most_diversified(covariance, lower, upper):
    """Largest ``v'w / sqrt(w'Sw)`` by trying every choice of bounds on the homogenised problem.

    With ``y = t w`` and ``v'y = 1`` the bounds read ``l sum(y) <= y <= u sum(y)`` and the objective is
    ``y'Sy``, so each choice of bounds is one linear system.
    """
    n = len(covariance)
    v = np.sqrt(np.diag(covariance))
    best, most = None, -np.inf
    for pattern in product((-1, 0, 1), repeat=n):
        rows = [v]
        for i, side in enumerate(pattern):
            if side:
                row = np.full(n, -(lower[i] if side < 0 else upper[i]))
                row[i] += 1.0
                rows.append(row)
        A = np.array(rows)
        m = len(A)
        system = np.block([[covariance, A.T], [A, np.zeros((m, m))]])
        right = np.zeros(n + m)
        right[n] = 1.0
        y = np.linalg.lstsq(system, right, rcond=None)[0][:n]
        if abs(v @ y - 1.0) > 1e-9 or abs(y.sum()) < 1e-12:
            continue
        w = y / y.sum()
        if (w < lower - 1e-10).any() or (w > upper + 1e-10).any():
            continue
        ratio = v @ w / np.sqrt(w @ covariance @ w)
        if ratio > most:
            best, most = w, ratio
    return best


def critical_line(means, covariance, lower, upper):
    """Corners from the highest return down, every step as in Niedermayer and Niedermayer (2010).

    For distinct means and a definite covariance: lambda and weights at each corner.
    """
    n = len(means)
    w, left = np.array(lower, dtype=float), 1.0 - np.sum(lower)
    free = []
    for i in np.argsort(-means):
        step = min(upper[i] - lower[i], left)
        w[i] += step
        left -= step
        if left <= 0.0:
            free = [int(i)]
            break
    corners, lam, came = [], np.inf, None
    while True:
        candidates = []
        if len(free) > 1:
            constant, slope = _on_face(means, covariance, w, free)
            for k, i in enumerate(free):
                if slope[k] != 0.0:
                    bound = lower[i] if slope[k] > 0.0 else upper[i]
                    candidates.append(((bound - constant[k]) / slope[k], i, bound))
        for i in sorted(set(range(n)) - set(free)):
            constant, slope = _on_face(means, covariance, w, [*free, i])
            if lower[i] < upper[i] and slope[-1] != 0.0:
                candidates.append(((w[i] - constant[-1]) / slope[-1], i, None))
        below = [
            c for c in candidates if 0.0 < c[0] < lam * (1 - 1e-9) or (c[1] != came and 0.0 < c[0] <= lam)
        ]
        lam = max((c[0] for c in below), default=0.0)
        constant, slope = _on_face(means, covariance, w, free)
        w[free] = constant + lam * slope
        corners.append((lam, w.copy()))
        if not below:
            return corners
        _, came, bound = max(below, key=lambda c: c[0])
        if bound is None:
            free = [*free, came]
        else:
            w[came] = bound
            free = [i for i in free if i != came]


def _on_face(means, covariance, w, free):
    """Weights of the free assets as a constant and a multiple of lambda, the others held."""
    k = len(free)
    held = np.setdiff1d(np.arange(len(w)), free)
    system = np.zeros((k + 1, k + 1))
    system[:k, :k] = covariance[np.ix_(free, free)]
    system[:k, k] = system[k, :k] = 1.0
    right = np.zeros((k + 1, 2))
    right[:k, 0] = -covariance[np.ix_(free, held)] @ w[held]
    right[k, 0] = 1.0 - w[held].sum()
    right[:k, 1] = means[free]
    return np.linalg.solve(system, right)[:k].T


def water_fill(weights, upper):
    """Clip and share the excess in proportion, pass by pass."""
    weights = np.asarray(weights, dtype=float)
    upper = np.broadcast_to(np.asarray(upper, dtype=float), weights.shape)
    w = weights.copy()
    for _ in range(10 * len(w)):
        excess = (w - np.minimum(w, upper)).sum()
        w = np.minimum(w, upper)
        room = (w < upper) & (w > 0.0)
        if excess <= 0.0 or not room.any():
            break
        w = np.where(room, w * (1.0 + excess / w[room].sum()), w)
    return w
