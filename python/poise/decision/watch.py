"""What is learned from bars, decided or not: returns, outlook, regime, exposure, risk, and the book."""

from __future__ import annotations

import math

import numpy as np

from poise.config.portfolio import PortfolioSettings
from poise.decision.book import Book
from poise.decision.facts import AssetFacts
from poise.decision.history import BarHistory
from poise.decision.live_metrics import LiveBook, live_metrics
from poise.decision.metrics import Measurement
from poise.decision.pro_forma import PRO_FORMA_BARS, aligned_tail, market_returns
from poise.decision.trial import RiskTrial
from poise.domain.assets import AssetTable
from poise.domain.conditions import MarketConditions
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.prices import DAY_SECONDS, Bar
from poise.domain.regime import RegimeState
from poise.errors import StateError
from poise.regime import RegimeDetector
from poise.strategy import ExposureRule, Outlook, OutlookEstimator
from poise.typing import REGIME_LABELS, RegimeLabel, Vector

HISTORY_BARS = PRO_FORMA_BARS + 5

UNKNOWN_REGIME = RegimeState(
    label="sideways",
    probabilities=dict.fromkeys(REGIME_LABELS, 1.0 / len(REGIME_LABELS)),
    confidence=1.0 / len(REGIME_LABELS),
    age=0,
    expected_remaining=math.nan,
)
"""While the detector is warming: uniform, and labelled with what commits to least."""


def certain_regime(label: RegimeLabel) -> RegimeState:
    """Return the state of somebody who is sure of `label`."""
    return RegimeState(
        label=label,
        probabilities={other: float(other == label) for other in REGIME_LABELS},
        confidence=1.0,
        age=0,
        expected_remaining=math.nan,
    )


class MarketWatch:
    """Takes in bars and measures; nothing here decides.

    Attributes
    ----------
    history : BarHistory
    facts : AssetFacts
    exposure_rule : ExposureRule
    book : Book
    bars_per_day : float
    last_bar : Bar or None
    regime : RegimeState or None
        After the last bar; None while warming.
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        *,
        periods_per_year: float,
        settings: PortfolioSettings,
        assets: AssetTable,
        bar_seconds: float,
        portfolio: Portfolio,
    ) -> None:
        self.symbols = symbols
        self.periods_per_year = periods_per_year
        self.bars_per_day = DAY_SECONDS / bar_seconds
        self.history = BarHistory(symbols, HISTORY_BARS)
        self.facts = AssetFacts(symbols, assets, self.bars_per_day)
        self.exposure_rule = ExposureRule.of(settings, periods_per_year=periods_per_year)
        self.book = Book(symbols, portfolio)
        self.last_bar: Bar | None = None
        self._outlook = OutlookEstimator(
            symbols,
            volatility_half_life=settings.volatility_half_life,
            correlation_half_life=settings.correlation_half_life,
        )
        self._regime = RegimeDetector()
        self.regime: RegimeState | None = None
        self._trial = RiskTrial(len(symbols))
        self._fractions: Vector | None = None

    def observe(self, bar: Bar) -> None:
        """Learn from a completed bar; see :meth:`poise.decision.DecisionCycle.observe`."""
        held = self._held()
        row = self.history.append(bar)
        self.last_bar = bar
        self.facts.observe(bar)
        self._trial.observe(row, held)
        self._outlook.partial_fit(row)
        self._regime.partial_fit(row)
        self.regime = self._regime.state_
        self.book.mark(self.history.last_closes)
        self._fractions = None
        self.exposure_rule.learn(
            self._outlook.base_return,
            regime=self.regime,
            portfolio_value=self.book.index if self.book.has_value else None,
        )

    def _held(self) -> Vector | None:
        """Return the fractions held going into the next bar; what is no longer traded earns nothing."""
        if not self.book.is_invested:
            return None
        fractions = self.fractions
        return fractions if self.history.all_alive else np.where(self.history.alive(), fractions, 0.0)

    @property
    def fractions(self) -> Vector:
        """The risky fractions held after the last bar, one per symbol; read-only."""
        if self._fractions is None:
            self._fractions = self.book.fractions(self.history.last_closes)
            self._fractions.flags.writeable = False
        return self._fractions

    def hold(self, portfolio: Portfolio, *, cash_flow: float | None) -> None:
        """Say what is held now; see :meth:`poise.decision.DecisionCycle.hold`."""
        prices = None if self.last_bar is None else self.history.last_closes
        self.book.hold(portfolio, prices, cash_flow=cash_flow)
        self._fractions = None

    @property
    def base_return(self) -> float:
        """What the base book earned in the last bar."""
        return self._outlook.base_return

    @property
    def average_correlation(self) -> float:
        """Of the active assets after the last bar, without the whole outlook."""
        return self._outlook.average_correlation

    def outlook(self) -> Outlook:
        """Return the outlook after the last bar."""
        return self._outlook.outlook()

    def require_bar(self) -> Bar:
        """Return the last bar.

        Raises
        ------
        StateError
            Before the first bar.
        """
        if self.last_bar is None:
            raise StateError("no bar yet; call observe() or step() first")
        return self.last_bar

    def conditions(self, bar: Bar, outlook: Outlook) -> MarketConditions:
        """Return the market as costs, bands and limits see it."""
        return MarketConditions(
            as_of=bar.as_of,
            symbols=self.symbols,
            prices=bar.closes,
            volatility=outlook.volatility,
            covariance=outlook.covariance,
            spread_bps=self.facts.spreads_bps,
            dollar_volume=self.facts.dollar_volume(),
            bars_per_day=self.bars_per_day,
        )

    def metrics(self, benchmark_returns: Vector | None) -> EnhancedPortfolioMetrics:
        """Return the fourteen numbers, the quick way where nothing is missing."""
        return (
            self._live_metrics(benchmark_returns) or self.measure(self.outlook(), benchmark_returns).metrics
        )

    def _live_metrics(self, benchmark_returns: Vector | None) -> EnhancedPortfolioMetrics | None:
        if not (self.book.is_invested and self.history.all_alive):
            return None
        fractions = self.fractions
        outlook, tails = self._outlook.of_book(fractions), self._trial.tails(fractions)
        if outlook is None or not tails:
            return None
        returns = self.history.returns(PRO_FORMA_BARS)
        book = LiveBook(
            symbols=self.symbols,
            total_value=self.book.value,
            fractions=fractions,
            tail=tails[0],
            inflation=self._trial.inflation,
            outlook=outlook,
            regime=self.regime or UNKNOWN_REGIME,
            periods_per_year=self.periods_per_year,
        )
        if benchmark_returns is None:
            return live_metrics(book, returns, self.facts.market_weights, market_is_weights=True)
        market = aligned_tail(benchmark_returns, len(returns))
        return live_metrics(book, returns, market, market_is_weights=False)

    def measure(self, outlook: Outlook, benchmark_returns: Vector | None) -> Measurement:
        """Return what the metrics and the risk assessment are computed from."""
        returns = self.history.returns().copy()
        return Measurement(
            total_value=self.book.value,
            weights=self.book.weights(self.history.last_closes),
            symbols=self.symbols,
            returns=returns,
            market=(
                market_returns(returns, self.facts.market_weights)
                if benchmark_returns is None
                else aligned_tail(benchmark_returns, len(returns))
            ),
            scenarios=self._trial.scenarios(),
            backtest=self._trial.backtest(),
            correlation=outlook.correlation,
            covariance=outlook.covariance,
            regime=self.regime or UNKNOWN_REGIME,
            periods_per_year=self.periods_per_year,
            account_drawdown=self.book.drawdown,
            account_max_drawdown=self.book.max_drawdown,
        )
