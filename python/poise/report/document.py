"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poise.decision import Decision
from poise.domain.orders import ExecutionReport

if TYPE_CHECKING:
    from poise.backtest import BacktestResult


@dataclass(frozen=True)
class ReportContent:
    """Everything one report shows.

    Attributes
    ----------
    title : str
    mode : {"PAPER", "LIVE"}
        Printed on every page.
    source : str
        Where the prices came from.
    decision : Decision
        At the last bar.
    backtest : BacktestResult or None
        None when the history was too short to rehearse on.
    execution : ExecutionReport or None
        What became of the first proposal.
    settings : mapping of str to value
    data_report : mapping of str to value
        How the data was cleaned.
    warnings : tuple of str
    version : str
    """

    title: str
    mode: str
    source: str
    decision: Decision
    backtest: BacktestResult | None
    execution: ExecutionReport | None
    settings: Mapping[str, Any]
    data_report: Mapping[str, Any]
    warnings: tuple[str, ...]
    version: str
