"""Published portfolios, each to its last printed digit; recomputed ones to the solver's accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from poise.optimization import (
    inverse_volatility,
    solve_maximum_diversification,
    solve_minimum_variance,
    solve_risk_parity,
)
from tests.tolerances import SOLVER

# Bailey and Lopez de Prado (2013), "An Open-Source Implementation of the Critical-Line Algorithm".
BAILEY_UPPER = """
.40755159 .03175842 .05183923 .05663904 .0330226 .00827775 .02165938 .01332419 .0343476 .02249903
.9063047 .03136385 .02687256 .01917172 .00934384 .02495043 .00761036 .02874874 .01336866
.19490901 .04408485 .03006772 .01322738 .03525971 .0115493 .0427563 .02057303
.19528471 .02777345 .00526665 .01375808 .00780878 .02914176 .01640377
.34059105 .00777055 .02067844 .00736409 .02542657 .01284075
.15983874 .02105575 .00518686 .01723737 .00723779
.68056711 .01377882 .04627027 .01926088
.95526918 .0106553 .00760955
.31681584 .01854318
.11079287
"""


def symmetric(upper_rows):
    rows = [[float(x) for x in line.split()] for line in upper_rows.strip().splitlines()]
    n = len(rows)
    matrix = np.zeros((n, n))
    for i, row in enumerate(rows):
        matrix[i, i:] = row
        matrix[i:, i] = row
    return matrix


BAILEY = symmetric(BAILEY_UPPER)


def test_riskparity_py_tricky_example():
    # riskparityportfolio 0.6.0, documentation, "tricky example".
    S = [[1, 0.0015, -0.0119], [0.0015, 1, -0.0308], [-0.0119, -0.0308, 1]]
    w = solve_risk_parity(S, budgets=[0.1594, 0.0126, 0.8280]).weights
    np.testing.assert_allclose(w, [0.2798628, 0.08774909, 0.63238811], atol=5e-9)


def test_richard_and_roncalli_2019_table_9():
    vol = np.array([0.05, 0.05, 0.07, 0.10, 0.15, 0.15, 0.15, 0.18])
    rho = 0.01 * np.array(
        [
            [100, 80, 60, -20, -10, -20, -20, -20],
            [80, 100, 40, -20, -20, -10, -20, -20],
            [60, 40, 100, 50, 30, 20, 20, 30],
            [-20, -20, 50, 100, 60, 60, 50, 60],
            [-10, -20, 30, 60, 100, 90, 70, 70],
            [-20, -10, 20, 60, 90, 100, 60, 70],
            [-20, -20, 20, 50, 70, 60, 100, 70],
            [-20, -20, 30, 60, 70, 70, 70, 100],
        ]
    )
    w = solve_risk_parity(rho * np.outer(vol, vol)).weights
    published = [26.8306, 28.6769, 11.4095, 9.7985, 5.6135, 5.9029, 6.6560, 5.1121]
    np.testing.assert_allclose(100 * w, published, atol=5e-5)


@pytest.mark.parametrize(
    ("covariance", "published", "digits"),
    [
        (np.diag([0.01, 0.04, 0.09, 0.16]), [48.0, 24.0, 16.0, 12.0], 1e-10),
        (
            [[0.01, 0.016, 0, 0], [0.016, 0.04, 0, 0], [0, 0, 0.09, -0.06], [0, 0, -0.06, 0.16]],
            [38.4, 19.2, 24.3, 18.2],
            0.05,
        ),
    ],
)
def test_maillard_roncalli_teiletche_2010(covariance, published, digits):
    np.testing.assert_allclose(100 * solve_risk_parity(covariance).weights, published, atol=digits)


BAI = np.array(
    [
        [94.868, 33.750, 12.325, -1.178, 8.778],
        [33.750, 445.642, 98.955, -7.901, 84.954],
        [12.325, 98.955, 117.265, 0.503, 45.184],
        [-1.178, -7.901, 0.503, 5.460, 1.057],
        [8.778, 84.954, 45.184, 1.057, 34.126],
    ]
)


def test_bai_scheinberg_tutuncu_five_assets():
    w = solve_risk_parity(BAI).weights
    np.testing.assert_allclose(w, [0.125, 0.047, 0.083, 0.613, 0.132], atol=5e-4)
    np.testing.assert_allclose(w, [0.12450543, 0.04666153, 0.08328301, 0.61329904, 0.13225098], atol=5.1e-9)
    assert np.sqrt(w @ BAI @ w) == pytest.approx(3.0406150164, abs=5e-11)
    least = solve_minimum_variance(BAI).weights
    np.testing.assert_allclose(least, [0.050, 0.006, 0, 0.862, 0.082], atol=5e-4)
    boxed = solve_minimum_variance(BAI, bounds=(0.05, 0.35)).weights
    np.testing.assert_allclose(boxed, [0.200, 0.050, 0.050, 0.350, 0.350], atol=5e-4)


RONCALLI = [
    [0.0225, 0.0030, 0.0150, 0.0225],
    [0.0030, 0.0400, 0.0350, 0.0240],
    [0.0150, 0.0350, 0.0625, 0.0600],
    [0.0225, 0.0240, 0.0600, 0.0900],
]


@pytest.mark.parametrize(
    ("bounds", "published"),
    [
        ((0, 1), [0.65487, 0.34513, 0, 0]),
        ((0.1, 1), [0.56195, 0.23805, 0.1, 0.1]),
        ((0.2, 1), [0.4, 0.2, 0.2, 0.2]),
        ((0, 0.5), [0.5, 0.5, 0, 0]),
    ],
)
def test_roncalli_impact_of_weights_constraints(bounds, published):
    np.testing.assert_allclose(solve_minimum_variance(RONCALLI, bounds=bounds).weights, published, atol=5e-6)


def test_roncalli_most_diversified_with_caps():
    w = solve_maximum_diversification(RONCALLI, bounds=(0, 0.4)).weights
    np.testing.assert_allclose(w, [0.4, 0.4, 0, 0.2], atol=SOLVER)


@pytest.mark.parametrize(
    ("covariance", "published"),
    [
        # Choueifaty and Coignard (2008): 25.7, 25.7, 48.6 percent.
        ([[0.01, 0.009, 0.001], [0.009, 0.01, 0.001], [0.001, 0.001, 0.01]], [9 / 35, 9 / 35, 17 / 35]),
        # Choueifaty, Froidure and Reynier (2013): duplication, leverage and "polico" invariance.
        ([[0.04, 0.01], [0.01, 0.01]], [1 / 3, 2 / 3]),
        ([[0.0025, 0.0025], [0.0025, 0.01]], [2 / 3, 1 / 3]),
        ([[0.04, 0.01, 0.0225], [0.01, 0.01, 0.0075], [0.0225, 0.0075, 0.0131]], [1 / 3, 2 / 3, 0]),
    ],
)
def test_choueifaty(covariance, published):
    np.testing.assert_allclose(solve_maximum_diversification(covariance).weights, published, atol=SOLVER)


def test_bailey_and_lopez_de_prado_matrix():
    # The last corner of the published frontier is the minimum variance portfolio.
    least = solve_minimum_variance(BAILEY).weights
    published = [
        0.0369685815, 0.0269008378, 0.0949424306, 0.1257759522, 0.0767460810,
        0.2193556713, 0.0299870969, 0.0359632846, 0.0613498377, 0.2920102264,
    ]  # fmt: skip
    np.testing.assert_allclose(least, published, atol=5.1e-11)
    # Computed with NumPy on the same matrix, by the formulas of the respective papers.
    parity = [
        0.08102331, 0.06371032, 0.10444747, 0.11321315, 0.09677194,
        0.15035992, 0.07021846, 0.06741609, 0.09172502, 0.16111432,
    ]  # fmt: skip
    np.testing.assert_allclose(solve_risk_parity(BAILEY).weights, parity, atol=5.1e-9)
    inverse = [
        0.08524356, 0.05716310, 0.12326419, 0.12314556, 0.09324730,
        0.13611684, 0.06596558, 0.05567882, 0.09668285, 0.16349218,
    ]  # fmt: skip
    np.testing.assert_allclose(inverse_volatility(BAILEY), inverse, atol=5.1e-9)
    diversified = [
        0.07727775, 0.07415993, 0.06511069, 0.10071091, 0.10488959,
        0.17236968, 0.07737337, 0.08317830, 0.08450912, 0.16042067,
    ]  # fmt: skip
    result = solve_maximum_diversification(BAILEY)
    np.testing.assert_allclose(result.weights, diversified, atol=5.1e-9)
    assert result.objective == pytest.approx(2.52276291, abs=5.1e-9)


def test_ffn_regression_of_a_vertex():
    # A bad implementation of risk parity answers with a vertex here.
    np.testing.assert_allclose(solve_risk_parity(np.diag([4.0, 9.0])).weights, [0.6, 0.4], atol=1e-12)
