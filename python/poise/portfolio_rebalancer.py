"""The rebalancer door: is a rebalance worth it, and if so, make it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from poise.config.portfolio import PortfolioSettings
from poise.decision import Decision, DecisionCycle, follow, told_once
from poise.domain.orders import ExecutionReport
from poise.domain.portfolio import Portfolio
from poise.domain.proposals import Proposals, RebalanceProposal
from poise.errors import (
    InputError,
    NotPositiveSemidefiniteError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from poise.execution import GateLimits, PreTradeGate, as_broker, execute_proposal
from poise.market import MarketData, benchmark_returns, panel_from, sample, to_daily
from poise.strategy import measure_intraday_trend
from poise.typing import Matrix
from poise.universe import judge_universe

__all__ = ["PortfolioRebalancer"]

_LARGEST_ASYMMETRY = 1e-6
_SMALLEST_EIGENVALUE = -1e-8


class PortfolioRebalancer:
    """Evaluates seven triggers, weighs benefit against cost and executes what is approved.

    Parameters
    ----------
    config : mapping or PortfolioSettings, optional
        The same vocabulary as :class:`poise.EnhancedPortfolioStrategy`.

    Attributes
    ----------
    last_decision : Decision or None
        What the last evaluation saw and decided.
    warnings : tuple of str
        Of the last evaluation, each beginning with a stable word and a colon.

    Raises
    ------
    ConfigError
        Listing every violation, with the nearest known key.

    Notes
    -----
    The rebalancer remembers: what it executed starts cooldowns, and repeated evaluations on a growing history
    only look at the new bars.
    """

    def __init__(self, config: Mapping[str, Any] | PortfolioSettings | None = None) -> None:
        self.settings = PortfolioSettings.of(config)
        self.last_decision: Decision | None = None
        self.warnings: tuple[str, ...] = ()
        self._cycle: DecisionCycle | None = None
        self._lock = threading.Lock()

    async def evaluate_rebalancing_need(
        self,
        portfolio: Portfolio | Mapping[str, Any],
        market_data: Mapping[str, Any] | MarketData | None = None,
        correlation_matrix: Any = None,
    ) -> Proposals:
        """Say whether to rebalance now, why, at what cost and for what benefit.

        Parameters
        ----------
        portfolio : Portfolio or mapping
            ``{'cash': .., 'positions': {symbol: quantity}}``.
        market_data : mapping, optional
            With ``prices`` (wide closes) or ``bars`` (long), and whatever else is known; see
            :meth:`poise.EnhancedPortfolioStrategy.analyze`. The embedded sample when left out.
        correlation_matrix : frame, nested mapping or ndarray of shape (n_assets, n_assets), optional
            Used in place of poise's own estimate; an array follows the columns of wide ``prices``, the
            alphabet where they came as long ``bars``.

        Returns
        -------
        Proposals
            A list, most urgent first; when empty, ``.no_trade_because`` says why.

        Raises
        ------
        DataError
            If the prices cannot be used.
        InputError
            If the correlation matrix is none: wrong shape, asymmetric, not positive semidefinite, or
            without one of the symbols.
        """
        return await asyncio.to_thread(self.evaluate_now, portfolio, market_data, correlation_matrix)

    def evaluate_now(
        self,
        portfolio: Portfolio | Mapping[str, Any],
        market_data: Mapping[str, Any] | MarketData | None = None,
        correlation_matrix: Any = None,
    ) -> Proposals:
        """Do what :meth:`evaluate_rebalancing_need` does, without an event loop."""
        held = Portfolio.of(portfolio)
        if isinstance(market_data, MarketData):
            data = market_data
        elif market_data is None or (isinstance(market_data, Mapping) and not market_data):
            data = sample()
        else:
            data = panel_from(None, market_data=market_data)
        panel = to_daily(data.panel)
        correlation = (
            None if correlation_matrix is None else correlation_of(correlation_matrix, panel.symbols)
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
            self.last_decision = self._cycle.decide(
                correlation=correlation,
                benchmark_returns=benchmark_returns(data, panel),
                intraday_trend=measure_intraday_trend(data.panel, until=panel.as_of),
            )
            self.warnings = told_once(
                [*data.report.warnings, *universe.warnings, *self.last_decision.warnings]
            )
        return self.last_decision.proposals

    async def execute_rebalance_proposal(
        self, proposal: RebalanceProposal, exchange_client: Any
    ) -> ExecutionReport:
        """Execute a proposal; calling this is the approval, the pre-trade gate still stands.

        Parameters
        ----------
        proposal : RebalanceProposal
        exchange_client : Broker or async ccxt exchange
            A poise broker such as :class:`poise.execution.PaperBroker`, or an exchange of
            ``ccxt.async_support``.

        Returns
        -------
        ExecutionReport
            Orders, fills, fees, slippage, what remains and the weights after it. A refused order is in it
            with its reason.

        Raises
        ------
        ProposalExpiredError
            If the proposal is too old by the broker's clock.
        BrokerError
            If it was executed before, or the client cannot trade.
        InputError
            If `proposal` is none.
        """
        if not isinstance(proposal, RebalanceProposal):
            raise InputError(
                f"proposal is a {type(proposal).__name__}, expected a RebalanceProposal, as proposals[0]; "
                "nothing was sent"
            )
        broker = as_broker(exchange_client)
        gate = PreTradeGate(GateLimits.from_settings(self.settings))
        report = await execute_proposal(proposal, broker, gate=gate)
        if not report.fills:
            # Nothing changed hands, so nothing starts a cooldown.
            return report
        with self._lock:
            decided = self.last_decision
            if self._cycle is not None and decided is not None and decided.as_of == proposal.as_of:
                self._cycle.executed(proposal)
        return report


def correlation_of(source: Any, symbols: tuple[str, ...]) -> Matrix:
    """Return a correlation matrix in the order of `symbols`.

    Parameters
    ----------
    source : frame, mapping of mappings or ndarray
        Labelled ones may hold more symbols, in any order.
    symbols : tuple of str

    Raises
    ------
    UnknownSymbolError
        If a labelled matrix lacks a symbol.
    ShapeError
        If it is not square, not symmetric or its diagonal is not 1.
    NotPositiveSemidefiniteError
        If it has a clearly negative eigenvalue.
    """
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        source = source.to_dict()
    if isinstance(source, Mapping):
        matrix = np.array([[_entry(source, a, b) for b in symbols] for a in symbols], dtype=np.float64)
    else:
        matrix = _numbers(source)
    if matrix.shape != (len(symbols), len(symbols)):
        raise ShapeError(
            f"correlation_matrix has shape {matrix.shape}, expected ({len(symbols)}, {len(symbols)}), "
            "one row and column per symbol of the prices"
        )
    known = np.isfinite(np.diag(matrix))
    block = matrix[np.ix_(known, known)]
    if not np.isfinite(block).all():
        raise InputError(
            "correlation_matrix has missing pairs between assets that it knows; fill or drop them"
        )
    if np.abs(block - block.T).max(initial=0.0) > _LARGEST_ASYMMETRY:
        raise ShapeError("correlation_matrix is not symmetric; pass the correlation, not the covariance path")
    if np.abs(np.diag(block) - 1.0).max(initial=0.0) > _LARGEST_ASYMMETRY:
        raise ShapeError(
            "correlation_matrix has a diagonal other than 1; divide a covariance by the volatilities"
        )
    if block.size and float(np.linalg.eigvalsh(block)[0]) < _SMALLEST_EIGENVALUE * len(block):
        raise NotPositiveSemidefiniteError(
            f"correlation_matrix has the eigenvalue {np.linalg.eigvalsh(block)[0]:.3g}; "
            "repair it first, pairwise estimates often need it"
        )
    return 0.5 * (matrix + matrix.T)


def _numbers(source: Any) -> Matrix:
    try:
        return np.array(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"correlation_matrix is a {type(source).__name__} without a matrix of numbers ({error}); "
            "pass a frame, nested mappings or an array"
        ) from error


def _entry(source: Mapping[str, Mapping[str, float]], a: str, b: str) -> float:
    for symbol in (a, b):
        if symbol not in source:
            raise UnknownSymbolError(
                f"correlation_matrix has no row for {symbol}{did_you_mean(symbol, source)}; "
                "it must cover the symbols of the prices"
            )
    return float(source[a].get(b, np.nan))
