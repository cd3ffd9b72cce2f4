"""Slow, readable twins of the estimators built on EWMA: explicit weights, buckets by pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.reference.iterated import MARGIN, IteratedTwin, bordered
from tests.reference.moments import weights_after

RIDGE = 1e-6
MONDAY = pd.Timestamp("1970-01-05")


def shrunk_ewma(R, half_life, *, ignore_na=False):
    """Covariance about zero, every pair over its own rows; its intensity until semidefinite, and of noise."""
    n_assets = R.shape[1]
    S, M22, M31 = (np.zeros((n_assets, n_assets)) for _ in range(3))
    n_effective = np.zeros((n_assets, n_assets))
    for i in range(n_assets):
        for j in range(n_assets):
            both = ~np.isnan(R[:, [i, j]]).any(axis=1)
            weights = weights_after(both, half_life, adjust=True, ignore_na=ignore_na)
            if len(weights):
                p, x, y = weights / weights.sum(), R[both, i], R[both, j]
                S[i, j], M22[i, j], M31[i, j] = p @ (x * y), p @ (x * x * y * y), p @ (x**3 * y)
                n_effective[i, j] = 1.0 / (p @ p)
    s = np.sqrt(np.diag(S))
    pairs = [
        (i, j)
        for i in range(n_assets)
        for j in range(n_assets)
        if i != j and s[i] > 0.0 and s[j] > 0.0 and n_effective[i, j] > 0.0
    ]
    n_moving = (s > 0.0).sum()
    r = np.mean([S[i, j] / (s[i] * s[j]) for i, j in pairs]) if pairs else 0.0
    if pairs:
        r = np.clip(r, -1.0 / (n_moving - 1), 1.0)
    F = r * np.outer(s, s)
    np.fill_diagonal(F, np.diag(S))
    noise = sum(
        (M22[i, j] - S[i, j] ** 2 - r * s[j] / s[i] * (M31[i, j] - S[i, i] * S[i, j])) / n_effective[i, j]
        for i, j in pairs
    )
    gamma = sum((F[i, j] - S[i, j]) ** 2 for i, j in pairs)
    known = np.where(n_effective > 0.0, S, F)
    norm = (S**2).sum()
    if n_assets == 1 or norm == 0.0:
        intensity = 0.0
    else:
        intensity = 1.0 if gamma <= 1e-14 * norm else float(np.clip(noise / gamma, 0.0, 1.0))
    of_noise = intensity
    if np.isnan(R).any() and n_moving > 1:
        moving = np.ix_(s > 0.0, s > 0.0)
        smallest = np.linalg.eigvalsh(known[moving] / np.outer(s, s)[moving]).min()
        if smallest < 0.0:
            of_target = max(min(1.0 - r, 1.0 + (n_moving - 1) * r), 0.0)
            intensity = max(intensity, -smallest / (of_target - smallest))
    covariance = intensity * F + (1.0 - intensity) * known
    unseen = np.diag(n_effective) == 0.0
    covariance[unseen] = covariance[:, unseen] = np.nan
    return covariance, intensity, of_noise


def rolling_covariance(R, window, *, ddof=1, demean=True):
    """The path, each window on its own."""
    n_observations, n_assets = R.shape
    path = np.full((n_observations, n_assets, n_assets), np.nan)
    for t in range(window - 1, n_observations):
        rows = R[t - window + 1 : t + 1]
        if demean:
            # About the first row: differences within a level are exact.
            rows = rows - rows[0]
            deviations = rows - rows.mean(axis=0)
            path[t] = deviations.T @ deviations / (window - ddof)
        else:
            path[t] = rows.T @ rows / window
    return path


def length(name):
    return pd.Timedelta(name.upper() if name[-1] in "dw" else name)


class TimeframesTwin:
    """Buckets by pandas, one iterated twin per timeframe, blended."""

    def __init__(self, base, timeframes):
        self.base = length(base)
        self.timeframes = timeframes  # name -> (weight, volatility half-life, correlation half-life)

    def fit(self, R, opened):
        logs = pd.DataFrame(np.log1p(R), index=pd.DatetimeIndex(opened) + self.base)
        self.base_logs, self.bars, self.twins, self.quiet = logs, {}, {}, {}
        for name, (_, volatility, correlation) in self.timeframes.items():
            buckets = logs.resample(length(name), label="right", closed="right", origin=MONDAY)
            sums, counts = buckets.sum(), buckets.count()
            last = logs.reindex(sums.index)
            bars = sums.where(last.notna() & (counts >= 0.8 * (length(name) / self.base)))
            twin = IteratedTwin(R.shape[1], volatility, correlation)
            for row in bars.to_numpy():
                twin.update(row)
            self.bars[name], self.twins[name] = bars, twin
            stood = (bars == 0.0).astype(float).where(bars.notna())
            self.quiet[name] = (
                stood.ewm(halflife=correlation, ignore_na=True).mean().iloc[-1].to_numpy() > 0.2
            )
        return self

    def variance_ratio(self, name):
        """Lo and MacKinlay (1988), equations 6 to 8."""
        bars, logs = self.bars[name], self.base_logs
        q = length(name) / self.base
        spread = ((bars - q * logs.mean()) ** 2).mean()
        return (spread / (q * ((logs - logs.mean()) ** 2).mean())).to_numpy()

    def blend(self):
        """Volatility per day and correlation."""
        n_assets = self.base_logs.shape[1]
        matrices = {name: twin.correlation() for name, twin in self.twins.items()}
        weights = {name: weight for name, (weight, _, _) in self.timeframes.items()}
        known = [{k for k, m in matrices.items() if not np.isnan(m[i, i])} for i in range(n_assets)]
        chosen = []
        for i, names in enumerate(known):
            fit = {k for k in names if not (length(k) <= pd.Timedelta("1h") and self.quiet[k][i])}
            chosen.append(fit or names)
        variance = np.full(n_assets, np.nan)
        for i, names in enumerate(chosen):
            if names:
                per_day = {
                    k: self.twins[k].volatility()[i] ** 2 * (pd.Timedelta("1D") / length(k)) for k in names
                }
                variance[i] = sum(weights[k] * per_day[k] for k in names) / sum(weights[k] for k in names)

        def combined(i, j):
            both = chosen[i] & chosen[j] or known[i] & known[j]
            if not both:
                return 0.0
            return sum(weights[k] * matrices[k][i, j] for k in both) / sum(weights[k] for k in both)

        def weight(i):
            return sum(weights[k] for k in sorted(chosen[i]))

        shown = [i for i in range(n_assets) if chosen[i]]
        correlation = np.full((n_assets, n_assets), np.nan)
        if not shown:
            return np.sqrt(variance), correlation
        common = max(shown, key=lambda i: (sum(chosen[j] == chosen[i] for j in shown), weight(i)))
        order = [i for i in shown if chosen[i] == chosen[common]]
        later = sorted((i for i in shown if i not in order), key=lambda i: -weight(i))
        block = np.array([[1.0 if i == j else combined(i, j) for j in order] for i in order])
        for i in later:
            rho = np.array([combined(i, j) for j in order])
            x = np.linalg.solve(block + MARGIN * np.eye(len(order)), rho)
            row, explained = block @ x, x @ block @ x
            if explained > 1.0 - MARGIN:
                row = row * np.sqrt((1.0 - MARGIN) / explained)
            block, order = bordered(block, row), [*order, i]
        correlation[np.ix_(order, order)] = block
        return np.sqrt(variance), correlation


class RegimesTwin:
    """The iterated twin with a correlation of each regime beside it."""

    def __init__(self, n_assets, n_regimes, volatility_half_life, correlation_half_life):
        self.whole = IteratedTwin(n_assets, volatility_half_life, correlation_half_life)
        self.beta = self.whole.beta_c
        self.S = np.zeros((n_regimes, n_assets, n_assets))
        self.weight = np.zeros(n_regimes)
        self.members = []

    def update(self, row, probabilities):
        self.probabilities = np.asarray(probabilities)
        if np.isnan(row).all():
            return
        self.whole.update(row)
        z = self.whole.history[-1]
        if not self.members:
            self.members = list(self.whole.members)
        known = [i for i in self.members if not np.isnan(z[i])]
        missing = [i for i in self.members if np.isnan(z[i])]
        if known:
            filled = np.zeros(len(z))
            filled[known] = z[known]
            target = np.zeros_like(self.whole.S)
            if missing:
                A, open_part = regression(self.whole.S, known, missing)
                filled[missing] = A @ z[known]
                target[np.ix_(missing, missing)] = open_part
            target += np.outer(filled, filled)
            for k, probability in enumerate(self.probabilities):
                gain = (1.0 - self.beta) * probability
                self.S[k] += gain * (target - self.S[k])
                self.weight[k] += gain * (1.0 - self.weight[k])
        for i in sorted(set(self.whole.members) - set(self.members)):
            A, open_part = regression(self.whole.S, self.members, [i])
            for S, weight in zip(self.S, self.weight, strict=True):
                beside = S[np.ix_(self.members, self.members)] @ A[0]
                S[i, self.members] = S[self.members, i] = beside
                S[i, i] = A[0] @ beside + weight * open_part[0, 0]
            self.members = sorted([*self.members, i])

    def conditional_correlation(self, k):
        R = self.whole.correlation()
        shown = [i for i in range(len(R)) if not np.isnan(R[i, i])]
        n_k = self.weight[k] / (1.0 - self.beta)
        v = n_k / (n_k + 5.0 * len(shown)) if shown else 0.0
        own, done = np.eye(len(R)), [i for i in shown if i in self.members]
        for i in done:
            for j in done:
                scale = np.sqrt(self.S[k, i, i] * self.S[k, j, j])
                if i != j:
                    own[i, j] = self.S[k, i, j] / scale if scale > 0.0 else 0.0
        for i in (i for i in shown if i not in self.members):
            A, open_part = regression(R, done, [i])
            beside = own[np.ix_(done, done)] @ A[0]
            variance = A[0] @ beside + open_part[0, 0]
            own[i, done] = own[done, i] = beside / np.sqrt(variance)
            done = [*done, i]
        mixed = v * own + (1.0 - v) * R
        np.fill_diagonal(mixed, np.diag(R))
        return mixed

    def correlation(self):
        return sum(p * self.conditional_correlation(k) for k, p in enumerate(self.probabilities))


def regression(S, known, missing):
    """Slopes of the missing on the known, and what stays open of them."""
    S_oo, S_mo = S[np.ix_(known, known)], S[np.ix_(missing, known)]
    variances = np.diag(S_oo)
    ridge = np.diag(np.where(variances > 0.0, RIDGE * variances, 1.0))
    A = np.linalg.solve(S_oo + ridge, S_mo.T).T
    return A, S[np.ix_(missing, missing)] - A @ S_mo.T
