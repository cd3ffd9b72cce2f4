"""The strategy door: one look at the market and the book."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any, Literal

from poise.config.portfolio import PortfolioSettings
from poise.decision import Decision, DecisionCycle, equal_book, follow
from poise.domain.analysis import Recommendation, StrategyAnalysis
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.errors import InputError, UnknownSymbolError, did_you_mean
from poise.market import MarketData, benchmark_returns, panel_from, sample, to_daily
from poise.universe import judge_universe

__all__ = ["EnhancedPortfolioMetrics", "EnhancedPortfolioStrategy"]

_KEYS = ("symbol", "price_data", "portfolio", "market_data")


class EnhancedPortfolioStrategy:
    """Measures, detects the regime, scores the signals and says which weights to hold.

    Parameters
    ----------
    config : mapping or PortfolioSettings, optional
        Keys of :class:`poise.config.portfolio.PortfolioSettings`, such as ``max_position_size``,
        ``correlation_window``, ``use_risk_parity`` and ``momentum_weight``.

    Raises
    ------
    ConfigError
        Listing every violation, with the nearest known key.

    Notes
    -----
    Repeated calls on a growing history only look at the bars that are new. For loops without a frame in
    hand use :class:`poise.decision.DecisionCycle`, which this door drives.
    """

    def __init__(self, config: Mapping[str, Any] | PortfolioSettings | None = None) -> None:
        self.settings = PortfolioSettings.of(config)
        self._cycle: DecisionCycle | None = None
        self._lock = threading.Lock()

    async def analyze(self, request: Mapping[str, Any]) -> StrategyAnalysis:
        """Analyze one symbol, or with ``symbol`` left out the whole book.

        Parameters
        ----------
        request : mapping
            ``symbol``; ``price_data``: OHLCV of the symbol, wide closes or long bars, as a frame, or an
            exchange's candles; ``portfolio``: a :class:`poise.Portfolio` or
            ``{'cash': .., 'positions': {..}}``; ``market_data``: a mapping with any of ``prices``,
            ``bars``, ``volumes``, ``market_caps``, ``sectors``, ``benchmark``, ``spreads``, ``views``.
            Everything is optional: without prices the embedded sample is used, without a portfolio equal
            weights worth 10,000, and the warnings say so.

        Returns
        -------
        StrategyAnalysis

        Raises
        ------
        DataError
            If the prices cannot be used; the message names symbol, column and row.
        UnknownSymbolError
            If `symbol` or a held asset has no prices.
        """
        return await asyncio.to_thread(self.analyze_now, request)

    def analyze_now(self, request: Mapping[str, Any]) -> StrategyAnalysis:
        """Do what :meth:`analyze` does, without an event loop."""
        if not isinstance(request, Mapping):
            raise InputError(
                f"request is a {type(request).__name__}, expected a mapping with any of {', '.join(_KEYS)}"
            )
        for key in request:
            if key not in _KEYS:
                raise InputError(f"analyze() does not know the key {key!r}{did_you_mean(str(key), _KEYS)}")
        symbol = request.get("symbol")
        if not (symbol is None or isinstance(symbol, str)):
            raise InputError(f"symbol is {symbol!r}, expected a name such as 'BTC/USDT'")
        data, warnings = _market_data(request)
        return self.analyze_data(data, symbol=symbol, portfolio=request.get("portfolio"), warnings=warnings)

    def analyze_data(
        self,
        data: MarketData,
        *,
        symbol: str | None = None,
        portfolio: Portfolio | Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> StrategyAnalysis:
        """Analyze prices that were read already; see :meth:`analyze`."""
        panel = to_daily(data.panel)
        if symbol is not None:
            panel.column(symbol)
        found = [*warnings, *data.report.warnings]
        if portfolio is None:
            held = equal_book(panel)
            found.append(
                "default_portfolio: no portfolio given; equal weights of the assets alive, worth 10,000"
            )
        else:
            held = Portfolio.of(portfolio)
        if data.views is not None:
            found.append(
                "views_unused: market_data['views'] was read, but no target takes views into account yet"
            )
        universe = judge_universe(panel)
        with self._lock:
            self._cycle = follow(
                panel,
                settings=self.settings,
                tiers=universe.tiers,
                quality=universe.quality,
                cycle=self._cycle,
            )
            self._cycle.hold(held)
            decision = self._cycle.decide(benchmark_returns=benchmark_returns(data, panel))
        return StrategyAnalysis(
            symbol=symbol,
            metrics=decision.metrics,
            risk=decision.risk,
            regime=decision.regime,
            signals={s: dict(signal.factors) for s, signal in decision.signals.items()},
            signal=None if symbol is None else decision.signals[symbol],
            target_weights=decision.target.weights,
            recommendation=None if symbol is None else recommend(decision, symbol),
            warnings=tuple(dict.fromkeys([*found, *universe.warnings, *decision.warnings])),
            as_of=decision.as_of,
            source=data.source,
        )


def recommend(decision: Decision, symbol: str) -> Recommendation:
    """Say what `decision` means for one asset."""
    current = decision.weights.get(symbol, 0.0)
    wanted = decision.target.weights.get(symbol, 0.0)
    trade = next(
        (t for proposal in decision.proposals[:1] for t in proposal.trades if t.symbol == symbol), None
    )
    side: Literal["buy", "sell", "hold"] = "hold" if trade is None else trade.side
    reasons = [f"holds {current:.1%} of the book, target {wanted:.1%} ({decision.target.strategy})"]
    if trade is not None:
        reasons.append(trade.reason)
    elif decision.proposals.no_trade_because:
        reasons.append(f"no trade: {decision.proposals.no_trade_because}")
    else:
        reasons.append("the proposed rebalance does not touch it")
    regime = decision.regime
    reasons += [
        decision.signals[symbol].reason,
        f"market regime {regime.label} (confidence {regime.confidence:.0%}, {regime.age} bars old)",
        *decision.target.reasons,
    ]
    return Recommendation(
        symbol=symbol,
        side=side,
        size_usd=0.0 if trade is None else trade.notional_usd,
        current_weight=current,
        target_weight=wanted,
        reasons=tuple(reasons),
    )


def _market_data(request: Mapping[str, Any]) -> tuple[MarketData, tuple[str, ...]]:
    price_data, market_data = request.get("price_data"), request.get("market_data")
    if price_data is None and (market_data is None or (isinstance(market_data, Mapping) and not market_data)):
        data = sample()
        symbol = request.get("symbol")
        if symbol is not None and symbol not in data.panel.symbols:
            raise UnknownSymbolError(
                f"{symbol} is not in the embedded sample{did_you_mean(symbol, data.panel.symbols)}; "
                "pass its prices as price_data or market_data"
            )
        return data, (f"embedded_sample: no prices given; {data.source}",)
    return panel_from(price_data, symbol=request.get("symbol"), market_data=market_data), ()
