"""The vocabulary of the three doors: ranges, nearest keys, every violation at once."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from pydantic import ValidationError

from poise.config.portfolio import PortfolioSettings, window_half_life
from poise.errors import ConfigError
from tests.tolerances import CLOSED_FORM


def refused(config: object) -> tuple[str, ...]:
    """Return the violations with which the configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        PortfolioSettings.of(config)  # type: ignore[arg-type]
    assert str(caught.value) == "; ".join(caught.value.violations)
    return caught.value.violations


class TestAccepted:
    def test_nothing_means_the_defaults_of_the_specification(self) -> None:
        settings = PortfolioSettings.of(None)
        assert settings == PortfolioSettings.of({}) == PortfolioSettings()
        assert settings.max_position_size == 0.35
        assert settings.correlation_window is None
        assert settings.use_risk_parity is True
        assert settings.momentum_weight == 0.3

    def test_the_example_of_the_specification(self) -> None:
        settings = PortfolioSettings.of(
            {"max_position_size": 0.15, "correlation_window": 30, "use_risk_parity": True}
        )
        assert settings.max_position_size == 0.15
        assert settings.correlation_window == 30

    def test_settings_pass_through(self) -> None:
        settings = PortfolioSettings(fee_bps=3.0)
        assert PortfolioSettings.of(settings) is settings

    @pytest.mark.parametrize("key", ["correlation_window", "target_volatility"])
    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_an_open_key_can_be_left_open(self, key: str, value: object) -> None:
        assert getattr(PortfolioSettings.of({key: value}), key) is None

    def test_every_key_is_described(self) -> None:
        assert all(field.description for field in PortfolioSettings.model_fields.values())

    def test_it_cannot_be_changed(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            PortfolioSettings().fee_bps = 0.0  # type: ignore[misc]


class TestRefused:
    @pytest.mark.parametrize(
        ("typo", "meant"),
        [
            ("max_positon_size", "max_position_size"),
            ("corelation_window", "correlation_window"),
            ("risk_parity", "use_risk_parity"),
            ("momentum", "momentum_weight"),
            ("fee", "fee_bps"),
        ],
    )
    def test_an_unknown_key_comes_with_the_nearest_known_one(self, typo: str, meant: str) -> None:
        assert refused({typo: 1}) == (f"unknown key '{typo}'; did you mean '{meant}'?",)

    def test_an_unknown_key_near_to_nothing(self) -> None:
        assert refused({"zzzzzzzz": 1}) == ("unknown key 'zzzzzzzz'",)

    @pytest.mark.parametrize(
        ("key", "value", "allowed"),
        [
            ("max_position_size", 0.0, "greater than 0"),
            ("max_position_size", 1.01, "less than or equal to 1"),
            ("momentum_weight", -0.1, "greater than or equal to 0"),
            ("max_exposure", 1.5, "less than or equal to 1"),
            ("correlation_window", 1, "greater than or equal to 2"),
            ("correlation_window", 30.5, "integer"),
            ("risk_aversion", 0, "greater than 0"),
            ("target_volatility", 0.0, "greater than 0"),
            ("fee_bps", -1, "greater than or equal to 0"),
            ("fee_bps", math.nan, "finite"),
            ("min_notional", math.inf, "finite"),
            ("fee_bps", "cheap", "number"),
            ("fee_bps", None, "number"),
            ("fee_bps", True, "truth value is no number"),
            ("use_risk_parity", "perhaps", "boolean"),
        ],
    )
    def test_a_value_out_of_range(self, key: str, value: object, allowed: str) -> None:
        (line,) = refused({key: value})
        assert line.startswith(f"{key} = {value!r}: ")
        assert allowed in line

    def test_every_violation_at_once(self) -> None:
        lines = refused({"fee_bps": -1, "fee_bsp": 2, "sector_cap": 7, "momentum_weight": "x"})
        assert len(lines) == 4
        for key in (
            "fee_bps = -1",
            "'fee_bsp'; did you mean 'fee_bps'?",
            "sector_cap = 7",
            "momentum_weight",
        ):
            assert any(key in line for line in lines)

    def test_a_long_value_is_cut(self) -> None:
        (line,) = refused({"fee_bps": "9" * 500 + "x"})
        assert len(line) < 200

    @pytest.mark.parametrize("config", [[("fee_bps", 1)], "fee_bps", 7, pd.DataFrame()])
    def test_something_that_is_no_mapping(self, config: object) -> None:
        (line,) = refused(config)
        assert type(config).__name__ in line
        assert "mapping" in line


class TestHalfLives:
    def test_a_window_of_thirty_bars(self) -> None:
        assert window_half_life(30) == pytest.approx(math.log(2) / math.log(31 / 29), rel=CLOSED_FORM)
        assert round(window_half_life(30), 1) == 10.4

    def test_unset_means_21_and_63(self) -> None:
        settings = PortfolioSettings()
        assert (settings.volatility_half_life, settings.correlation_half_life) == (21.0, 63.0)

    def test_a_short_window_shortens_both(self) -> None:
        settings = PortfolioSettings(correlation_window=30)
        assert settings.correlation_half_life == settings.volatility_half_life == window_half_life(30)

    def test_a_long_window_leaves_volatility_fast(self) -> None:
        settings = PortfolioSettings(correlation_window=400)
        assert settings.correlation_half_life > 100.0
        assert settings.volatility_half_life == 21.0
