"""Rehearse a strategy on past bars, through the same decision cycle that would run live."""

from __future__ import annotations

from collections.abc import Callable

from poise.backtest.account import Account
from poise.backtest.baseline import StaticBaseline
from poise.backtest.rehearsal import Rehearsal
from poise.backtest.result import BacktestResult
from poise.config.portfolio import PortfolioSettings
from poise.costs import CostModel, FillEngine
from poise.decision import DecisionCycle
from poise.domain.prices import DAY_SECONDS, PricePanel
from poise.errors import NotEnoughDataError, ParameterError
from poise.market import to_daily
from poise.strategy import measure_intraday_trend
from poise.universe import UniverseFollower

WARM_UP_BARS = 63
"""Bars that only teach the estimators: 42 own returns make an asset tradable, the rest steadies them."""


class Backtest:
    """Run a portfolio over past bars, costs included, without a look ahead.

    The universe is judged at every bar by what was known then, as it is live. A decision at the close of a
    bar is filled `delay` bars later at the close, through the fill engine that paper trading uses, and earns
    from then on.

    Intraday bars add up to days (:func:`poise.market.to_daily`), as they do live; the trend of the four-hour
    bars that are over at a decision is held against the daily one.

    Parameters
    ----------
    panel : PricePanel
        Closes; late listings, gaps and dead assets are fine. Daily bars, or bars of an even part of a day.
    settings : PortfolioSettings, optional
    cash : float, default=10_000.0
        Dollars at the start; the baseline starts with the same.
    warm_up : int, optional
        Bars before the first decision: 63, or a quarter of a shorter history.
    delay : int, default=1
        Bars between decision and fill, at least 1.

    Raises
    ------
    NotEnoughDataError
        If the history is too short for one decision and its fill.
    ParameterError
        If cash is not positive, or delay or warm-up out of range.
    InputError
        If intraday bars do not divide a day.

    Examples
    --------
    >>> from poise.testing import simulated_market
    >>> result = Backtest(simulated_market(seed=1, days=120).panel).run()
    >>> len(result.equity) == len(result.baseline)
    True
    """

    def __init__(
        self,
        panel: PricePanel,
        *,
        settings: PortfolioSettings | None = None,
        cash: float = 10_000.0,
        warm_up: int | None = None,
        delay: int = 1,
    ) -> None:
        if not cash > 0.0:
            raise ParameterError(f"cash is {cash}, expected a positive number of dollars")
        if delay < 1:
            raise ParameterError(f"delay is {delay}; a decision is filled 1 or more bars later")
        self._given = panel
        self.panel = panel = to_daily(panel) if panel.bar_seconds < DAY_SECONDS else panel
        self.settings = settings or PortfolioSettings()
        self._cash = float(cash)
        self._delay = delay
        self._warm_up = min(WARM_UP_BARS, panel.n_observations // 4) if warm_up is None else warm_up
        if self._warm_up < 0:
            raise ParameterError(f"warm_up is {warm_up}, expected 0 or more bars")
        if panel.n_observations < self._warm_up + delay + 1:
            raise NotEnoughDataError(
                f"a backtest needs at least {self._warm_up + delay + 1} bars "
                f"({self._warm_up} to warm up, {delay} to fill), got {panel.n_observations}"
            )

    def run(self, *, progress: Callable[[int, int], None] | None = None) -> BacktestResult:
        """Run over all bars.

        Parameters
        ----------
        progress : callable, optional
            Called with (bars done, bars in all).
        """
        panel = self.panel
        engine = FillEngine(CostModel.of(self.settings))
        account = Account(panel.symbols, self._cash, engine)
        baseline = StaticBaseline(Account(panel.symbols, self._cash, engine), panel.symbols)
        cycle = DecisionCycle(
            panel.symbols,
            settings=self.settings,
            assets=panel.assets,
            periods_per_year=panel.periods_per_year,
            bar_seconds=panel.bar_seconds,
            portfolio=account.portfolio(),
        )
        rehearsal = Rehearsal(cycle, account, baseline, delay=self._delay)
        universe = UniverseFollower(panel.rows(0, max(self._warm_up, 1)))
        for row, bar in enumerate(panel.bars()):
            if row < self._warm_up:
                cycle.observe(bar)
            else:
                if row > 0:
                    universe.append(bar)
                verdict = universe.judge()
                cycle.know(assets=universe.assets, tiers=verdict.tiers, quality=verdict.quality)
                rehearsal.advance(bar, intraday_trend=measure_intraday_trend(self._given, until=bar.as_of))
            if progress is not None:
                progress(row + 1, panel.n_observations)
        return rehearsal.result(panel)
