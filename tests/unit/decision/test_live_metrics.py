"""The quick way to the fourteen numbers against the measurement that reads whole windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.decision import DecisionCycle
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.prices import Bar
from poise.errors import NonFiniteError, StateError

N_ASSETS, WARM = 6, 540
SYMBOLS = tuple("ABCDEF")
START, DAY = np.datetime64("2015-01-01T00:00", "ns"), np.timedelta64(1, "D")


def path(seed: int, n_bars: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    market = rng.standard_t(4, size=(n_bars, 1))
    own = rng.standard_normal((n_bars, N_ASSETS))
    return 100.0 * np.cumprod(1.0 + np.clip(0.01 * (market + own), -0.4, 0.4), axis=0)


def bars(closes: np.ndarray, start: int = 0, caps: np.ndarray | None = None) -> list[Bar]:
    times = [START + (start + k) * DAY for k in range(len(closes))]
    rows = [None] * len(closes) if caps is None else list(caps)
    return [
        Bar(opened, opened + DAY, SYMBOLS, row, market_caps=cap)
        for opened, row, cap in zip(times, closes, rows, strict=True)
    ]


def cycle_of(seen: list[Bar], positions: dict[str, float], cash: float) -> DecisionCycle:
    cycle = DecisionCycle(SYMBOLS, periods_per_year=365.0)
    cycle.observe(seen[0], warm_triggers=False)
    cycle.hold(Portfolio(cash=cash, positions=positions))
    for bar in seen[1:]:
        cycle.observe(bar, warm_triggers=False)
    return cycle


def is_quick(cycle: DecisionCycle, benchmark: np.ndarray | None = None) -> bool:
    return cycle._watch._live_metrics(benchmark) is not None


def agree(found: EnhancedPortfolioMetrics, wanted: EnhancedPortfolioMetrics) -> None:
    left, right = found.to_dict(), wanted.to_dict()
    table, other = left.pop("correlation_matrix"), right.pop("correlation_matrix")
    assert list(left) == list(right)
    assert left.pop("market_regime") == right.pop("market_regime")
    np.testing.assert_allclose(list(left.values()), list(right.values()), rtol=1e-9, atol=1e-12)
    assert list(table) == list(other)
    for symbol, row in table.items():
        assert list(row) == list(other[symbol])
        np.testing.assert_allclose(list(row.values()), list(other[symbol].values()), rtol=1e-9, atol=1e-12)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**31),
    quantities=st.lists(st.sampled_from([0.0, 0.2, 1.0, 30.0]), min_size=N_ASSETS, max_size=N_ASSETS),
    cash=st.sampled_from([0.0, 1.0, 1e4]),
    capped=st.booleans(),
)
def test_both_ways_agree(seed: int, quantities: list[float], cash: float, capped: bool) -> None:
    closes = path(seed, WARM)
    caps = closes * np.arange(1.0, N_ASSETS + 1) if capped else None
    held = {symbol: quantity for symbol, quantity in zip(SYMBOLS, quantities, strict=True) if quantity}
    cycle = cycle_of(bars(closes, caps=caps), held, cash)
    assert is_quick(cycle) is bool(held)
    agree(cycle.metrics(), cycle.measure().metrics)
    benchmark = np.random.default_rng(seed).normal(0.0, 0.01, WARM)
    agree(cycle.metrics(benchmark_returns=benchmark), cycle.measure(benchmark_returns=benchmark).metrics)


def test_a_rejected_model_inflates_both() -> None:
    calm, storm = path(3, WARM), np.cumprod(np.where(np.arange(120)[:, None] % 3, 1.02, 0.90), axis=0)
    closes = np.vstack([calm, calm[-1] * storm])
    cycle = cycle_of(bars(closes + 1e-3 * path(4, len(closes))), dict.fromkeys(SYMBOLS, 1.0), 0.0)
    measured = cycle.measure()
    assert measured.inflation > 1.0
    assert is_quick(cycle)
    agree(cycle.metrics(), measured.metrics)


def test_what_is_missing_takes_the_careful_way() -> None:
    closes = path(5, WARM)
    gap = closes.copy()
    gap[200:230, 2] = np.nan
    late = closes.copy()
    late[:300, 1] = np.nan
    still = closes.copy()
    still[:, 3] = 7.0
    everything = dict.fromkeys(SYMBOLS, 1.0)
    for rows, held in ((gap, everything), (late, dict.fromkeys("ACDEF", 1.0)), (still, everything)):
        cycle = cycle_of(bars(rows), held, 1.0)
        assert not is_quick(cycle)
        agree(cycle.metrics(), cycle.measure().metrics)
    young = cycle_of(bars(closes[:100]), everything, 1.0)
    assert not is_quick(young)
    agree(young.metrics(), young.measure().metrics)
    benchmark = np.full(WARM, math.nan)
    full = cycle_of(bars(closes), everything, 1.0)
    assert is_quick(full)
    assert not is_quick(full, benchmark)


def test_every_bar_and_every_fill_is_seen() -> None:
    closes = path(6, WARM + 20)
    seen = bars(closes)
    cycle = cycle_of(seen[:WARM], dict.fromkeys(SYMBOLS, 1.0), 50.0)
    for k, bar in enumerate(seen[WARM:]):
        cycle.observe(bar, warm_triggers=False)
        agree(cycle.metrics(), cycle.measure().metrics)
        if k % 5 == 0:
            cycle.hold(Portfolio(cash=10.0 * k, positions={"A": 1.0 + k, "C": 2.0}))
            assert is_quick(cycle)
            agree(cycle.metrics(), cycle.measure().metrics)


def test_metrics_read_later_are_those_of_their_bar() -> None:
    closes = path(7, WARM + 3)
    seen = bars(closes)
    cycle = cycle_of(seen[:WARM], dict.fromkeys(SYMBOLS, 1.0), 50.0)
    kept, wanted = cycle.metrics(), cycle.measure().metrics
    wanted.to_dict()
    for bar in seen[WARM:]:
        cycle.observe(bar, warm_triggers=False)
    agree(kept, wanted)


def test_measuring_in_between_changes_nothing() -> None:
    seen = bars(path(8, WARM + 40))
    asked, silent = (cycle_of(seen[:WARM], dict.fromkeys(SYMBOLS, 1.0), 50.0) for _ in range(2))
    for bar in seen[WARM:]:
        asked.metrics()
        asked.observe(bar, warm_triggers=False)
        silent.observe(bar, warm_triggers=False)
    assert asked.metrics().to_dict() == silent.metrics().to_dict()
    assert asked.measure().trial == silent.measure().trial


def test_refused_before_the_first_bar_and_for_a_bar_that_is_no_bar() -> None:
    with pytest.raises(StateError, match="no bar yet"):
        DecisionCycle(SYMBOLS, periods_per_year=365.0).metrics()
    closes = path(9, WARM)
    cycle = cycle_of(bars(closes), dict.fromkeys(SYMBOLS, 1.0), 0.0)
    before = cycle.metrics().to_dict()
    broken = bars(np.where(np.arange(N_ASSETS) == 1, np.inf, closes[-1:]), start=WARM)
    with pytest.raises(NonFiniteError):
        cycle.observe(broken[0])
    assert cycle.metrics().to_dict() == before
