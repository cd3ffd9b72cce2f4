"""Hamilton (1989): real GNP 1951 to 1984 as two regimes of growth around which an AR(4) swings."""

from itertools import pairwise, product

import numpy as np
import pytest

from poise.regime import GaussianHMM

statsmodels = pytest.importorskip("statsmodels.api")

# fmt: off
GROWTH = np.array([
    2.59316421, 2.20217133, 0.45827562, 0.9687438, -0.24130757, 0.89647478, 2.05393219, 1.73353648,
    0.93871289, -0.46477833, -0.80983406, -1.39763689, -0.39886093, 1.1918416, 1.45620048,
    2.11808228, 1.08957863, 1.32390273, 0.87296367, -0.19773273, 0.45420215, 0.07221876, 1.1030364,
    0.82097489, -0.05795795, 0.58447772, -1.56192672, -2.05041027, 0.53637183, 2.33676839,
    2.34014559, 1.2339263, 1.8869648, -0.45920792, 0.84940469, 1.70139849, -0.28756312, 0.09594627,
    -0.86080289, 1.03447127, 1.23685944, 1.42004502, 2.22410631, 1.30210173, 1.03517699, 0.9253425,
    -0.16559951, 1.3444382, 1.37500131, 1.73222184, 0.71605635, 2.21032143, 0.85333031, 1.00238776,
    0.42725441, 2.14368343, 1.43789184, 1.57959926, 2.27469826, 1.95962656, 0.25992399, 1.01946914,
    0.49016398, 0.5636338, 0.5959546, 1.43082857, 0.56230122, 1.15388393, 1.68722844, 0.77438205,
    -0.09647045, 1.39600146, 0.13646798, 0.55223715, -0.39944872, -0.61671102, -0.08722561,
    1.2101835, -0.90729755, 2.64916158, -0.0080694, 0.51111895, -0.00401437, 2.16821432, 1.92586732,
    1.03504717, 1.85897219, 2.32004929, 0.25570789, -0.09855274, 0.89073682, -0.55896485,
    0.28350255, -1.31155407, -0.88278776, -1.97454941, 1.01275265, 1.68264723, 1.38271284,
    1.86073637, 0.4447377, 0.41449001, 0.99202275, 1.36283576, 1.59970522, 1.98845816, -0.25684232,
    0.87786949, 3.1095655, 0.85324478, 1.23337317, 0.00314302, -0.09433369, 0.89883322, -0.19036628,
    0.99772376, -2.39120054, 0.06649673, 1.26136017, 1.91637838, -0.3348029, 0.44207108,
    -1.40664911, -1.52129889, 0.29919869, -0.80197448, 0.15204792, 0.98585027, 2.13034606,
    1.34397924, 1.61550522, 2.70930099, 1.24461412, 0.50835466, 0.14802167,
])
# fmt: on
"""Of the quarters 1951 II to 1984 IV, in per cent, as Hamilton published them."""

STAYS = np.array([[0.754673, 1.0 - 0.754673], [0.095915, 1.0 - 0.095915]])
MEANS = np.array([-0.358811, 1.163517])
VARIANCE = np.exp(-0.262658) ** 2
AUTOREGRESSION = np.array([0.013486, -0.057521, -0.246983, -0.212923])
ORDER = len(AUTOREGRESSION)
HISTORIES = list(product(range(2), repeat=ORDER + 1))
"""The regime of a quarter and of the four before it, newest first: the state of a model without memory."""


def stationary(transitions: np.ndarray) -> np.ndarray:
    leaving = 1.0 - np.diag(transitions)
    return leaving[::-1] / leaving.sum()


def start(history: tuple[int, ...]) -> float:
    oldest_first = history[::-1]
    steps = [STAYS[a, b] for a, b in pairwise(oldest_first)]
    return float(stationary(STAYS)[oldest_first[0]] * np.prod(steps))


def with_memory() -> GaussianHMM:
    """Hamilton's model as thirty-two states of ``y_t - sum(phi_i y_(t-i))``."""
    weights = np.r_[1.0, -AUTOREGRESSION]
    moves = [
        [STAYS[old[0], new[0]] if new[1:] == old[:-1] else 0.0 for new in HISTORIES] for old in HISTORIES
    ]
    return GaussianHMM.from_parameters(
        start_probabilities=[start(history) for history in HISTORIES],
        transition_matrix=moves,
        means=[[weights @ MEANS[list(history)]] for history in HISTORIES],
        covariances=np.full((len(HISTORIES), 1, 1), VARIANCE),
    )


def test_growth_of_american_output() -> None:
    peer = statsmodels.tsa.MarkovAutoregression(GROWTH, k_regimes=2, order=ORDER, switching_ar=False)
    theirs = peer.smooth(np.r_[STAYS[:, 0], MEANS, VARIANCE, AUTOREGRESSION])
    lags = [GROWTH[ORDER - lag : -lag] for lag in range(1, ORDER + 1)]
    X = (GROWTH[ORDER:] - AUTOREGRESSION @ lags)[:, None]
    model = with_memory()
    in_recession = np.array([1.0 if history[0] == 0 else 0.0 for history in HISTORIES])
    assert model.log_likelihood(X) == pytest.approx(theirs.llf, rel=1e-10)
    assert model.log_likelihood(X) == pytest.approx(-181.26339, abs=1e-5)  # so says statsmodels, after Stata
    filtered = theirs.filtered_marginal_probabilities[:, 0]
    np.testing.assert_allclose(model.filter(X) @ in_recession, filtered, atol=1e-9)
    smoothed = theirs.smoothed_marginal_probabilities[:, 0]
    np.testing.assert_allclose(model.smooth(X) @ in_recession, smoothed, atol=1e-9)


def test_a_recession_lasts_a_year_and_growth_ten_quarters() -> None:
    model = GaussianHMM.from_parameters(
        start_probabilities=stationary(STAYS),
        transition_matrix=STAYS,
        means=MEANS[:, None],
        covariances=np.full((2, 1, 1), VARIANCE),
    )
    expected = 1.0 / (1.0 - np.diag(model.transition_matrix_))
    np.testing.assert_allclose(expected, [4.076, 10.426], atol=5e-4)
    peer = statsmodels.tsa.MarkovAutoregression(GROWTH, k_regimes=2, order=ORDER, switching_ar=False)
    theirs = peer.smooth(np.r_[STAYS[:, 0], MEANS, VARIANCE, AUTOREGRESSION])
    np.testing.assert_allclose(expected, theirs.expected_durations, rtol=1e-12)
