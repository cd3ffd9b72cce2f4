"""The blend behind ``risk_score``."""

from __future__ import annotations

import math

import pytest

from poise.errors import NonFiniteError, ParameterError
from poise.risk import RISK_SCORE_WEIGHTS, risk_score, risk_score_parts

CALM = {"bull": 0.7, "sideways": 0.3, "bear": 0.0, "high_volatility": 0.0}
STORM = {"bull": 0.0, "sideways": 0.0, "bear": 0.4, "high_volatility": 0.6}
BOOK = {
    "cvar_95": 0.05,
    "concentration_ratio": 0.2,
    "average_correlation": 0.6,
    "max_drawdown": 0.25,
    "exposure": 0.9,
}
NOTHING_KNOWN = dict.fromkeys(BOOK, math.nan) | {"exposure": 1.0}


def test_the_weights_sum_to_one() -> None:
    assert math.fsum(RISK_SCORE_WEIGHTS.values()) == 1
    with pytest.raises(TypeError):
        RISK_SCORE_WEIGHTS["tail"] = 1.0


def test_the_table_by_hand() -> None:
    by_hand = 0.9 * (0.35 * 0.5 + 0.20 * 0.5 + 0.15 * 0.2 + 0.15 * 0.6 + 0.15 * 1.0)
    assert risk_score(**BOOK, regime_probabilities=STORM) == pytest.approx(by_hand, rel=1e-12)


def test_cash_is_zero_and_the_worst_is_one() -> None:
    worst = dict.fromkeys(BOOK, 1.0)
    assert risk_score(**worst, regime_probabilities=STORM) == 1
    assert risk_score(**{**worst, "exposure": 3.0}, regime_probabilities=STORM) == 1
    assert risk_score(**{**worst, "exposure": 0.0}, regime_probabilities=STORM) == 0
    assert risk_score(**{**NOTHING_KNOWN, "exposure": 0.0}) == 0
    assert risk_score(**{**dict.fromkeys(BOOK, -1.0), "exposure": 1.0}, regime_probabilities=CALM) == 0


@pytest.mark.parametrize("part", ["cvar_95", "concentration_ratio", "average_correlation", "max_drawdown"])
def test_each_part_alone_is_the_whole_blend(part: str) -> None:
    scale = {"cvar_95": 0.10, "max_drawdown": 0.50}.get(part, 1.0)
    assert risk_score(**{**NOTHING_KNOWN, part: 0.3 * scale}) == pytest.approx(0.3, rel=1e-12)


def test_the_regime_alone_and_nothing_at_all() -> None:
    assert risk_score(**NOTHING_KNOWN, regime_probabilities=STORM) == 1
    assert risk_score(**NOTHING_KNOWN, regime_probabilities=CALM) == 0
    assert math.isnan(risk_score(**NOTHING_KNOWN))
    unknown = dict.fromkeys(CALM, math.nan)
    assert risk_score(**BOOK, regime_probabilities=unknown) == risk_score(**BOOK)


def test_bad_input_is_refused() -> None:
    for exposure in (math.nan, math.inf):
        with pytest.raises(NonFiniteError, match="exposure"):
            risk_score(**{**BOOK, "exposure": exposure})
    with pytest.raises(ParameterError, match=r"exposure is -0\.1"):
        risk_score(**{**BOOK, "exposure": -0.1})
    with pytest.raises(ParameterError, match="lacks bear and high_volatility"):
        risk_score(**BOOK, regime_probabilities={"bull": 1.0})
    with pytest.raises(ParameterError, match="cvar_95 is None"):
        risk_score(**{**BOOK, "cvar_95": None})


def test_the_parts_sum_to_the_score() -> None:
    for arguments in (
        {**BOOK, "regime_probabilities": STORM},
        BOOK,
        {**BOOK, "average_correlation": math.nan},
        {**dict.fromkeys(BOOK, 1.0), "regime_probabilities": STORM},
    ):
        parts = risk_score_parts(**arguments)
        assert set(parts) == set(RISK_SCORE_WEIGHTS)
        known = [part for part in parts.values() if not math.isnan(part)]
        assert math.fsum(known) == pytest.approx(risk_score(**arguments), rel=1e-12)
    assert math.isnan(risk_score_parts(**BOOK)["regime"])
    assert set(risk_score_parts(**{**BOOK, "exposure": 0.0}).values()) == {0.0}
    assert all(math.isnan(part) for part in risk_score_parts(**NOTHING_KNOWN).values())
