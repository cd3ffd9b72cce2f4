"""Slow, readable twin of the iterated EWMA covariance: full matrices, `numpy.linalg`, one row at a time."""

from __future__ import annotations

import numpy as np

MARGIN = 1e-6


def reference_code(R, volatility_half_life, correlation_half_life, winsor):
    """The recursion that `cvxcovariance` 0.1.9 documents (``iterated_ewma``, both ``min_periods`` 5)."""
    beta_v, beta_c = 0.5 ** (1.0 / volatility_half_life), 0.5 ** (1.0 / correlation_half_life)
    variance, S, n_joint = R[0] ** 2, np.zeros((R.shape[1], R.shape[1])), 0
    for n, r in enumerate(R):
        square = r**2
        if winsor is not None and n >= 6:
            square = np.minimum(square, winsor**2 * variance)
        variance = variance + (1.0 - beta_v) * (square - variance) / (1.0 - beta_v ** (n + 1))
        if n >= 4:
            z = r / np.sqrt(variance)
            if winsor is not None:
                z = np.clip(z, -winsor, winsor)
            n_joint += 1
            S = S + (1.0 - beta_c) * (np.outer(z, z) - S) / (1.0 - beta_c**n_joint)
    scale = np.sqrt(variance / np.diag(S))
    return S * np.outer(scale, scale)


class IteratedTwin:
    """The whole estimator: gaps, late listings, joining."""

    def __init__(self, n_assets, volatility_half_life, correlation_half_life, *, whiten_lag=1, winsor=4.2):
        self.beta_v = 0.5 ** (1.0 / volatility_half_life)
        self.beta_c = 0.5 ** (1.0 / correlation_half_life)
        self.correlation_half_life = correlation_half_life
        self.whiten_lag, self.winsor = whiten_lag, winsor
        self.variance, self.count = np.zeros(n_assets), np.zeros(n_assets, dtype=int)
        self.S, self.n_joint = np.zeros((n_assets, n_assets)), 0
        self.members = []
        self.history = []  # every whitened row
        self.newcomers = []  # in order of age

    def update(self, row):
        if np.isnan(row).all():
            return
        z = np.array([self.whiten(i, x) for i, x in enumerate(row)])
        self.history.append(z)
        for i in np.flatnonzero(~np.isnan(z)):
            if self.n_joint == 0:
                self.members.append(i)
            elif i not in self.members and i not in self.newcomers:
                self.newcomers.append(i)
        self.learn(z)
        R, order = self.correlation_of_members()
        for i in list(self.newcomers):
            n = sum(not np.isnan(z[i]) for z in self.history)
            # 1 - beta_c ** n > 1/2, without the rounding of a power.
            if n > self.correlation_half_life and self.own_variance(i) > 0.0:
                rho, fits = self.fitted_row(i, R, order)
                if fits:
                    deviations = np.sqrt(np.diag(self.S)[order] * self.own_variance(i))
                    self.S[i, order] = self.S[order, i] = rho * deviations
                    self.S[i, i] = self.own_variance(i)
                    self.newcomers.remove(i)
                    R, order = bordered(R, rho), [*order, i]
        self.members = sorted(order)

    def whiten(self, i, x):
        if np.isnan(x):
            return np.nan
        before, square = self.variance[i], x * x
        if self.winsor is not None and self.count[i] >= 6 and before > 0.0:
            square = min(square, self.winsor**2 * before)
        self.count[i] += 1
        gain = (1.0 - self.beta_v) / (1.0 - self.beta_v ** self.count[i])
        self.variance[i] += gain * (square - before)
        if self.count[i] < 5:
            return np.nan
        scale = np.sqrt(before if self.whiten_lag else self.variance[i])
        bound = np.inf if self.winsor is None else self.winsor
        return np.clip(x / scale, -bound, bound) if scale > 0.0 else 0.0

    def learn(self, z):
        known = [i for i in self.members if not np.isnan(z[i])]
        missing = [i for i in self.members if np.isnan(z[i])]
        if not known:
            return
        target = np.zeros_like(self.S)
        filled = np.zeros(len(z))
        filled[known] = z[known]
        if missing:
            S_oo, S_mo = self.S[np.ix_(known, known)], self.S[np.ix_(missing, known)]
            variances = np.diag(S_oo)
            ridge = np.diag(np.where(variances > 0.0, MARGIN * variances, 1.0))
            A = np.linalg.solve(S_oo + ridge, S_mo.T).T
            filled[missing] = A @ z[known]
            target[np.ix_(missing, missing)] = self.S[np.ix_(missing, missing)] - A @ S_mo.T
        target += np.outer(filled, filled)
        self.n_joint += 1
        self.S += (1.0 - self.beta_c) / (1.0 - self.beta_c**self.n_joint) * (target - self.S)

    def since_listed(self, i, j):
        """The whitened returns of a new asset and another over their common rows, and the rows' weights."""
        pairs = np.array([(z[i], z[j]) for z in self.history if not np.isnan(z[i] + z[j])]).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1], self.beta_c ** np.arange(len(pairs))[::-1]

    def own_variance(self, i):
        x, _, weights = self.since_listed(i, i)
        return weights @ (x * x) / weights.sum()

    def own_correlation(self, i, j):
        x, y, weights = self.since_listed(i, j)
        scale = np.sqrt((weights @ (x * x)) * (weights @ (y * y)))
        return (weights @ (x * y)) / scale if scale > 0.0 else 0.0

    def fitted_row(self, i, R, order):
        rho = np.array([self.own_correlation(i, j) for j in order])
        x = np.linalg.solve(R + MARGIN * np.eye(len(R)), rho)
        rho, explained = R @ x, x @ R @ x
        fits = explained <= 1.0 - MARGIN
        return rho if fits else rho * np.sqrt((1.0 - MARGIN) / explained), fits

    def correlation_of_members(self):
        order = list(self.members)
        S = self.S[np.ix_(order, order)]
        scale = np.sqrt(np.outer(np.diag(S), np.diag(S)))
        R = np.divide(S, scale, out=np.zeros_like(S), where=scale > 0.0)
        np.fill_diagonal(R, 1.0)
        return R, order

    def correlation(self):
        R, order = self.correlation_of_members()
        for i in self.newcomers:
            if self.count[i] >= 20:
                R, order = bordered(R, self.fitted_row(i, R, order)[0]), [*order, i]
        correlation = np.full_like(self.S, np.nan)
        shown = [k for k, i in enumerate(order) if self.count[i] >= 20]
        assets = [order[k] for k in shown]
        correlation[np.ix_(assets, assets)] = R[np.ix_(shown, shown)]
        return correlation

    def volatility(self):
        return np.where(self.count < 5, np.nan, np.sqrt(self.variance))

    def covariance(self):
        return self.correlation() * np.outer(self.volatility(), self.volatility())


def bordered(R, row):
    """`R` with one more row and column."""
    return np.block([[R, row[:, np.newaxis]], [row[np.newaxis], np.ones((1, 1))]])
