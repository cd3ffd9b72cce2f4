"""The one vocabulary of the three doors.

A key that any door knows is accepted by all of them, because the specification hands the same ``config`` to
two. Other keys are refused with the nearest known one, and all violations are reported at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from poise.errors import ConfigError, did_you_mean

_T = TypeVar("_T")


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")  # noqa: TRY004 - pydantic collects ValueError
    return value


def _empty_as_unset(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


# pydantic would take `true` for 1.
_Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
Fraction = Annotated[_Number, Field(ge=0.0, le=1.0)]
PositiveFraction = Annotated[_Number, Field(gt=0.0, le=1.0)]
NonNegative = Annotated[_Number, Field(ge=0.0)]
Positive = Annotated[_Number, Field(gt=0.0)]

Unsettable: TypeAlias = Annotated[_T | None, BeforeValidator(_empty_as_unset)]
"""A key that may be left open: TOML has no null, so an empty string unsets it in file and environment."""


class PortfolioSettings(BaseModel):
    """How the book is built, bounded, traded and costed. Fractions are of total value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_position_size: PositiveFraction = Field(0.35, description="Cap of every target weight.")
    correlation_window: Unsettable[Annotated[int, Field(ge=2)]] = Field(
        None,
        description="Effective window W, daily bars: half-life ln 2 / ln((W+1)/(W-1)); unset: 21 and 63.",
    )
    use_risk_parity: bool = Field(
        True,
        description="Base the book on risk parity; false: half of it, with diversification and variance.",
    )
    momentum_weight: Fraction = Field(
        0.3, description="Weight of momentum among the factors; 0.3 is neutral."
    )
    sector_cap: PositiveFraction = Field(0.5, description="Most that one sector may hold.")
    cluster_cap: PositiveFraction = Field(
        0.5, description="Most that highly correlated assets (0.8 or more) may hold together."
    )
    shortfall_budget: PositiveFraction = Field(
        0.1, description="Most CVaR (95 %, one day) of the book; less of it in falling and volatile markets."
    )
    max_exposure: Fraction = Field(1.0, description="Most that may be invested; the rest is cash.")
    trend_floor: Fraction = Field(0.0, description="Least part of the trend exposure kept in a downtrend.")
    target_volatility: Unsettable[Positive] = Field(
        None, description="Annual volatility to aim at; unset: 0.8 times the book's own running median."
    )
    drawdown_budget: PositiveFraction = Field(0.35, description="Drawdown at which exposure reaches zero.")
    use_alpha: bool = Field(
        False,
        description="Count the returns that kept signals expect in the benefit of a rebalance.",
    )
    risk_aversion: Positive = Field(
        3.0, description="Gamma of the cost-benefit comparison and the no-trade bands."
    )
    holding_period_days: Positive = Field(20.0, description="Days over which a rebalance must earn its cost.")
    rebalance_interval_days: Positive = Field(7.0, description="The time trigger's interval.")
    cooldown_hours: NonNegative = Field(24.0, description="Pause after a rebalance of low or medium urgency.")
    max_daily_turnover: PositiveFraction = Field(0.5, description="Most turnover of one day.")
    cash_buffer: Fraction = Field(0.01, description="Cash that orders never touch.")
    min_notional: NonNegative = Field(10.0, description="Smallest order, dollars.")
    fee_bps: NonNegative = Field(10.0, description="Taker fee, basis points.")
    default_spread_bps: NonNegative = Field(
        10.0, description="Full spread where none is known, basis points."
    )
    impact_coefficient: NonNegative = Field(1.0, description="Y of the square-root impact law.")
    participation_cap: PositiveFraction = Field(0.10, description="Most of a day's dollar volume per asset.")

    @classmethod
    def of(cls, config: PortfolioSettings | Mapping[str, Any] | None) -> PortfolioSettings:
        """Accept settings, a mapping or None (all defaults).

        Raises
        ------
        ConfigError
            Listing every violation; unknown keys come with the nearest known one.
        """
        if config is None:
            return cls()
        if isinstance(config, cls):
            return config
        if not isinstance(config, Mapping):
            raise ConfigError(
                [f"config is a {type(config).__name__}, expected a mapping or PortfolioSettings"]
            )
        try:
            return cls.model_validate(dict(config))
        except ValidationError as error:
            raise ConfigError(
                describe_violations(error, hint=lambda place: did_you_mean(place[-1], cls.model_fields))
            ) from None

    @property
    def correlation_half_life(self) -> float:
        """Half-life of the correlation estimate in daily bars."""
        return 63.0 if self.correlation_window is None else window_half_life(self.correlation_window)

    @property
    def volatility_half_life(self) -> float:
        """Half-life of the volatility estimate in daily bars, never above the correlation's."""
        return min(21.0, self.correlation_half_life)


def window_half_life(window: int) -> float:
    """Return the half-life whose effective window is `window` bars: 30 gives 10.4."""
    return math.log(2.0) / math.log((window + 1.0) / (window - 1.0))


def describe_violations(
    error: ValidationError,
    *,
    hint: Callable[[tuple[str, ...]], str],
    origin: Callable[[tuple[str, ...]], str] = lambda _place: "",
) -> list[str]:
    """Return one line per violation: key, what came, what is allowed.

    Parameters
    ----------
    error : ValidationError
    hint : callable
        From the path of an unknown key to what may have been meant.
    origin : callable, optional
        From the path of a key to where its value came from, appended to the line.
    """
    lines = []
    for item in error.errors(include_url=False):
        place = tuple(str(part) for part in item["loc"])
        key = ".".join(place)
        if item["type"] == "extra_forbidden":
            line = f"unknown key '{key}'{hint(place)}"
        else:
            reason = item["msg"].removeprefix("Value error, ")
            line = f"{key} = {_shown(item['input'])}: {reason[0].lower()}{reason[1:]}"
        lines.append(line + origin(place))
    return lines


def _shown(value: Any, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
