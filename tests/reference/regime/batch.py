"""The regime detector's readings and filter over whole arrays with pandas: to be read and checked against."""

import numpy as np
import pandas as pd
from scipy import stats

WARMING = 20


def readings(R: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    """One row per reading (from row 19 on) for complete returns: the scores before any threshold."""
    returns = pd.DataFrame(R)
    index = returns @ weights
    volatility = np.sqrt((index**2).ewm(halflife=10).mean())[WARMING - 1 :]
    normal = volatility.rolling(504, min_periods=1).median()

    correlation = average_correlation(returns, weights)[WARMING - 1 :]
    past = correlation.shift().rolling(504, min_periods=120)
    correlation_score = ((correlation - past.mean()) / past.std(ddof=0)).fillna(0.0)

    beta = 0.5 ** (1 / 20)
    n = np.arange(1, len(R) + 1)
    effective = ((1 - beta**n) / (1 - beta)) ** 2 / ((1 - beta ** (2 * n)) / (1 - beta**2))
    trend = index.ewm(halflife=20).mean() / np.sqrt((index**2).ewm(halflife=60).mean()) * np.sqrt(effective)
    return pd.DataFrame(
        {
            "volatility": volatility,
            "median_volatility": normal,
            "volatility_score": np.log(volatility / normal) + 0.1 * correlation_score.clip(lower=0.0),
            "trend_score": trend[WARMING - 1 :],
            "average_correlation": correlation,
            "correlation_score": correlation_score,
        }
    )


def average_correlation(returns: pd.DataFrame, weights: np.ndarray) -> pd.Series:
    """What the variance of the sum says about the average correlation (about zero, half-life 20)."""
    asset_variance = (returns**2).ewm(halflife=20).mean()
    index_variance = ((returns @ weights) ** 2).ewm(halflife=20).mean()
    own = asset_variance @ weights**2
    return (index_variance - own) / ((np.sqrt(asset_variance) @ weights) ** 2 - own)


def thresholds(scores: pd.DataFrame) -> pd.DataFrame:
    """Volatility and trend threshold in force at each reading."""
    volatility = scores["volatility_score"].shift().rolling(504, min_periods=120).quantile(0.85)
    trend = scores["trend_score"].abs().shift().rolling(504, min_periods=120).quantile(0.60)
    return pd.DataFrame(
        {
            "volatility": volatility.clip(lower=np.log(1.5)).fillna(np.log(1.6)),
            "trend": trend.clip(0.6, 1.2).fillna(0.8),
        }
    )


def likelihoods(scaled_returns: np.ndarray, correlation_scores: np.ndarray) -> np.ndarray:
    """Bull, bear, sideways and high volatility at returns in units of normal volatility; rows sum to 1."""
    rows = np.column_stack(
        [
            stats.t.pdf(scaled_returns, 4.0, centre, width)
            for centre, width in ((1 / 3, 0.85), (-1 / 3, 0.85), (0.0, 0.85), (0.0, 1.9))
        ]
    )
    rows[:, 3] *= np.exp(np.clip(correlation_scores, -3.0, 3.0) / 58.0)
    return rows / rows.sum(axis=1, keepdims=True)


def filtered(likelihoods: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Sticky Bayes filter; the first row is the uniform prior."""
    n_states = len(durations)
    leave = 1.0 / durations
    transitions = np.tile(leave[:, None] / (n_states - 1), n_states)
    np.fill_diagonal(transitions, 1.0 - leave)
    path = [np.full(n_states, 1.0 / n_states)]
    for likelihood in likelihoods[1:]:
        posterior = (transitions.T @ path[-1]) * likelihood
        path.append(posterior / posterior.sum())
    return np.array(path)
