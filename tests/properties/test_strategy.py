"""What must hold of any target, whatever the market does."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.domain.regime import RegimeState
from poise.strategy import ExposureRule, OutlookEstimator, Policy, PolicyRules, position_limits, score_signals
from poise.strategy.regime_limits import regime_limits
from poise.strategy.regime_rules import regime_probabilities
from poise.strategy.tail_budget import expected_shortfall
from poise.strategy.water_filling import GroupCap, fill
from poise.typing import REGIME_LABELS
from tests.tolerances import SOLVER, SUM

FEW = settings(max_examples=60, deadline=None)


@st.composite
def probabilities(draw):
    shares = [draw(st.floats(0.0, 1.0)) for _ in REGIME_LABELS]
    total = math.fsum(shares)
    if total < 1e-3:
        return None
    values = {label: share / total for label, share in zip(REGIME_LABELS, shares, strict=True)}
    return RegimeState(max(values, key=values.get), values, draw(st.floats(0.0, 1.0)), 5, 20.0)


@st.composite
def markets(draw, max_assets=9):
    """Closes meant to hurt: late, dead, constant, duplicate and perfectly correlated assets, holes."""
    n_assets = draw(st.integers(1, max_assets))
    n_rows = draw(st.sampled_from([2, 15, 30, 50, 90, 280]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    returns = rng.normal(0.0, 0.02, (n_rows, 1)) + rng.normal(0.0, 0.03, (n_rows, n_assets))
    for i in range(1, n_assets):
        match draw(
            st.sampled_from(["plain"] * 4 + ["twin", "double", "constant", "late", "dead", "holes", "empty"])
        ):
            case "twin":
                returns[:, i] = returns[:, 0]
            case "double":
                returns[:, i] = 2.0 * returns[:, 0]
            case "constant":
                returns[:, i] = 0.0
            case "late":
                returns[: n_rows - min(n_rows, 25), i] = np.nan
            case "dead":
                returns[n_rows // 2 :, i] = np.nan
            case "holes":
                returns[rng.random(n_rows) < 0.3, i] = np.nan
            case "empty":
                returns[:, i] = np.nan
            case _:
                pass
    closes = 100.0 * np.exp(np.cumsum(np.nan_to_num(returns), axis=0))
    closes[np.isnan(returns)] = np.nan
    return closes


def symbols_of(closes):
    return tuple(f"S{i:02d}" for i in range(closes.shape[1]))


def look(closes):
    return OutlookEstimator(symbols_of(closes)).fit(closes[1:] / closes[:-1] - 1.0).outlook()


def array(book, symbols):
    return np.array([book.weights[s] for s in symbols])


@FEW
@given(
    closes=markets(),
    regime=probabilities() | st.none(),
    exposure=st.floats(0.0, 1.0),
    data=st.data(),
)
def test_every_cap_holds_to_the_last_bit_and_the_sum_is_one(closes, regime, exposure, data):
    symbols = symbols_of(closes)
    n_assets = len(symbols)
    rules = PolicyRules(
        max_position_size=data.draw(st.floats(0.05, 1.0)),
        use_risk_parity=data.draw(st.booleans()),
        momentum_weight=data.draw(st.floats(0.0, 1.0)),
        sector_cap=data.draw(st.floats(0.1, 1.0)),
        cluster_cap=data.draw(st.floats(0.05, 1.0)),
        cluster_correlation=data.draw(st.floats(0.1, 1.0)),
        shortfall_budget=data.draw(st.floats(0.001, 0.2)),
    )
    tiers = dict(
        zip(
            symbols,
            data.draw(st.lists(st.sampled_from([None, 1, 2, 3]), min_size=n_assets, max_size=n_assets)),
            strict=True,
        )
    )
    sectors = dict(
        zip(
            symbols,
            data.draw(st.lists(st.sampled_from(["x", "y", "other"]), min_size=n_assets, max_size=n_assets)),
            strict=True,
        )
    )
    volume = np.array(
        data.draw(
            st.lists(st.sampled_from([math.nan, 0.0, 1e5, 1e7, 1e10]), min_size=n_assets, max_size=n_assets)
        )
    )
    discovered = data.draw(st.booleans())
    outlook = look(closes)
    signals = score_signals(
        symbols,
        closes,
        regime=regime,
        outlook=outlook,
        sectors=sectors,
        momentum_weight=rules.momentum_weight,
    )
    arguments = {
        "tiers": tiers,
        "sectors": sectors,
        "total_value": 1e6,
        "dollar_volume": volume,
        "discovered": discovered,
    }
    book = Policy(rules).decide(outlook, signals, regime, exposure, **arguments)
    weights = array(book, symbols)
    assert (weights >= 0.0).all()
    assert math.fsum(book.weights.values()) == 1.0 or abs(math.fsum(book.weights.values()) - 1.0) <= SUM
    assert book.exposure <= exposure + SUM
    certainty = regime_probabilities(regime)
    limits = position_limits(
        symbols,
        rules,
        **arguments,
        high_volatility=certainty.get("high_volatility", 0.0),
        correlation=outlook.correlation,
    )
    strictness = regime_limits(rules, certainty)
    assert (weights <= limits.caps).all()
    assert book.exposure <= strictness.gross + SUM
    assert expected_shortfall(weights, outlook) <= strictness.shortfall
    assert book.max_purchases == strictness.purchases
    if book.exposure < exposure - 1e-9 and not any("cash instead" in step for step in book.fallbacks):
        assert any(reason.startswith("limit ") for reason in book.reasons), book.reasons
    for members, cap, _ in limits.groups:
        assert math.fsum(weights[members]) <= cap
        assert sum(weights[members]) <= cap
        assert weights[members].sum() <= cap
    assert book.reasons
    assert all(book.reasons)
    assert 0.0 <= book.confidence <= 1.0
    unseen = ~np.isfinite(closes).any(axis=0)
    assert (weights[unseen] == 0.0).all()


@FEW
@given(closes=markets(), regime=probabilities(), seed=st.integers(0, 1000))
def test_permuting_the_symbols_permutes_the_answer(closes, regime, seed):
    symbols = symbols_of(closes)
    order = np.random.default_rng(seed).permutation(len(symbols))
    # Names travel with their columns.
    shuffled = tuple(symbols[i] for i in order)

    def decide(names, values):
        outlook = OutlookEstimator(names).fit(values[1:] / values[:-1] - 1.0).outlook()
        signals = score_signals(names, values, regime=regime, outlook=outlook)
        book = Policy().decide(outlook, signals, regime, 0.9)
        return signals, np.array([book.weights[s] for s in symbols])

    signals, weights = decide(symbols, closes)
    again, permuted = decide(shuffled, closes[:, order])
    np.testing.assert_allclose(again.factors, signals.factors[order], atol=1e-6)
    # A filter may fall either way when a score sits on its threshold; then nothing more can be compared.
    if (again.kept == signals.kept[order]).all():
        np.testing.assert_allclose(permuted, weights, atol=100.0 * SOLVER)


@FEW
@given(closes=markets(), regime=probabilities(), seed=st.integers(0, 1000), exponent=st.integers(-30, 30))
def test_units_of_the_prices_do_not_matter(closes, regime, seed, exponent):
    # Powers of two change no digit of a ratio, logarithms only by rounding.
    units = 2.0 ** np.random.default_rng(seed).integers(-abs(exponent), abs(exponent) + 1, closes.shape[1])
    symbols = symbols_of(closes)
    outlook, scaled = look(closes), look(closes * units)
    np.testing.assert_array_equal(outlook.covariance, scaled.covariance)
    signals = score_signals(symbols, closes, regime=regime, outlook=outlook)
    other = score_signals(symbols, closes * units, regime=regime, outlook=scaled)
    np.testing.assert_allclose(other.trend, signals.trend, atol=1e-9)


def decisions(closes, regime):
    """Decide bar by bar as a live loop would, on growing views of one array; keep what was said."""
    symbols = symbols_of(closes)
    estimator, rule = OutlookEstimator(symbols), ExposureRule()
    said = []
    for t in range(1, len(closes)):
        estimator.partial_fit(closes[t] / closes[t - 1] - 1.0)
        exposure = rule.update(estimator.market_return, regime=regime)
        if t % 20 and t < 45:
            continue
        outlook = estimator.outlook()
        signals = score_signals(symbols, closes[: t + 1], regime=regime, outlook=outlook)
        said.append((t, outlook, signals, exposure))
    return said


@settings(max_examples=20, deadline=None)
@given(closes=markets(max_assets=5), regime=probabilities(), seed=st.integers(0, 1000))
def test_nothing_looks_ahead(closes, regime, seed):
    rng = np.random.default_rng(seed)
    closes = closes[:120]
    cut = int(rng.integers(1, len(closes)))
    future = closes.copy()
    future[cut:] *= rng.uniform(0.2, 5.0, future[cut:].shape)
    symbols = symbols_of(closes)
    for first, second in zip(decisions(closes, regime), decisions(future, regime), strict=True):
        if first[0] >= cut:
            break
        # What was said before the cut was kept until the end: later bars must not have changed it either.
        np.testing.assert_array_equal(first[1].covariance, second[1].covariance)
        np.testing.assert_array_equal(first[1].active, second[1].active)
        np.testing.assert_array_equal(first[2].factors, second[2].factors)
        assert first[3] == second[3]
        books = [Policy().decide(o, s, regime, e) for _, o, s, e in (first, second)]
        np.testing.assert_array_equal(array(books[0], symbols), array(books[1], symbols))


@FEW
@given(
    shape=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12),
    total=st.floats(0.0, 1.0),
    data=st.data(),
)
def test_filling_reaches_the_total_or_every_cap(shape, total, data):
    n_assets = len(shape)
    caps = np.array(data.draw(st.lists(st.floats(0.0, 1.0), min_size=n_assets, max_size=n_assets)))
    groups = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n_assets, max_size=n_assets)))
    sector_caps = data.draw(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
    sectors = [
        GroupCap(np.flatnonzero(groups == g), cap) for g, cap in enumerate(sector_caps) if (groups == g).any()
    ]
    proportions = np.array(shape)
    weights = fill(proportions, caps, total, groups=sectors)
    assert (weights >= 0.0).all()
    assert (weights <= caps).all()
    for members, cap, _ in sectors:
        assert weights[members].sum() <= cap
    asked = proportions >= 1e-8 * max(shape) if max(shape) > 0.0 else np.zeros(n_assets, dtype=bool)
    room = math.fsum(min(cap, math.fsum(np.where(asked, caps, 0.0)[members])) for members, cap, _ in sectors)
    assert abs(math.fsum(weights) - min(total, room)) <= 1e-11


@FEW
@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(1, 12), total=st.floats(0.0, 1.0), data=st.data())
def test_filling_groups_that_share_assets_stops_only_where_something_is_full(seed, n_assets, total, data):
    rng = np.random.default_rng(seed)
    shape = rng.exponential(size=n_assets) * (rng.random(n_assets) > 0.2)
    caps = rng.random(n_assets) * (rng.random(n_assets) > 0.1)
    groups = [
        GroupCap(np.flatnonzero(rng.random(n_assets) < 0.5), data.draw(st.floats(0.0, 1.0)))
        for _ in range(data.draw(st.integers(0, 5)))
    ]
    weights = fill(shape, caps, total, groups=groups)
    assert (weights >= 0.0).all()
    assert (weights <= caps).all()
    full = weights >= caps * (1.0 - 1e-9)
    for members, cap, _ in groups:
        assert math.fsum(weights[members]) <= cap
        assert weights[members].sum() <= cap
        if math.fsum(weights[members]) >= cap - 1e-9:
            full[members] = True
    assert math.fsum(weights) <= total + SUM
    if math.fsum(weights) < total - 1e-9:
        assert full[shape > 0.0].all()


@FEW
@given(
    regime=probabilities(),
    seed=st.integers(0, 2**32 - 1),
    max_exposure=st.floats(0.0, 1.0),
    floor=st.floats(0.0, 1.0),
    budget=st.floats(0.05, 1.0),
)
def test_exposure_stays_in_its_range_and_moves_in_steps(regime, seed, max_exposure, floor, budget):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.04, 120)
    returns[rng.random(120) < 0.1] = np.nan
    values = 100.0 * np.cumprod(1.0 + np.nan_to_num(returns))
    rule = ExposureRule(max_exposure=max_exposure, trend_floor=floor, drawdown_budget=budget)
    held = None
    for market_return, value in zip(returns, values, strict=True):
        step = rule.update(market_return, regime=regime, portfolio_value=float(value))
        assert 0.0 <= step.value <= max_exposure
        assert step.raw <= step.regime_cap
        assert all(step.reasons)
        if held is not None and step.value not in (held, 0.0):
            assert abs(step.value - held) > 0.10
        held = step.value


@FEW
@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(3, 8))
def test_twins_weigh_the_same(seed, n_assets):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.03, (120, n_assets))
    returns[:, 1] = returns[:, 0]
    symbols = tuple(f"S{i}" for i in range(n_assets))
    outlook = OutlookEstimator(symbols).fit(returns).outlook()
    for label in ("bull", "bear"):
        certain = RegimeState(label, {name: float(name == label) for name in REGIME_LABELS}, 0.9, 5, 20.0)
        book = Policy().decide(outlook, None, certain, 1.0)
        assert abs(book.weights["S0"] - book.weights["S1"]) <= 10.0 * SOLVER
