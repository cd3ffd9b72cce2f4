"""The strategy door: one look at the market and the book."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Mapping
from typing import Any

from poise.config.portfolio import PortfolioSettings
from poise.decision import Decision, DecisionCycle, Measurement, equal_book, follow, recommend, told_once
from poise.domain.analysis import StrategyAnalysis
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.prices import Bar, PricePanel
from poise.errors import InputError, StateError, UnknownSymbolError, did_you_mean
from poise.market import (
    BarFeed,
    BenchmarkFeed,
    MarketData,
    benchmark_feed,
    panel_from,
    sample,
    to_daily,
)
from poise.strategy import measure_intraday_trend
from poise.typing import Vector
from poise.universe import UniverseFollower, UniverseJudgement, judge_universe

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
    Two ways in, one path behind them (:class:`poise.decision.DecisionCycle`, which backtests drive too):
    :meth:`analyze` takes a whole history and on repeated calls only looks at the bars that are new; a live
    loop calls :meth:`warm_up` once and then :meth:`step` with every completed bar. On the same bars both
    decide the same.
    """

    def __init__(self, config: Mapping[str, Any] | PortfolioSettings | None = None) -> None:
        self.settings = PortfolioSettings.of(config)
        self._cycle: DecisionCycle | None = None
        self._feed: BarFeed | None = None
        self._universe: UniverseFollower | None = None
        self._benchmark: BenchmarkFeed | None = None
        self._lock = threading.Lock()

    async def analyze(self, request: Mapping[str, Any]) -> StrategyAnalysis:
        """Analyze one symbol, or with ``symbol`` left out the whole book.

        Parameters
        ----------
        request : mapping
            ``symbol``; ``price_data``: OHLCV of the symbol, wide closes or long bars, as a frame, or an
            exchange's candles; ``portfolio``: a :class:`poise.Portfolio` or
            ``{'cash': .., 'positions': {..}}``; ``market_data``: a mapping with any of ``prices``,
            ``bars``, ``volumes``, ``market_caps``, ``sectors``, ``benchmark``, ``spreads``, ``views``
            (expected excess returns a year: by symbol, or in statements such as
            ``"BTC/USDT - ETH/USDT = 10% @ 60%"``; the target leans on them).
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
                "default_portfolio: no portfolio given; equal weights of the assets alive, worth 10,000; "
                "pass portfolio with the cash and positions you hold"
            )
        else:
            held = Portfolio.of(portfolio)
        with self._lock:
            universe, cycle = self._follow(data.panel, panel)
            self._benchmark = benchmark_feed(data, panel)
            cycle.hold(held)
            decision = cycle.decide(
                benchmark_returns=self._benchmark_returns(),
                intraday_trend=measure_intraday_trend(data.panel, until=panel.as_of),
                views=data.views,
            )
        return StrategyAnalysis(
            symbol=symbol,
            metrics=decision.metrics,
            risk=decision.risk,
            regime=decision.regime,
            signals={s: dict(signal.factors) for s, signal in decision.signals.items()},
            signal=None if symbol is None else decision.signals[symbol],
            target_weights=decision.target.weights,
            recommendation=None if symbol is None else recommend(decision, symbol),
            warnings=told_once([*found, *universe.warnings, *decision.warnings]),
            as_of=decision.as_of,
            source=data.source,
            verdicts=dict(decision.signals),
            current_weights=decision.weights,
            reasons=decision.target.reasons,
        )

    def _follow(self, given: PricePanel, panel: PricePanel) -> tuple[UniverseJudgement, DecisionCycle]:
        """Take over a history as it was given, of which `panel` are the days."""
        universe, cycle = self._catch_up(panel)
        self._feed = BarFeed(given)
        return universe, cycle

    def _catch_up(self, panel: PricePanel) -> tuple[UniverseJudgement, DecisionCycle]:
        """Bring the cycle up to the last day."""
        universe = judge_universe(panel)
        self._cycle = follow(
            panel,
            settings=self.settings,
            tiers=universe.tiers,
            quality=universe.quality,
            cycle=self._cycle,
        )
        self._universe = UniverseFollower(panel)
        return universe, self._cycle

    def warm_up(
        self,
        market_data: MarketData | PricePanel | Mapping[str, Any] | None = None,
        portfolio: Portfolio | Mapping[str, Any] | None = None,
    ) -> tuple[str, ...]:
        """Learn from a history without deciding, so that :meth:`step` can go on from its last bar.

        Parameters
        ----------
        market_data : MarketData, PricePanel or mapping, optional
            As for :meth:`analyze`; the embedded sample when left out. After intraday bars :meth:`observe` and
            :meth:`step` take bars of that length.
        portfolio : Portfolio or mapping, optional
            What is held at the last bar; nothing when left out.

        Returns
        -------
        tuple of str
            Warnings, each beginning with a stable word and a colon.

        Raises
        ------
        DataError
            If the prices cannot be used.
        UnknownSymbolError
            If a held asset has no prices.
        """
        warnings: tuple[str, ...] = ()
        benchmark: BenchmarkFeed | None = None
        if isinstance(market_data, PricePanel):
            given = market_data
        else:
            data = market_data
            if not isinstance(data, MarketData):
                data, warnings = _market_data({"market_data": data})
            given, warnings = data.panel, (*warnings, *data.report.warnings)
            benchmark = benchmark_feed(data, to_daily(given))
        with self._lock:
            universe, cycle = self._follow(given, to_daily(given))
            self._benchmark = benchmark
            if portfolio is not None:
                cycle.hold(Portfolio.of(portfolio))
        return told_once([*warnings, *universe.warnings])

    def observe(self, bar: Bar, *, benchmark_close: float | None = None) -> None:
        """Learn from a completed bar without deciding: the cheap tick of a live loop.

        Only measures: :meth:`measure` reads the metrics when somebody wants them. The rebalancing triggers do
        not look at a daily bar that comes this way. Intraday bars add up to days, which are measured once
        they are over and somebody asks.

        Parameters
        ----------
        bar : Bar
            Later than the last one, for the same symbols and of the same length.
        benchmark_close : float, optional
            Of the benchmark given to :meth:`analyze` or :meth:`warm_up`, at the bar's close. Left out it is
            the bar's own where the benchmark is one of the symbols, else unknown: beta passes over the bar.

        Raises
        ------
        StateError
            Before :meth:`warm_up` or :meth:`analyze`.
        ShapeError, InputError
            As :meth:`poise.market.BarFeed.take`; nothing is changed then.
        InputError
            If there is a close of a benchmark but no benchmark; nothing is changed then.
        NonFiniteError
            If that close is no price; nothing is changed then.
        """
        with self._lock:
            self._take(bar, benchmark_close)

    def step(
        self,
        bar: Bar,
        portfolio: Portfolio | Mapping[str, Any] | None = None,
        *,
        benchmark_close: float | None = None,
    ) -> Decision:
        """Learn from a completed bar and decide, synchronously: the tick of a live loop that trades.

        After an intraday history the bar is an intraday one: the decision is that of the last day that is
        over, validated by the four-hour bars closed by then.

        Parameters
        ----------
        bar : Bar
            Later than the last one, for the same symbols and of the same length.
        portfolio : Portfolio or mapping, optional
            What is held at the close of the bar if orders were filled since the last one, and nothing was
            paid in or out (:meth:`hold` says that); unchanged otherwise.
        benchmark_close : float, optional
            As for :meth:`observe`.

        Returns
        -------
        Decision
            What :meth:`analyze` decides on the history that ends with `bar`.

        Raises
        ------
        StateError
            Before :meth:`warm_up` or :meth:`analyze`.
        ShapeError, InputError, NonFiniteError, UnknownSymbolError
            As :meth:`observe` and :meth:`poise.decision.DecisionCycle.step`; the bar counts as seen if the
            portfolio holds a symbol without prices.

        Examples
        --------
        >>> from poise import EnhancedPortfolioStrategy
        >>> from poise.testing import simulated_market
        >>> panel = simulated_market(seed=1, days=150).panel
        >>> strategy = EnhancedPortfolioStrategy({"max_position_size": 0.25})
        >>> warnings = strategy.warm_up(panel.rows(0, 148), {"cash": 10_000.0})
        >>> strategy.observe(panel.bar(148))
        >>> decision = strategy.step(panel.bar(149))
        >>> decision.as_of == panel.as_of, max(decision.target.weights.risky.values()) <= 0.25
        (True, True)
        """
        held = None if portfolio is None else Portfolio.of(portfolio)
        with self._lock:
            feed = self._take(bar, benchmark_close)
            cycle, universe = self._warm()
            trend = None
            if feed.is_intraday:
                trend = measure_intraday_trend(feed.panel, until=feed.daily().as_of)
            else:
                verdict = universe.judge()
                cycle.know(assets=universe.assets, tiers=verdict.tiers, quality=verdict.quality)
            if held is not None:
                cycle.hold(held, cash_flow=0.0)
            return cycle.decide(benchmark_returns=self._benchmark_returns(), intraday_trend=trend)

    def hold(self, portfolio: Portfolio | Mapping[str, Any], *, cash_flow: float | None = None) -> None:
        """Say what is held now; see :meth:`poise.decision.DecisionCycle.hold`."""
        with self._lock:
            self._warm()[0].hold(Portfolio.of(portfolio), cash_flow=cash_flow)

    def measure(self) -> Measurement:
        """Return the measurement of the last bar: its ``metrics`` and ``assessment`` are computed when read.

        Raises
        ------
        StateError
            Before :meth:`warm_up` or :meth:`analyze`.
        """
        with self._lock:
            return self._warm()[0].measure(benchmark_returns=self._benchmark_returns())

    def metrics(self) -> EnhancedPortfolioMetrics:
        """Return the fourteen numbers after the last bar: those of :meth:`measure`, much quicker.

        Raises
        ------
        StateError
            Before :meth:`warm_up` or :meth:`analyze`.
        """
        with self._lock:
            return self._warm()[0].metrics(benchmark_returns=self._benchmark_returns())

    def _warm(self) -> tuple[DecisionCycle, UniverseFollower]:
        """Return the cycle and the universe after the last day that is over."""
        cycle, universe, feed = self._learned()
        if not feed.is_intraday:
            return cycle, universe
        days = feed.daily()
        if cycle.last_bar is not None and cycle.last_bar.opened == days.opened[-1]:
            return cycle, universe
        _, newer = self._catch_up(days)
        if self._benchmark is not None:
            self._benchmark.settle(days)
        if newer is not cycle:
            # A day was revised and all of them learned anew; what is held stays.
            newer.hold(cycle.portfolio)
        return self._learned()[:2]

    def _take(self, bar: Bar, benchmark_close: float | None) -> BarFeed:
        cycle, universe, feed = self._learned()
        feed.check(bar)
        level = self._benchmark_level(bar, benchmark_close)
        if not feed.is_intraday:
            cycle.observe(bar, warm_triggers=False)
            universe.append(bar)
        feed.take(bar)
        if self._benchmark is not None:
            self._benchmark.take(bar, level)
        return feed

    def _learned(self) -> tuple[DecisionCycle, UniverseFollower, BarFeed]:
        if self._cycle is None or self._universe is None or self._feed is None:
            raise StateError("the strategy has seen no bar; call warm_up() with a history first")
        return self._cycle, self._universe, self._feed

    def _benchmark_level(self, bar: Bar, given: float | None) -> float:
        if self._benchmark is not None:
            return self._benchmark.level(bar, given)
        if given is not None:
            raise InputError(
                "benchmark_close was given, but there is no benchmark; pass one in market_data to warm_up()"
            )
        return math.nan

    def _benchmark_returns(self) -> Vector | None:
        return None if self._benchmark is None else self._benchmark.returns


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
        return data, (
            f"embedded_sample: no prices given; {data.source}; pass price_data or market_data for your own",
        )
    return panel_from(price_data, symbol=request.get("symbol"), market_data=market_data), ()
