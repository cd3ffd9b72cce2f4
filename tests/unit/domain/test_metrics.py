"""The fourteen numbers as a value."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from functools import partial

from poise.domain.metrics import EnhancedPortfolioMetrics, on_read

PAIRS = {"A": {"A": 1.0, "B": 0.5}, "B": {"A": 0.5, "B": 1.0}}
OTHERS = {
    "total_value_usd": 1.0,
    "asset_count": 2,
    "concentration_ratio": 0.5,
    "risk_score": 0.3,
    "cash_percentage": 0.0,
    "sharpe_ratio": 1.0,
    "max_drawdown": 0.1,
    "volatility": 0.2,
    "beta_to_market": 1.0,
    "diversification_ratio": 1.2,
    "market_regime": "bull",
    "var_95": 0.02,
    "cvar_95": 0.03,
}


def test_the_pairs_are_written_when_they_are_read_and_once() -> None:
    calls = []
    metrics = EnhancedPortfolioMetrics(
        correlation_matrix=on_read(lambda: calls.append(1) or copy.deepcopy(PAIRS)), **OTHERS
    )
    assert not calls
    assert metrics.correlation_matrix == PAIRS
    assert metrics.correlation_matrix is metrics.correlation_matrix
    assert len(calls) == 1


def test_it_is_the_value_that_it_would_be_with_them() -> None:
    given = EnhancedPortfolioMetrics(correlation_matrix=PAIRS, **OTHERS)

    def late() -> EnhancedPortfolioMetrics:
        return EnhancedPortfolioMetrics(correlation_matrix=on_read(partial(copy.deepcopy, PAIRS)), **OTHERS)

    assert late() == given
    assert repr(late()) == repr(given)
    assert late().to_dict() == given.to_dict()
    assert list(late().to_dict()) == list(EnhancedPortfolioMetrics.__dataclass_fields__)
    assert replace(late(), asset_count=3).correlation_matrix == PAIRS
    for twin in (copy.copy(late()), copy.deepcopy(late()), pickle.loads(pickle.dumps(late()))):  # noqa: S301
        assert twin == given
