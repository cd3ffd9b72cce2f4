"""One completed bar in, one decision out: the path that backtest, paper and live share.

Nothing here knows a clock, a file or a network; the bar brings its own time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from poise.config.portfolio import PortfolioSettings
from poise.costs import CostModel
from poise.decision.book import Book
from poise.decision.decision import Decision
from poise.decision.facts import AssetFacts
from poise.decision.history import BarHistory
from poise.decision.metrics import PRO_FORMA_BARS, Measurement, aligned_tail, market_returns
from poise.decision.override import with_correlation
from poise.domain.assets import AssetTable
from poise.domain.conditions import MarketConditions, TargetBook
from poise.domain.portfolio import Portfolio
from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.domain.proposals import RebalanceProposal
from poise.domain.regime import RegimeState
from poise.domain.weights import Weights
from poise.errors import StateError
from poise.rebalancing import BookSnapshot, RebalanceEngine, RebalanceRules
from poise.regime import RegimeDetector
from poise.strategy import (
    Exposure,
    ExposureRule,
    FactorSkill,
    Outlook,
    OutlookEstimator,
    Policy,
    PolicyRules,
    SignalBook,
    Skill,
    score_signals,
)
from poise.typing import REGIME_LABELS, Matrix, RegimeLabel, Vector

HISTORY_BARS = PRO_FORMA_BARS + 5

UNKNOWN_REGIME = RegimeState(
    label="sideways",
    probabilities=dict.fromkeys(REGIME_LABELS, 1.0 / len(REGIME_LABELS)),
    confidence=1.0 / len(REGIME_LABELS),
    age=0,
    expected_remaining=math.nan,
)
"""While the detector is warming: uniform, and labelled with what commits to least."""


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
        self._bars_per_day = DAY_SECONDS / bar_seconds
        self._costs = CostModel.of(self.settings)
        self._history = BarHistory(self.symbols, HISTORY_BARS)
        self._facts = AssetFacts(self.symbols, assets or AssetTable(), self._bars_per_day)
        self._outlook = OutlookEstimator(
            self.symbols,
            volatility_half_life=self.settings.volatility_half_life,
            correlation_half_life=self.settings.correlation_half_life,
        )
        self._regime = RegimeDetector()
        self._exposure_rule = ExposureRule.of(self.settings, periods_per_year=periods_per_year)
        self._skill = FactorSkill(self._horizon())
        self._policy = Policy(PolicyRules.of(self.settings))
        self._engine = RebalanceEngine(RebalanceRules.of(self.settings), self._costs)
        self._book = Book(self.symbols, portfolio or Portfolio())
        self._bar: Bar | None = None
        self._exposure: Exposure | None = None
        self._snapshot: BookSnapshot | None = None

    def _horizon(self) -> int:
        """Bars a position is held, as far as the history reaches."""
        bars = round(self.settings.holding_period_days * self._bars_per_day)
        return min(max(bars, 1), HISTORY_BARS // 2)

    @property
    def factor_skill(self) -> FactorSkill:
        """What the factors have known so far; every decision adds to it."""
        return self._skill

    @property
    def last_bar(self) -> Bar | None:
        """The last bar observed."""
        return self._bar

    def know(
        self,
        *,
        assets: AssetTable,
        tiers: Mapping[str, int] | None = None,
        quality: Mapping[str, float] | None = None,
    ) -> None:
        """Take over what is newly known of the assets; everything learned from bars stays."""
        self._facts.declare(assets)
        self._tiers, self._quality = dict(tiers or {}), dict(quality or {})

    def saw(self, panel: PricePanel, rows: int) -> bool:
        """Return whether the bars observed so far are exactly the first `rows` of `panel`."""
        return self._history.fingerprint == BarHistory.fingerprint_of(panel, rows)

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
        row = self._history.append(bar)
        self._bar = bar
        self._facts.observe(bar)
        self._outlook.partial_fit(row)
        self._regime.partial_fit(row)
        self._book.mark(self._history.last_prices())
        base_return = self._outlook.base_return
        self._exposure = self._exposure_rule.update(
            base_return,
            regime=self._regime.state_,
            portfolio_value=self._book.index if self._book.has_value else None,
        )
        if warm_triggers:
            self._warm_triggers(bar, base_return)

    def _warm_triggers(self, bar: Bar, base_return: float) -> None:
        """Show the triggers the book, or while nothing is held the base book in its place."""
        held = self._book.has_value and bool(self._book.portfolio.positions)
        exposure = self._book.weights(self._history.last_prices()).exposure if held else 1.0
        self._engine.learn(
            bar.as_of,
            bars_per_day=self._bars_per_day,
            book_return=self._book.bar_return if held else base_return,
            exposure=exposure,
            average_correlation=self._outlook.average_correlation,
            drawdown=self._book.drawdown,
        )

    def step(self, bar: Bar, portfolio: Portfolio | None = None) -> Decision:
        """Learn from a completed bar and decide.

        Parameters
        ----------
        bar : Bar
        portfolio : Portfolio, optional
            What is held at the close of the bar if orders were filled since the last one, and nothing was
            paid in or out; unchanged otherwise.

        Raises
        ------
        ShapeError, InputError, UnknownSymbolError
            As :meth:`observe` and :meth:`hold`.
        """
        self.observe(bar, warm_triggers=False)
        if portfolio is not None:
            self.hold(portfolio, cash_flow=0.0)
        return self.decide()

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
        prices = None if self._bar is None else self._history.last_prices()
        self._book.hold(portfolio, prices, cash_flow=cash_flow)

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

    def decide(
        self,
        *,
        correlation: Matrix | None = None,
        benchmark_returns: Vector | None = None,
        intraday_trend: Vector | None = None,
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

        Raises
        ------
        StateError
            Before the first bar.
        ShapeError
            If `correlation` or `intraday_trend` does not match the symbols.
        """
        if self._bar is None or self._exposure is None:
            raise StateError("no bar yet; call observe() or step() first")
        outlook = self._outlook.outlook()
        if correlation is not None:
            outlook = with_correlation(outlook, correlation)
        regime = self._regime.state_
        conditions = self._conditions(self._bar, outlook)
        prices = self._history.last_prices()
        weights = self._book.weights(prices)
        skill = self._skill.learn(self._history.n_observations, self._history.closes())
        signals, target = self._aim(
            outlook, regime, self._exposure, conditions, weights, skill=skill, intraday_trend=intraday_trend
        )
        self._skill.remember(self._history.n_observations, signals.scores)
        self._snapshot = BookSnapshot(
            conditions=conditions,
            portfolio=self._book.portfolio,
            total_value=self._book.value,
            weights=np.array([weights.get(s, 0.0) for s in self.symbols]),
            target=target,
            trend=signals.trend,
            average_correlation=outlook.average_correlation,
            drawdown=self._book.drawdown,
            regime=regime,
            book_return=self._book.bar_return,
        )
        readings = self._engine.observe(self._snapshot)
        shown = regime or UNKNOWN_REGIME
        returns = self._history.returns().copy()
        return Decision(
            as_of=self._bar.as_of,
            portfolio=self._book.portfolio,
            weights=weights,
            measurement=Measurement(
                total_value=self._book.value,
                weights=weights,
                symbols=self.symbols,
                returns=returns,
                market=(
                    market_returns(returns, self._facts.market_caps())
                    if benchmark_returns is None
                    else aligned_tail(benchmark_returns, len(returns))
                ),
                correlation=outlook.correlation,
                covariance=outlook.covariance,
                regime=shown,
                periods_per_year=self.periods_per_year,
            ),
            regime=shown,
            signals=signals,
            target=target,
            proposals=self._engine.propose(self._snapshot, readings),
            conditions=conditions,
            notes=self._notes(outlook, conditions, regime),
        )

    def target_under(self, label: RegimeLabel) -> TargetBook:
        """Return the target as if the market were surely in regime `label`.

        Raises
        ------
        StateError
            Before the first bar.
        """
        if self._bar is None or self._exposure is None:
            raise StateError("no bar yet; call observe() or step() first")
        certain = RegimeState(
            label=label,
            probabilities={other: float(other == label) for other in REGIME_LABELS},
            confidence=1.0,
            age=0,
            expected_remaining=math.nan,
        )
        outlook = self._outlook.outlook()
        conditions = self._conditions(self._bar, outlook)
        weights = self._book.weights(self._history.last_prices())
        return self._aim(
            outlook, certain, self._exposure_rule.under(certain), conditions, weights, skill=self._skill.skill
        )[1]

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
    ) -> tuple[SignalBook, TargetBook]:
        """Score the assets and write the target weights."""
        tradable = self._history.alive() & ~self._facts.cash_like
        signals = score_signals(
            self.symbols,
            self._history.closes(),
            regime=regime,
            outlook=outlook,
            target=weights.risky,
            quality=self._quality,
            sectors=self._facts.sectors,
            tradable=tradable,
            momentum_weight=self.settings.momentum_weight,
            round_trip_cost=2.0 * self._costs.rate(self._facts.spreads_bps),
            holding_days=self.settings.holding_period_days * self._bars_per_day,
            skill=skill,
            intraday_trend=intraday_trend,
        )
        target = self._policy.decide(
            outlook,
            signals,
            regime,
            exposure,
            tiers=self._tiers,
            sectors=self._facts.sectors,
            total_value=self._book.value if self._book.has_value else None,
            dollar_volume=conditions.dollar_volume,
            tradable=tradable,
        )
        return signals, target

    def _conditions(self, bar: Bar, outlook: Outlook) -> MarketConditions:
        return MarketConditions(
            as_of=bar.as_of,
            symbols=self.symbols,
            prices=bar.closes,
            volatility=outlook.volatility,
            covariance=outlook.covariance,
            spread_bps=self._facts.spreads_bps,
            dollar_volume=self._facts.dollar_volume(),
            bars_per_day=self._bars_per_day,
        )

    def _notes(
        self, outlook: Outlook, conditions: MarketConditions, regime: RegimeState | None
    ) -> tuple[str, ...]:
        found = list(outlook.warnings)
        if regime is None:
            found.append(
                "warming: the regime detector has seen fewer than 20 bars; all regimes are as likely"
            )
        unknown = [
            s for s, v in zip(self.symbols, conditions.dollar_volume, strict=True) if not math.isfinite(v)
        ]
        if unknown:
            found.append(
                f"liquidity_unknown: no dollar volume for {_some(unknown)}; impact is taken as 0, "
                "participation unchecked"
            )
        return tuple(found)


def _some(symbols: list[str]) -> str:
    shown = ", ".join(symbols[:3])
    return shown if len(symbols) <= 3 else f"{shown} and {len(symbols) - 3} more"
