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


def filtered_history(R: np.ndarray, window: int, half_life: float) -> np.ndarray:
    """Each asset's own returns over the volatility before them, times today's; NaN where there is none."""
    decay = 0.5 ** (1.0 / half_life)
    scenarios = np.full(R.shape, np.nan)
    for i, column in enumerate(R.T):
        variance, mass, seen, before = 0.0, 0.0, 0, {}
        for t, value in enumerate(column):
            if np.isnan(value):
                continue
            if seen >= 20:
                before[t] = np.sqrt(variance)
            mass = decay * mass + 1.0
            variance += (value**2 - variance) / mass
            seen += 1
        today = np.sqrt(variance)
        for t, sigma in before.items():
            scenarios[t, i] = column[t]
            if sigma > 1e-8 * today:
                scenarios[t, i] = max(column[t] * today / sigma, min(column[t], -1.0))
    return scenarios[-window:]


def _volatility(R: np.ndarray, half_life: float) -> np.ndarray:
    weights = 0.5 ** (np.arange(len(R))[::-1] / half_life)
    return np.sqrt(weights @ R**2 / weights.sum())


def ulcer_index(returns: np.ndarray) -> float:
    """Root of the mean squared drawdown."""
    return math.sqrt(math.fsum(drawdown**2 for drawdown in drawdowns(returns)) / len(returns))


def drawdown_duration(returns: np.ndarray) -> int:
    """The longest run of drawdowns; 1e-12 is rounding."""
    longest = run = 0
    for drawdown in drawdowns(returns):
        run = run + 1 if drawdown > 1e-12 else 0
        longest = max(longest, run)
    return longest


def conditional_drawdown_at_risk(returns: np.ndarray, confidence_level: float) -> float:
    """CVaR with the drawdowns as losses."""
    return tail(-drawdowns(returns), confidence_level)[1]


def kupiec(n_exceptions: int, n_observations: int, confidence_level: float) -> float:
    """``-2 [ln L(promised frequency) - ln L(observed frequency)]``."""
    frequency = n_exceptions / n_observations
    promised = _log_likelihood(n_exceptions, n_observations, 1 - confidence_level)
    return -2 * (promised - _log_likelihood(n_exceptions, n_observations, frequency))


def christoffersen(exceptions: np.ndarray, confidence_level: float) -> tuple[float, float]:
    """Ratios of coverage and of independence: one chance for all days against one after each kind of day."""
    before, after = exceptions[:-1], exceptions[1:]
    apart = 0.0
    for kind in (0, 1):
        followers = after[before == kind]
        if len(followers):
            apart += _log_likelihood(followers.sum(), len(followers), followers.mean())
    together = _log_likelihood(after.sum(), len(after), after.mean())
    return kupiec(after.sum(), len(after), confidence_level), -2 * (together - apart)


def _log_likelihood(hits: int, days: int, chance: float) -> float:
    total = 0.0
    if hits:
        total += hits * math.log(chance)
    if days - hits:
        total += (days - hits) * math.log(1 - chance)
    return total


def binomial_tails(x: int, n: int, chance: float) -> tuple[float, float]:
    """``P(X <= x)`` and ``P(X >= x)`` by adding up every count."""

    def probability(k: int) -> float:
        return math.comb(n, k) * chance**k * (1 - chance) ** (n - k)

    return math.fsum(map(probability, range(x + 1))), math.fsum(map(probability, range(x, n + 1)))


def acerbi_szekely(
    returns: np.ndarray, value_at_risk: np.ndarray, expected_shortfall: np.ndarray, confidence_level: float
) -> tuple[float, float]:
    """Z1 and Z2, exception by exception."""
    sizes = [
        r / shortfall
        for r, var, shortfall in zip(returns, value_at_risk, expected_shortfall, strict=True)
        if r + var < 0
    ]
    z1 = math.fsum(sizes) / len(sizes) + 1 if sizes else math.nan
    return z1, math.fsum(sizes) / (len(returns) * (1 - confidence_level)) + 1


def engine(
    R: np.ndarray, weights: np.ndarray, *, half_life: float, window: int, confidence_level: float
) -> dict[str, object]:
    """What a risk engine knows after the rows of `R`, the same weights held throughout; gaps are NaN."""
    held = weights != 0
    alive = ~np.isnan(R).all(axis=1)
    outcomes = np.where(alive, R[:, held] @ weights[held], np.nan)
    ages = np.arange(len(R))[::-1]
    known = ~np.isnan(outcomes)
    decay = 0.5 ** (ages / half_life)
    recent = outcomes[-window:]
    realised = outcomes[known]
    return {
        "portfolio_volatility": math.sqrt(decay[known] @ realised**2 / decay[known].sum()),
        "tail": tail(recent[~np.isnan(recent)], confidence_level),
        "drawdown": drawdowns(realised)[-1],
        "max_drawdown": drawdowns(realised).max(),
        "ulcer_index": ulcer_index(realised),
        "volatility": np.array([_decayed_root_mean_square(column, decay) for column in R.T]),
    }


def _decayed_root_mean_square(values: np.ndarray, decay: np.ndarray) -> float:
    seen = ~np.isnan(values)
    return math.sqrt(decay[seen] @ values[seen] ** 2 / decay[seen].sum()) if seen.any() else math.nan


def hindsight(
    window: np.ndarray, weights: np.ndarray, market: np.ndarray
) -> tuple[float, float, float, float]:
    """Mean, deviation, largest drawdown and beta of fixed weights."""
    earned = window @ weights
    beside = market - market.mean()
    return (
        earned.mean(),
        earned.std(ddof=1),
        drawdowns(earned).max(),
        beside @ (earned - earned.mean()) / (beside @ beside),
    )
