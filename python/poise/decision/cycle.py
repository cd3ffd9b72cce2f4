"""One completed bar in, one decision out: the path that backtest, paper and live share.

Nothing here knows a clock, a file or a network; the bar brings its own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poise.config.portfolio import PortfolioSettings
from poise.costs import CostModel
from poise.decision.decision import Decision
from poise.decision.history import BarHistory
from poise.decision.metrics import Measurement
from poise.decision.notes import cycle_notes
from poise.decision.override import with_correlation
from poise.decision.watch import HISTORY_BARS, MarketWatch, certain_regime
from poise.domain.assets import AssetTable
from poise.domain.conditions import MarketConditions, TargetBook
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.domain.proposals import RebalanceProposal
from poise.domain.regime import RegimeState
from poise.domain.weights import Weights
from poise.errors import StateError
from poise.rebalancing import BookSnapshot, RebalanceEngine, RebalanceRules
from poise.strategy import (
    BookViews,
    Exposure,
    FactorSkill,
    Outlook,
    Policy,
    PolicyRules,
    SignalBook,
    Skill,
    read_book_views,
    score_signals,
)
from poise.typing import Matrix, RegimeLabel, Vector


class DecisionCycle:
    """Measure, judge and decide, one daily bar at a time.

    :meth:`step` learns from a bar and decides; :meth:`observe` only learns, for warming up on history. What
    is held comes in through :meth:`hold`, what was executed through :meth:`executed`.

    Parameters
    ----------
    symbols : tuple of str
        The universe; every bar must be for exactly these.
    periods_per_year : float
        Bars a year of the calendar.
    settings : PortfolioSettings, optional
    assets : AssetTable, optional
        Sectors, sizes and spreads where known.
    tiers : mapping of str to int, optional
        Where known.
    quality : mapping of str to float, optional
        Quality score by symbol, 0 to 1.
    bar_seconds : float, default=86400
    portfolio : Portfolio, optional
        What is held; nothing by default.

    Examples
    --------
    >>> from poise.testing import simulated_market
    >>> panel = simulated_market(seed=1, days=150).panel
    >>> cycle = DecisionCycle(panel.symbols, periods_per_year=panel.periods_per_year)
    >>> for bar in panel.rows(0, 149).bars():
    ...     cycle.observe(bar)
    >>> cycle.hold(Portfolio(cash=10_000.0))
    >>> decision = cycle.step(panel.bar(149))
    >>> decision.metrics.cash_percentage
    100.0
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        *,
        periods_per_year: float,
        settings: PortfolioSettings | None = None,
        assets: AssetTable | None = None,
        tiers: Mapping[str, int] | None = None,
        quality: Mapping[str, float] | None = None,
        bar_seconds: float = DAY_SECONDS,
        portfolio: Portfolio | None = None,
    ) -> None:
        self.symbols = tuple(symbols)
        self.settings = settings or PortfolioSettings()
        self.periods_per_year = periods_per_year
        self._tiers = dict(tiers or {})
        self._quality = dict(quality or {})
        self._costs = CostModel.of(self.settings)
        self._watch = MarketWatch(
            self.symbols,
            periods_per_year=periods_per_year,
            settings=self.settings,
            assets=assets or AssetTable(),
            bar_seconds=bar_seconds,
            portfolio=portfolio or Portfolio(),
        )
        self._skill = FactorSkill(self._horizon())
        self._policy = Policy(PolicyRules.of(self.settings))
        self._engine = RebalanceEngine(RebalanceRules.of(self.settings), self._costs)
        self._snapshot: BookSnapshot | None = None

    def _horizon(self) -> int:
        """Bars a position is held, as far as the history reaches."""
        bars = round(self.settings.holding_period_days * self._watch.bars_per_day)
        return min(max(bars, 1), HISTORY_BARS // 2)

    @property
    def factor_skill(self) -> FactorSkill:
        """What the factors have known so far; every decision adds to it."""
        return self._skill

    @property
    def last_bar(self) -> Bar | None:
        """The last bar observed."""
        return self._watch.last_bar

    @property
    def portfolio(self) -> Portfolio:
        """What is held."""
        return self._watch.book.portfolio

    def know(
        self,
        *,
        assets: AssetTable,
        tiers: Mapping[str, int] | None = None,
        quality: Mapping[str, float] | None = None,
    ) -> None:
        """Take over what is newly known of the assets; everything learned from bars stays."""
        self._watch.facts.declare(assets)
        self._tiers, self._quality = dict(tiers or {}), dict(quality or {})

    def saw(self, panel: PricePanel, rows: int) -> bool:
        """Return whether the bars observed so far are exactly the first `rows` of `panel`."""
        return self._watch.history.fingerprint == BarHistory.fingerprint_of(panel, rows)

    def observe(self, bar: Bar, *, warm_triggers: bool = True) -> None:
        """Learn from a completed bar without deciding.

        Parameters
        ----------
        bar : Bar
        warm_triggers : bool, default=True
            Also show the bar to the triggers, which need to have seen 126 of them; it costs a reading of the
            correlation matrix.

        Raises
        ------
        ShapeError
            If the bar is for other symbols.
        InputError
            If the bar is not later than the last one, or a close is no price; nothing is changed then.
        """
        self._watch.observe(bar)
        if warm_triggers:
            self._warm_triggers(bar)

    def _warm_triggers(self, bar: Bar) -> None:
        """Show the triggers the book, or while nothing is held the base book in its place."""
        watch = self._watch
        held = watch.book.is_invested
        self._engine.learn(
            bar.as_of,
            bars_per_day=watch.bars_per_day,
            book_return=watch.book.bar_return if held else watch.base_return,
            exposure=watch.book.weights(watch.history.last_closes).exposure if held else 1.0,
            average_correlation=watch.average_correlation,
            drawdown=watch.book.drawdown,
        )

    def step(
        self, bar: Bar, portfolio: Portfolio | None = None, *, intraday_trend: Vector | None = None
    ) -> Decision:
        """Learn from a completed bar and decide.

        Parameters
        ----------
        bar : Bar
        portfolio : Portfolio, optional
            What is held at the close of the bar if orders were filled since the last one, and nothing was
            paid in or out; unchanged otherwise.
        intraday_trend : ndarray of shape (n_assets,), optional
            As for :meth:`decide`.

        Raises
        ------
        ShapeError, InputError, UnknownSymbolError
            As :meth:`observe` and :meth:`hold`.
        """
        self.observe(bar, warm_triggers=False)
        if portfolio is not None:
            self.hold(portfolio, cash_flow=0.0)
        return self.decide(intraday_trend=intraday_trend)

    def hold(self, portfolio: Portfolio, *, cash_flow: float | None = None) -> None:
        """Say what is held now.

        Parameters
        ----------
        portfolio : Portfolio
        cash_flow : float, optional
            Dollars paid in (positive) or out since the last call; what the value changed besides is
            performance (trading costs). When left out the whole change counts as paid in or out.

        Raises
        ------
        UnknownSymbolError
            If it holds a symbol without prices.
        """
        self._watch.hold(portfolio, cash_flow=cash_flow)

    def executed(self, proposal: RebalanceProposal) -> None:
        """Say that `proposal` of the last decision was executed: cooldowns and triggers count from it.

        Raises
        ------
        StateError
            If nothing was decided yet.
        """
        if self._snapshot is None:
            raise StateError("nothing was decided yet; call executed() after step() or decide()")
        self._engine.mark_executed(self._snapshot, proposal)

    def measure(
        self, *, correlation: Matrix | None = None, benchmark_returns: Vector | None = None
    ) -> Measurement:
        """Measure the book at the last bar without deciding: metrics and risk assessment, when they are read.

        Parameters
        ----------
        correlation, benchmark_returns
            As for :meth:`decide`.

        Raises
        ------
        StateError
            Before the first bar.
        ShapeError
            If `correlation` does not match the symbols.
        """
        self._watch.require_bar()
        return self._watch.measure(self._outlook(correlation), benchmark_returns)

    def metrics(self, *, benchmark_returns: Vector | None = None) -> EnhancedPortfolioMetrics:
        """Return the fourteen numbers of the book at the last bar: those of :meth:`measure`, for a live loop.

        Where nothing is missing they take tens of microseconds instead of hundreds, and agree up to rounding.

        Parameters
        ----------
        benchmark_returns
            As for :meth:`decide`.

        Raises
        ------
        StateError
            Before the first bar.
        """
        self._watch.require_bar()
        return self._watch.metrics(benchmark_returns)

    def decide(
        self,
        *,
        correlation: Matrix | None = None,
        benchmark_returns: Vector | None = None,
        intraday_trend: Vector | None = None,
        views: Any = None,
    ) -> Decision:
        """Decide at the last bar.

        Parameters
        ----------
        correlation : ndarray of shape (n_assets, n_assets), optional
            Used in place of the estimated one.
        benchmark_returns : ndarray of shape (n_observations,), optional
            The market for beta, aligned with the last bars; NaN where missing.
        intraday_trend : ndarray of shape (n_assets,), optional
            Trend of four-hour bars up to the last bar's close, for validating the signals; NaN where unknown.
        views : mapping or sequence, optional
            Expected excess returns per year, by symbol or in statements such as
            ``"BTC/USDT - ETH/USDT = 10% @ 60%"``, on which the target leans; see
            :func:`poise.strategy.read_book_views`.

        Raises
        ------
        StateError
            Before the first bar.
        ShapeError
            If `correlation` or `intraday_trend` does not match the symbols.
        InputError, ParameterError
            If views cannot be read, or name an unknown symbol.
        """
        watch = self._watch
        bar, exposure = watch.require_bar(), watch.exposure_rule.latest()
        outlook, regime, book = self._outlook(correlation), watch.regime, watch.book
        conditions = watch.conditions(bar, outlook)
        measurement = watch.measure(outlook, benchmark_returns)
        weights = measurement.weights
        row, closes = watch.history.n_observations, watch.history.closes()
        signals, target = self._aim(
            outlook,
            regime,
            exposure,
            conditions,
            weights,
            skill=self._skill.learn(row, closes),
            intraday_trend=intraday_trend,
            views=read_book_views(views, periods_per_year=self.periods_per_year),
        )
        self._skill.remember(row, signals.scores)
        self._snapshot = BookSnapshot(
            conditions=conditions,
            portfolio=book.portfolio,
            total_value=book.value,
            weights=book.fractions(watch.history.last_closes),
            target=target,
            trend=signals.trend,
            average_correlation=outlook.average_correlation,
            drawdown=book.drawdown,
            regime=regime,
            book_return=book.bar_return,
            alpha=signals.kept_alpha / self.settings.holding_period_days if self.settings.use_alpha else None,
        )
        readings = self._engine.observe(self._snapshot)
        return Decision(
            as_of=bar.as_of,
            portfolio=book.portfolio,
            weights=weights,
            measurement=measurement,
            regime=measurement.regime,
            signals=signals,
            target=target,
            proposals=self._engine.propose(self._snapshot, readings),
            conditions=conditions,
            notes=cycle_notes(outlook, conditions, regime),
        )

    def target_under(self, label: RegimeLabel, *, intraday_trend: Vector | None = None) -> TargetBook:
        """Return the target as if the market were surely in regime `label`.

        Parameters
        ----------
        label : str
        intraday_trend : ndarray of shape (n_assets,), optional
            As for :meth:`decide`.

        Raises
        ------
        StateError
            Before the first bar.
        """
        watch = self._watch
        bar = watch.require_bar()
        certain, outlook = certain_regime(label), watch.outlook()
        weights = watch.book.weights(watch.history.last_closes)
        exposure = watch.exposure_rule.under(certain)
        conditions = watch.conditions(bar, outlook)
        return self._aim(
            outlook,
            certain,
            exposure,
            conditions,
            weights,
            skill=self._skill.skill,
            intraday_trend=intraday_trend,
        )[1]

    def _outlook(self, correlation: Matrix | None) -> Outlook:
        outlook = self._watch.outlook()
        return outlook if correlation is None else with_correlation(outlook, correlation)

    def _aim(
        self,
        outlook: Outlook,
        regime: RegimeState | None,
        exposure: Exposure,
        conditions: MarketConditions,
        weights: Weights,
        *,
        skill: Skill,
        intraday_trend: Vector | None = None,
        views: BookViews | None = None,
    ) -> tuple[SignalBook, TargetBook]:
        """Score the assets and write the target weights."""
        history, facts, book = self._watch.history, self._watch.facts, self._watch.book
        tradable = history.alive() & ~facts.cash_like
        signals = score_signals(
            self.symbols,
            history.closes(),
            regime=regime,
            outlook=outlook,
            target=weights.risky,
            quality=self._quality,
            sectors=facts.sectors,
            tradable=tradable,
            momentum_weight=self.settings.momentum_weight,
            round_trip_cost=2.0 * self._costs.rate(facts.spreads_bps),
            holding_days=self.settings.holding_period_days * self._watch.bars_per_day,
            skill=skill,
            intraday_trend=intraday_trend,
            tiers=self._tiers,
            dollar_volume=conditions.dollar_volume,
        )
        target = self._policy.decide(
            outlook,
            signals,
            regime,
            exposure,
            tiers=self._tiers,
            sectors=facts.sectors,
            total_value=book.value if book.has_value else None,
            dollar_volume=conditions.dollar_volume,
            tradable=tradable,
            views=views,
        )
        return signals, target
