"""Readable twins of the rebalancing room, and a builder of books to try it on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from poise.domain.conditions import MarketConditions, TargetBook
from poise.domain.portfolio import Portfolio
from poise.domain.proposals import RebalanceProposal
from poise.domain.regime import RegimeState
from poise.domain.weights import Weights
from poise.rebalancing import BookSnapshot
from poise.typing import REGIME_LABELS, Matrix, RegimeLabel

START = datetime(2021, 3, 1, tzinfo=UTC)


def regime(label: RegimeLabel = "bull", confidence: float = 0.8) -> RegimeState:
    """A regime that is sure of itself."""
    rest = (1.0 - confidence) / 3.0
    probabilities = {name: confidence if name == label else rest for name in REGIME_LABELS}
    return RegimeState(label, probabilities, confidence, age=5, expected_remaining=30.0)


def book(
    held: Sequence[float],
    target: Sequence[float],
    *,
    symbols: Sequence[str] | None = None,
    prices: Sequence[float] | float = 100.0,
    volatility: Sequence[float] | float = 0.04,
    correlation: float | Matrix = 0.5,
    covariance: Matrix | None = None,
    spread_bps: Sequence[float] | float = 10.0,
    dollar_volume: Sequence[float] | float = math.nan,
    value: float = 10_000.0,
    days: float = 0.0,
    bars_per_day: float = 1.0,
    trend: Sequence[float] | float = 0.5,
    average_correlation: float = 0.5,
    drawdown: float = 0.0,
    state: RegimeState | None = None,
    book_return: float = 0.0,
    breaches: tuple[str, ...] = (),
    positions: Mapping[str, float] | None = None,
    cash: float | None = None,
    confidence: float = 0.8,
    alpha: Sequence[float] | None = None,
) -> BookSnapshot:
    """Build a snapshot from weights; quantities and cash follow from them unless given."""
    n = len(held)
    names = tuple(symbols or (f"A{i}" for i in range(n)))
    price = np.broadcast_to(np.asarray(prices, dtype=float), (n,)).copy()
    sigma = np.broadcast_to(np.asarray(volatility, dtype=float), (n,)).copy()
    if covariance is None:
        rho = np.full((n, n), correlation) if np.isscalar(correlation) else np.array(correlation)
        np.fill_diagonal(rho, 1.0)
        covariance = rho * np.outer(sigma, sigma)
    weights = np.asarray(held, dtype=float)
    if positions is None:
        known = np.where(np.isfinite(price), price, 100.0)
        positions = {s: w * value / p for s, w, p in zip(names, weights, known, strict=True)}
    return BookSnapshot(
        conditions=MarketConditions(
            as_of=START + timedelta(days=days),
            symbols=names,
            prices=price,
            volatility=sigma,
            covariance=covariance,
            spread_bps=np.broadcast_to(np.asarray(spread_bps, dtype=float), (n,)).copy(),
            dollar_volume=np.broadcast_to(np.asarray(dollar_volume, dtype=float), (n,)).copy(),
            bars_per_day=bars_per_day,
        ),
        portfolio=Portfolio(
            cash=value * (1.0 - weights.sum()) if cash is None else cash, positions=positions
        ),
        total_value=value,
        weights=weights,
        target=TargetBook(
            Weights(dict(zip(names, target, strict=True))), "risk_parity", float(sum(target)), confidence
        ),
        trend=np.broadcast_to(np.asarray(trend, dtype=float), (n,)).copy(),
        average_correlation=average_correlation,
        drawdown=drawdown,
        regime=state,
        book_return=book_return,
        breaches=breaches,
        alpha=None if alpha is None else np.array(alpha, dtype=float),
    )


def quadratic_form(vector: Sequence[float], matrix: Matrix) -> float:
    """``v' M v``, term by term."""
    n = len(vector)
    return math.fsum(vector[i] * matrix[i][j] * vector[j] for i in range(n) for j in range(n))


def volatility_ratio(returns: Sequence[float], fast: float, slow: float) -> float:
    """Short over long zero-mean volatility, each the weighted mean of all squares so far."""

    def root(half_life: float) -> float:
        ages = range(len(returns) - 1, -1, -1)
        weights = [0.5 ** (age / half_life) for age in ages]
        squares = [w * r * r for w, r in zip(weights, returns, strict=True)]
        return math.sqrt(math.fsum(squares) / math.fsum(weights))

    return root(fast) / root(slow)


@dataclass
class Ledger:
    """Cash and units as the trades of a proposal go by, one after the other."""

    cash: float
    units: dict[str, float]

    @classmethod
    def replay(cls, snapshot: BookSnapshot, proposal: RebalanceProposal) -> list[Ledger]:
        """The state before the first trade and after each one, at reference prices less expected costs."""
        state = cls(snapshot.portfolio.cash, dict(snapshot.portfolio.positions))
        states = [state]
        for trade in proposal.trades:
            sign = 1.0 if trade.side == "buy" else -1.0
            units = dict(state.units)
            units[trade.symbol] = units.get(trade.symbol, 0.0) + sign * trade.quantity
            state = cls(state.cash - sign * trade.notional_usd - trade.expected_cost_usd, units)
            states.append(state)
        return states
