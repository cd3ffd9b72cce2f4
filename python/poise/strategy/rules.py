"""The values of the settings that decide about weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from poise.errors import ParameterError
from poise.strategy.conflicts import SAME_BET_CORRELATION
from poise.strategy.regime_rules import EXPOSURE_CAPS
from poise.typing import REGIME_LABELS, RegimeLabel

TIER_CAPS: Mapping[int, float] = MappingProxyType({1: 0.35, 2: 0.20, 3: 0.05})


_POSITIVE = (
    "max_position_size",
    "sector_cap",
    "participation_cap",
    "other_sector_cap",
    "high_volatility_tightening",
    "cluster_cap",
    "cluster_correlation",
    "shortfall_budget",
    "max_daily_turnover",
)


@dataclass(frozen=True)
class PolicyRules:
    """What the policy may do. Fractions are of total value.

    Parameters
    ----------
    max_position_size : float, default=0.35
        Cap of every target weight.
    use_risk_parity : bool, default=True
        Base the book on risk parity; false: on the ensemble (half risk parity, a quarter maximum
        diversification, a quarter minimum variance).
    momentum_weight : float, default=0.3
        0 takes momentum out of signals and tilts, 0.3 is neutral.
    sector_cap : float, default=0.5
        Most that one sector may hold.
    participation_cap : float, default=0.1
        Most of a day's dollar volume one position may be; half of it in tier 3.
    tier_caps : mapping of int to float
        Cap of a weight by tier; untiered assets follow tier 1.
    other_sector_cap : float, default=0.1
        Most that assets of unknown sector may hold together in a discovered universe.
    high_volatility_tightening : float, default=0.7
        Factor on the caps of positions and clusters when the regime is surely ``high_volatility``.
    cluster_cap : float, default=0.5
        Most that assets which are one bet may hold together; 1 switches it off.
    cluster_correlation : float, default=0.8
        Correlation from which two assets are one bet.
    shortfall_budget : float, default=0.1
        Most conditional value at risk (95 %, one bar) of the book; a bear market may spend three quarters
        of it, high volatility six tenths.
    max_daily_turnover : float, default=0.5
        Most turnover within 24 hours; purchases may use three quarters of it in a bear market and half of
        it in high volatility.
    gross_caps : mapping of str to float
        Most that may be invested in each regime; 0.1 more, the step in which exposure moves, is the hard
        limit. Default: the exposure caps, bull 1, sideways 0.8, bear 0.4, high volatility 0.35.

    Raises
    ------
    ParameterError
        If a fraction lies outside its range.
    """

    max_position_size: float = 0.35
    use_risk_parity: bool = True
    momentum_weight: float = 0.3
    sector_cap: float = 0.5
    participation_cap: float = 0.10
    tier_caps: Mapping[int, float] = field(default_factory=lambda: TIER_CAPS)
    other_sector_cap: float = 0.10
    high_volatility_tightening: float = 0.7
    cluster_cap: float = 0.5
    cluster_correlation: float = SAME_BET_CORRELATION
    shortfall_budget: float = 0.10
    max_daily_turnover: float = 0.5
    gross_caps: Mapping[RegimeLabel, float] = field(default_factory=lambda: EXPOSURE_CAPS)

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            _check(name, getattr(self, name), low_open=True)
        _check("momentum_weight", self.momentum_weight, low_open=False)
        for tier in (1, 2, 3):
            if tier not in self.tier_caps:
                raise ParameterError(f"tier_caps has no entry for tier {tier}; give one for each of 1, 2, 3")
            _check(f"tier_caps[{tier}]", self.tier_caps[tier], low_open=False)
        for label in REGIME_LABELS:
            if label not in self.gross_caps:
                raise ParameterError(f"gross_caps has no entry for {label}; give one for each regime")
            _check(f"gross_caps[{label}]", self.gross_caps[label], low_open=False)
        object.__setattr__(self, "tier_caps", MappingProxyType(dict(self.tier_caps)))
        object.__setattr__(self, "gross_caps", MappingProxyType(dict(self.gross_caps)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain = {"tier_caps": dict(self.tier_caps), "gross_caps": dict(self.gross_caps)}
        return _restore, ({**values, **plain},)

    @classmethod
    def of(cls, settings: Any) -> PolicyRules:
        """Take the values from settings that carry them as attributes (``PortfolioSettings`` does)."""
        return cls(
            max_position_size=settings.max_position_size,
            use_risk_parity=settings.use_risk_parity,
            momentum_weight=settings.momentum_weight,
            sector_cap=settings.sector_cap,
            participation_cap=settings.participation_cap,
            cluster_cap=settings.cluster_cap,
            shortfall_budget=settings.shortfall_budget,
            max_daily_turnover=settings.max_daily_turnover,
        )


def _restore(values: dict[str, Any]) -> PolicyRules:
    return PolicyRules(**values)


def _check(name: str, value: float, *, low_open: bool) -> None:
    inside = (0.0 < value <= 1.0) if low_open else (0.0 <= value <= 1.0)
    if not inside:
        raise ParameterError(f"{name} = {value}; it must lie in {'(0, 1]' if low_open else '[0, 1]'}")
