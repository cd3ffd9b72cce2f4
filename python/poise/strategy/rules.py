"""The values of the settings that decide about weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from poise.errors import ParameterError

TIER_CAPS: Mapping[int, float] = MappingProxyType({1: 0.35, 2: 0.20, 3: 0.05})


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
        Factor on the position caps when the regime is surely ``high_volatility``.

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

    def __post_init__(self) -> None:
        positive = ("max_position_size", "sector_cap", "participation_cap", "other_sector_cap")
        for name in (*positive, "high_volatility_tightening"):
            _check(name, getattr(self, name), low_open=True)
        _check("momentum_weight", self.momentum_weight, low_open=False)
        for tier in (1, 2, 3):
            if tier not in self.tier_caps:
                raise ParameterError(f"tier_caps has no entry for tier {tier}; give one for each of 1, 2, 3")
            _check(f"tier_caps[{tier}]", self.tier_caps[tier], low_open=False)
        object.__setattr__(self, "tier_caps", MappingProxyType(dict(self.tier_caps)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return _restore, ({**values, "tier_caps": dict(self.tier_caps)},)

    @classmethod
    def of(cls, settings: Any) -> PolicyRules:
        """Take the values from settings that carry them as attributes (``PortfolioSettings`` does)."""
        return cls(
            max_position_size=settings.max_position_size,
            use_risk_parity=settings.use_risk_parity,
            momentum_weight=settings.momentum_weight,
            sector_cap=settings.sector_cap,
            participation_cap=settings.participation_cap,
        )


def _restore(values: dict[str, Any]) -> PolicyRules:
    return PolicyRules(**values)


def _check(name: str, value: float, *, low_open: bool) -> None:
    inside = (0.0 < value <= 1.0) if low_open else (0.0 <= value <= 1.0)
    if not inside:
        raise ParameterError(f"{name} = {value}; it must lie in {'(0, 1]' if low_open else '[0, 1]'}")
