"""Readable twins of the strategy's factors, one asset and one step at a time."""

from __future__ import annotations

import math

import numpy as np


def trend(prices, lookbacks=(20, 60, 120, 250), half_life=21.0):
    """Time-series momentum of one asset without gaps, straight from its definition."""
    log_prices = np.log(np.asarray(prices, dtype=float))
    returns = np.diff(log_prices)[-251:]
    if len(returns) < 20:
        return math.nan
    age = np.arange(len(returns))[::-1]
    weights = 0.5 ** (age / half_life)
    volatility = math.sqrt(float(np.sum(weights * returns**2) / np.sum(weights)))
    answers = []
    for lookback in lookbacks:
        if len(log_prices) < lookback + 2:
            continue
        gain = log_prices[-2] - log_prices[-2 - lookback]
        z = 0.0 if volatility == 0.0 else gain / (volatility * math.sqrt(lookback))
        answers.append(min(max(z, -2.0), 2.0) / 2.0)
    return sum(answers) / len(answers) if answers else math.nan


def reversion(asset_returns, market_returns):
    """Clipped ``-s`` of one asset over its last 60 log returns, or 0 where a validity rule fails."""
    r, m = np.asarray(asset_returns)[-60:], np.asarray(market_returns)[-60:]
    slope, intercept = np.polyfit(m, r, 1)
    residual = r - intercept - slope * m
    X = np.cumsum(residual)
    b, a = np.polyfit(X[:-1], X[1:], 1)
    if not 0.0 < b < 1.0 or math.log(2.0) / -math.log(b) > 15.0:
        return 0.0
    n, q = len(residual), 5
    one = float(np.sum(residual**2)) / (n - 1)
    sums = [float(np.sum(residual[i : i + q])) ** 2 for i in range(n - q + 1)]
    ratio = sum(sums) / (q * (n - q + 1) * (1 - q / n)) / one
    if (ratio - 1.0) / math.sqrt(2.0 * (2 * q - 1) * (q - 1) / (3.0 * q * n)) >= -1.0:
        return 0.0
    noise = math.sqrt(float(np.mean((X[1:] - a - b * X[:-1]) ** 2)))
    s = (X[-1] - a / (1.0 - b)) / (noise / math.sqrt(1.0 - b * b))
    return -min(max(s, -3.0), 3.0)


def water_fill(shape, caps, total):
    """Cap, share the excess in proportion, again until nobody is above."""
    weights = np.zeros(len(shape))
    open_ = [i for i in range(len(shape)) if shape[i] > 0.0]
    left = total
    while open_ and left > 0.0:
        mass = sum(shape[i] for i in open_)
        over = [i for i in open_ if left * shape[i] / mass > caps[i]]
        if not over:
            for i in open_:
                weights[i] = left * shape[i] / mass
            break
        for i in over:
            weights[i] = caps[i]
            open_.remove(i)
        left = total - weights.sum()
    return weights
