"""Readable twins of the programs over scenarios: textbook linear programs, and a barrier by hand."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def minimum_cvar(R, level, lower, upper, shares=None, floor=None):
    """Least CVaR and its weights: Rockafellar and Uryasev's program with one excess per scenario."""
    T, N = R.shape
    p = np.full(T, 1.0 / T) if shares is None else np.asarray(shares) / np.sum(shares)
    scale = np.abs(R).max() or 1.0
    cost = np.r_[np.zeros(N), 1.0, p / (1.0 - level)]
    A = np.hstack([-R / scale, -np.ones((T, 1)), -np.eye(T)])
    b = np.zeros(T)
    if floor is not None:
        A, b = np.vstack([A, np.r_[-floor[0] / scale, np.zeros(T + 1)]]), np.r_[b, -floor[1] / scale]
    box = [*zip(lower, upper, strict=True), (None, None), *[(0.0, None)] * T]
    answer = linprog(
        cost,
        A_ub=A,
        b_ub=b,
        A_eq=[np.r_[np.ones(N), np.zeros(T + 1)]],
        b_eq=[1.0],
        bounds=box,
        method="highs",
    )
    return answer.fun * scale, answer.x[:N]


def minimum_cdar(R, level, lower, upper):
    """Least CDaR of the running sum: its highest value so far as a variable of its own."""
    T, N = R.shape
    Y = np.cumsum(R, axis=0)
    Z, E = np.zeros((T, T)), np.eye(T)
    cost = np.r_[np.zeros(N), 1.0, np.full(T, 1.0 / ((1.0 - level) * T)), np.zeros(T)]
    beyond = np.hstack([-Y, -np.ones((T, 1)), -E, E])  # p - y - t <= z
    above = np.hstack([Y, np.zeros((T, 1)), Z, -E])  # y <= p
    rising = np.hstack([np.zeros((T, N + 1)), Z, np.eye(T, k=-1) - E])  # p[s - 1] <= p[s], 0 <= p[0]
    box = [*zip(lower, upper, strict=True), (None, None), *[(0.0, None)] * T, *[(None, None)] * T]
    A, one = np.vstack([beyond, above, rising]), [np.r_[np.ones(N), np.zeros(2 * T + 1)]]
    answer = linprog(cost, A_ub=A, b_ub=np.zeros(3 * T), A_eq=one, b_eq=[1.0], bounds=box, method="highs")
    return answer.fun, answer.x[:N]


def kelly(R, shares=None, rate=0.0):
    """Full Kelly weights, long-only: Newton's method on the growth and a barrier that fades."""
    T, N = R.shape
    p = np.full(T, 1.0 / T) if shares is None else np.asarray(shares) / np.sum(shares)
    a = (R - rate) / (1.0 + rate)
    unit = max(np.abs(p @ a).max(), (p @ a**2).max())

    def value(w, barrier):
        growth, room = 1.0 + a @ w, np.r_[w, 1.0 - w.sum()]
        if min(growth.min(), room.min()) <= 0.0:
            return np.inf
        return -(p @ np.log(growth)) / unit - barrier * np.log(room).sum()

    w = np.full(N, 0.5 / N)
    for barrier in 10.0 ** -np.arange(1.0, 12.5, 0.5):
        for _ in range(50):
            b, cash = a / (1.0 + a @ w)[:, np.newaxis], 1.0 - w.sum()
            gradient = -(p @ b) / unit - barrier / w + barrier / cash
            hessian = b.T @ (b * p[:, np.newaxis]) / unit + np.diag(barrier / w**2) + barrier / cash**2
            step = np.linalg.solve(hessian, -gradient)
            if -gradient @ step < 1e-14 * max(1.0, barrier):
                break
            length = 1.0
            while value(w + length * step, barrier) > value(w, barrier) and length > 1e-12:
                length /= 2.0
            w = w + length * step
    return w
