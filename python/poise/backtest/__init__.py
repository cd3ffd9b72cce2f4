"""Rehearse on past bars."""

from poise.backtest.backtest import Backtest
from poise.backtest.result import BacktestResult, ExecutedRebalance

__all__ = ["Backtest", "BacktestResult", "ExecutedRebalance"]
