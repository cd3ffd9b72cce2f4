"""What must hold of performance figures whatever the returns."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.performance import (
    annualized_return,
    annualized_volatility,
    calmar_ratio,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    sortino_ratio,
    summarize,
    total_return,
)
from poise.risk import max_drawdown

returns_strategy = arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.floats(-1.2, 3.0).map(lambda x: round(x, 6)),
)


def agree(left: float, right: float, rel: float = 1e-9, scale: float = 0.0) -> bool:
    both_nan = math.isnan(left) and math.isnan(right)
    return both_nan or math.isclose(left, right, rel_tol=rel, abs_tol=1e-12 + scale)


@settings(max_examples=100, deadline=None)
@given(returns_strategy)
def test_no_figure_is_infinite(returns: np.ndarray) -> None:
    summary = summarize(returns, periods_per_year=365, benchmark=returns[::-1])
    for value in summary.to_dict().values():
        assert value is not None
        assert not math.isinf(value)
    assert summary.total_return >= -1.0
    assert 0.0 <= summary.max_drawdown <= 1.0
    assert 0 <= summary.max_drawdown_duration <= len(returns)
    assert 0.0 <= summary.hit_rate <= 1.0
    assert summary.conditional_value_at_risk_95 >= summary.value_at_risk_95
    assert summary.worst_return <= summary.best_return
    assert (summary.max_drawdown_duration == 0) == (summary.max_drawdown <= 1e-14)


@settings(max_examples=100, deadline=None)
@given(returns_strategy)
def test_the_year_scales_ratios_by_its_root(returns: np.ndarray) -> None:
    for ratio in (sharpe_ratio, sortino_ratio, annualized_volatility):
        assert agree(ratio(returns, periods_per_year=36.0), 6.0 * ratio(returns, periods_per_year=1.0))


@settings(max_examples=100, deadline=None)
@given(returns_strategy, st.floats(0.1, 0.8))
def test_sharpe_and_sortino_do_not_depend_on_leverage(returns: np.ndarray, leverage: float) -> None:
    assume(np.ptp(returns) > 1e-5)
    for ratio in (sharpe_ratio, sortino_ratio):
        whole = ratio(returns, periods_per_year=252)
        assert agree(ratio(leverage * returns, periods_per_year=252), whole, scale=1e-9)


@settings(max_examples=100, deadline=None)
@given(returns_strategy, st.randoms(use_true_random=False))
def test_order_matters_only_to_drawdowns(returns: np.ndarray, random: object) -> None:
    shuffled = np.array(sorted(returns, key=lambda _: random.random()))  # type: ignore[attr-defined]
    before, after = (summarize(r, periods_per_year=252).to_dict() for r in (returns, shuffled))
    for name in set(before) - {"max_drawdown", "max_drawdown_duration", "calmar_ratio"}:
        if before[name] is not None:
            assert agree(before[name], after[name], rel=1e-7, scale=1e-9), name


@settings(max_examples=100, deadline=None)
@given(returns_strategy, returns_strategy)
def test_growth_links(first: np.ndarray, second: np.ndarray) -> None:
    linked = (1.0 + total_return(first)) * (1.0 + total_return(second)) - 1.0
    assert agree(total_return(np.concatenate([first, second])), linked, rel=1e-10)


@settings(max_examples=100, deadline=None)
@given(st.floats(-0.9, 1.0), st.integers(1, 50), st.sampled_from([12.0, 252.0, 365.0]))
def test_a_constant_return_compounds(rate: float, n: int, periods: float) -> None:
    expected = math.expm1(periods * math.log1p(rate))
    assert agree(annualized_return(np.full(n, rate), periods_per_year=periods), expected)


@settings(max_examples=100, deadline=None)
@given(returns_strategy)
def test_calmar_is_growth_over_drawdown(returns: np.ndarray) -> None:
    drawdown = max_drawdown(returns)
    calmar = calmar_ratio(returns, periods_per_year=12)
    if drawdown == 0.0:
        assert math.isnan(calmar)
    else:
        assert calmar == pytest.approx(
            annualized_return(returns, periods_per_year=12) / drawdown, nan_ok=True
        )


@settings(max_examples=100, deadline=None)
@given(returns_strategy, st.floats(-3.0, 3.0))
def test_a_higher_hurdle_is_cleared_less_surely(returns: np.ndarray, hurdle: float) -> None:
    low, high = (
        probabilistic_sharpe_ratio(returns, periods_per_year=252, benchmark_sharpe_ratio=h)
        for h in (hurdle, hurdle + 0.5)
    )
    assert (math.isnan(low) and math.isnan(high)) or 0.0 <= high <= low <= 1.0
    assert math.isnan(low) == math.isnan(sharpe_ratio(returns, periods_per_year=252))
