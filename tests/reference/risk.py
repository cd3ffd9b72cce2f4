"""The kernels of ``poise.risk``, written to be read: sort, loop, sum."""

from __future__ import annotations

import math

import numpy as np


def tail(returns: np.ndarray, confidence_level: float) -> tuple[float, float]:
    """VaR ``l_(k)`` and CVaR ``[sum_{i>k} l_(i) + (k - a n) l_(k)] / ((1 - a) n)``, losses ascending."""
    losses = np.sort(-np.asarray(returns, dtype=float))
    n, a = len(losses), confidence_level
    k = max(math.ceil(a * n - 1e-9), 1)
    boundary = losses[k - 1]
    return boundary, (math.fsum(losses[k:]) + (k - a * n) * boundary) / ((1 - a) * n)


def weighted_tail(returns: np.ndarray, weights: np.ndarray, confidence_level: float) -> tuple[float, float]:
    """From the worst loss on, take weight until ``1 - a`` of it is taken; split the boundary observation."""
    order = np.argsort(returns, kind="stable")
    order = order[weights[order] > 0]
    mass = (1 - confidence_level) * weights[order].sum()
    guard = 1e-9 * weights[order].mean()
    taken = total = 0.0
    for i in order[:-1]:
        if taken + weights[i] > mass + guard:
            break
        taken += weights[i]
        total -= weights[i] * returns[i]
    else:
        i = order[-1]
    return -returns[i], (total - (mass - taken) * returns[i]) / mass


def rolling_tail(returns: np.ndarray, window: int, confidence_level: float) -> np.ndarray:
    """One row (VaR, CVaR) per observation: a fresh sort of every window."""
    out = np.full((len(returns), 2), np.nan)
    for t in range(window - 1, len(returns)):
        out[t] = tail(returns[t + 1 - window : t + 1], confidence_level)
    return out


def drawdowns(returns: np.ndarray) -> np.ndarray:
    """From the compounded value and its running maximum, both starting at 1; ruin is final."""
    value = peak = 1.0
    out = np.empty(len(returns))
    for t, r in enumerate(returns):
        value = max(value * (1 + r), 0.0)
        peak = max(peak, value)
        out[t] = 1 - value / peak
    return out


def risk_contributions(weights: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Weight times the derivative of volatility by it."""
    n = len(weights)
    volatility = math.sqrt(
        math.fsum(weights[i] * covariance[i, j] * weights[j] for i in range(n) for j in range(n))
    )
    if volatility == 0:
        return np.zeros(n)
    marginal = [math.fsum(covariance[i, j] * weights[j] for j in range(n)) / volatility for i in range(n)]
    return weights * np.array(marginal)


def diversification_ratio(weights: np.ndarray, covariance: np.ndarray) -> float:
    """Mean volatility over portfolio volatility; 1 where nothing or one asset is held, or nothing moves."""
    volatility = math.sqrt(weights @ covariance @ weights)
    if np.count_nonzero(weights) < 2 or volatility == 0:
        return 1.0
    return float(np.abs(weights) @ np.sqrt(np.diag(covariance)) / volatility)


def component_conditional_value_at_risk(
    weights: np.ndarray, R: np.ndarray, confidence_level: float
) -> np.ndarray:
    """Mean loss of each position over the tail; the scenarios at the boundary share what is left."""
    portfolio = R @ weights
    boundary = -tail(portfolio, confidence_level)[0]
    mass = (1 - confidence_level) * len(portfolio)
    tied = np.abs(portfolio - boundary) <= 1e-14
    worse = (portfolio < boundary) & ~tied
    share = np.where(worse, 1.0, np.where(tied, (mass - worse.sum()) / tied.sum(), 0.0))
    return -(share @ R) * weights / mass


def filtered_scenarios(R: np.ndarray, half_life: float) -> np.ndarray:
    """``r_s`` times tomorrow's volatility over the one known before ``s``, from the 21st observation."""
    tomorrow = _volatility(R, half_life)
    out = np.empty((len(R) - 20, R.shape[1]))
    for s in range(20, len(R)):
        before = _volatility(R[:s], half_life)
        for i in range(R.shape[1]):
            known = before[i] > 1e-8 * tomorrow[i]
            out[s - 20, i] = max(R[s, i] * tomorrow[i] / before[i], min(R[s, i], -1.0)) if known else R[s, i]
    return out


def _volatility(R: np.ndarray, half_life: float) -> np.ndarray:
    weights = 0.5 ** (np.arange(len(R))[::-1] / half_life)
    return np.sqrt(weights @ R**2 / weights.sum())
