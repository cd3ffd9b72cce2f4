"""The fourteen numbers of the specification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

Nested: TypeAlias = dict[str, dict[str, float]]
Metrics = TypeVar("Metrics")


class _Unwritten(NamedTuple):
    write: Callable[[], Nested]


def on_read(write: Callable[[], Nested]) -> Nested:
    """Return what stands for a table in :class:`EnhancedPortfolioMetrics` until somebody reads it.

    To write all pairs takes longer than everything else that is measured in a bar.

    Parameters
    ----------
    write : callable
        Returns the table; called once, when it is first read.
    """
    return cast("Nested", _Unwritten(write))


class _WrittenOnRead:
    """The attribute of a table that may come as :func:`on_read` gives it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object | None, owner: type) -> Nested:
        if instance is None:
            raise AttributeError(f"{self._name} is an attribute of the metrics of a portfolio")
        given = vars(instance)[self._name]
        if isinstance(given, _Unwritten):
            given = vars(instance)[self._name] = given.write()
        found: Nested = given
        return found

    def __set__(self, instance: object, value: Nested) -> None:
        vars(instance)[self._name] = value


def _with_tables_on_read(metrics: type[Metrics]) -> type[Metrics]:
    # After the dataclass was made, which would take the descriptor for a default.
    name = "correlation_matrix"
    setattr(metrics, name, _WrittenOnRead(name))
    return metrics


@_with_tables_on_read
@dataclass(frozen=True)
class EnhancedPortfolioMetrics:
    """State of a portfolio at one bar.

    *Pro forma* means today's weights, cash included, applied to the returns of the last 500 daily
    bars (or all there are). A statistic without a meaning is NaN, never 0 or infinite.

    Attributes
    ----------
    total_value_usd : float
        Cash plus quantity times last close; dollar stablecoins count as USD.
    asset_count : int
        Positions with a quantity; cash is not counted.
    concentration_ratio : float
        Sum of squared risky weights normalised to 1: ``1/n`` to 1; 0 when all cash.
    correlation_matrix : dict of dict of float
        Symbol to symbol to correlation, for the held assets and the universe given.
    risk_score : float
        0 (cash) to 1; see :func:`poise.risk.risk_score`.
    cash_percentage : float
        0 to 100.
    sharpe_ratio : float
        Pro forma, annualised; NaN at zero volatility.
    max_drawdown : float
        Pro forma, a positive fraction.
    volatility : float
        Pro forma, annualised, a fraction.
    beta_to_market : float
        Pro forma against the benchmark, else the cap-weighted, else the equal-weighted market.
    diversification_ratio : float
        Weighted mean volatility over portfolio volatility, at least 1; 1 when all cash or one asset.
    market_regime : str
        ``bull``, ``bear``, ``sideways`` or ``high_volatility``.
    var_95 : float
        One-day value at risk, filtered historical (plain historical while warming), a positive
        fraction of total value. While the model's backtest rejects it, and a warning says so, it is
        multiplied by up to 1.5.
    cvar_95 : float
        One-day expected shortfall on the same scenarios, likewise; at least `var_95`.
    """

    total_value_usd: float
    asset_count: int
    concentration_ratio: float
    correlation_matrix: dict[str, dict[str, float]]
    risk_score: float
    cash_percentage: float
    sharpe_ratio: float
    max_drawdown: float
    volatility: float
    beta_to_market: float
    diversification_ratio: float
    market_regime: str
    var_95: float
    cvar_95: float

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "correlation_matrix": self.correlation_matrix}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dict, in the specification's order."""
        return asdict(self)
