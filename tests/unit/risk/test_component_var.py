"""Component value at risk by kernel."""

from __future__ import annotations

import numpy as np
import pytest

from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.risk import component_value_at_risk, value_at_risk
from tests.tolerances import CLOSED_FORM


def sample(n: int = 500, assets: int = 4, seed: int = 1) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_t(4, (n, assets))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 25, 500])
def test_the_parts_sum_to_the_value_at_risk(n: int, level: float) -> None:
    R, w = sample(n), np.array([0.4, 0.3, 0.2, -0.1])
    whole = value_at_risk(R @ w, confidence_level=level)
    parts = component_value_at_risk(w, R, confidence_level=level)
    assert parts.sum() == pytest.approx(whole, rel=CLOSED_FORM, abs=1e-15)


def test_elliptical_returns_split_as_volatility_does() -> None:
    """For a normal distribution each part is its share of the variance (McNeil, Frey and Embrechts, 8.2)."""
    covariance = 1e-4 * np.array([[1.0, 0.3], [0.3, 4.0]])
    R = np.random.default_rng(3).multivariate_normal([0.0, 0.0], covariance, size=200_000)
    w = np.array([0.6, 0.4])
    shares = w * (covariance @ w) / (w @ covariance @ w)
    parts = component_value_at_risk(w, R)
    np.testing.assert_allclose(parts / parts.sum(), shares, atol=0.01)


def test_permuting_the_assets_permutes_the_parts_and_nothing_held_is_nothing() -> None:
    R, w, order = sample(), np.array([0.5, 0.3, 0.2, 0.0]), [2, 0, 3, 1]
    parts = component_value_at_risk(w, R)
    np.testing.assert_allclose(component_value_at_risk(w[order], R[:, order]), parts[order], rtol=1e-12)
    assert parts[3] == 0.0
    assert component_value_at_risk(np.zeros(4), R).tolist() == [0.0] * 4


def test_twins_get_the_same_and_a_constant_gets_its_own() -> None:
    x = sample(assets=1)
    parts = component_value_at_risk([0.5, 0.5], np.hstack([x, x]))
    assert parts[0] == pytest.approx(parts[1], rel=CLOSED_FORM)
    flat = np.full((100, 2), [-0.01, 0.0])
    assert component_value_at_risk([0.5, 0.5], flat) == pytest.approx([0.005, 0.0])


def test_bad_input_is_refused() -> None:
    with pytest.raises(ShapeError):
        component_value_at_risk([1.0], sample())
    with pytest.raises(ParameterError, match="confidence_level"):
        component_value_at_risk([0.25] * 4, sample(), confidence_level=1.0)
    R = sample()
    R[3, 2] = np.nan
    with pytest.raises(NonFiniteError, match="row 3, column 2"):
        component_value_at_risk([0.25] * 4, R)
