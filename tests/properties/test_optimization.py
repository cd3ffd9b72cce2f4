"""What must hold for every optimizer, on covariances made to hurt."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.optimization import (
    OptimizationStatus,
    cap_weighted,
    equal_weights,
    inverse_volatility,
    solve_maximum_diversification,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
    water_fill,
)
from tests.tolerances import SOLVER, SUM

hostile_settings = settings(max_examples=100, deadline=None)


@st.composite
def covariances(draw, *, regular=False):
    """Sample covariances with twins, hedges, still assets, few observations and very different scales."""
    n = draw(st.integers(1, 9))
    n_observations = draw(st.integers(3 * n + 3, 4 * n + 6) if regular else st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(size=(n_observations, n)) + rng.uniform(0, 2) * rng.normal(size=(n_observations, 1))
    x = x * 10.0 ** rng.uniform(-2, 2, size=n)
    if not regular:
        for _ in range(draw(st.integers(0, 3))):
            i, j = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
            trick = draw(st.sampled_from(["twin", "hedge", "still", "multiple"]))
            if trick == "twin":
                x[:, j] = x[:, i]
            elif trick == "hedge" and i != j:
                x[:, j] = -x[:, i]
            elif trick == "still":
                x[:, i] = 0.0
            else:
                x[:, j] = 2.5 * x[:, i]
    return x.T @ x / n_observations * 10.0 ** draw(st.integers(-12, 12))


@st.composite
def boxes(draw, n):
    """Bounds with room for a full investment: caps, floors or both."""
    lower = [draw(st.floats(0.0, 0.9)) / n * draw(st.integers(0, 1)) for _ in range(n)]
    upper = [max(draw(st.floats(1.0, 3.0)) / n, low) for low in lower]
    return np.array(lower), np.array(upper)


@st.composite
def boxed_covariances(draw):
    covariance = draw(covariances())
    return covariance, draw(boxes(len(covariance)))


def keeps_bounds(weights, lower, upper):
    assert np.isfinite(weights).all()
    assert abs(weights.sum() - 1.0) <= SUM
    assert (weights >= lower).all()
    assert (weights <= upper).all()
    assert not (np.signbit(weights) & (weights == 0.0)).any()


def contributions(weights, covariance):
    parts = weights * (covariance @ weights)
    return parts / parts.sum()


@hostile_settings
@given(boxed_covariances())
def test_every_answer_keeps_its_bounds_and_its_certificate(case):
    covariance, (lower, upper) = case
    means = np.linspace(-1, 1, len(covariance)) * np.sqrt(np.trace(covariance))
    for result in [
        solve_minimum_variance(covariance, bounds=(lower, upper)),
        solve_maximum_diversification(covariance, bounds=(lower, upper)),
        solve_mean_variance(means, covariance, risk_aversion=2.0, bounds=(lower, upper)),
    ]:
        keeps_bounds(result.weights, lower, upper)
        assert result.certificate <= 1e-8
        assert result.status in {OptimizationStatus.OPTIMAL, OptimizationStatus.DEGENERATE}
    parity = solve_risk_parity(covariance, bounds=(lower, upper))
    keeps_bounds(parity.weights, lower, upper)
    assert parity.certificate <= (1e-8 if parity.status is OptimizationStatus.OPTIMAL else 1e-3)


@hostile_settings
@given(covariances(regular=True), st.data())
def test_contributions_meet_their_budgets(covariance, data):
    n = len(covariance)
    budgets = np.array(data.draw(st.lists(st.floats(0.001, 1.0), min_size=n, max_size=n)))
    result = solve_risk_parity(covariance, budgets=budgets)
    assert result.status is OptimizationStatus.OPTIMAL
    np.testing.assert_allclose(
        contributions(result.weights, covariance), budgets / budgets.sum(), atol=SOLVER
    )
    equal = solve_risk_parity(covariance).weights
    np.testing.assert_allclose(contributions(equal, covariance), np.full(n, 1 / n), atol=SOLVER)


@hostile_settings
@given(covariances(), st.data())
def test_any_start_is_as_good_as_none(covariance, data):
    n = len(covariance)
    start = data.draw(st.lists(st.sampled_from([0.0, 1e-9, 0.3, 1.0, 1e9]), min_size=n, max_size=n))
    result = solve_risk_parity(covariance, initial_weights=start)
    keeps_bounds(result.weights, 0.0, 1.0)
    assert result.certificate <= (1e-8 if result.status is OptimizationStatus.OPTIMAL else 1e-3)
    if result.status is OptimizationStatus.OPTIMAL:
        np.testing.assert_allclose(contributions(result.weights, covariance), np.full(n, 1 / n), atol=SOLVER)


@hostile_settings
@given(covariances(regular=True), st.data())
def test_bounded_parity_has_one_price_of_risk(covariance, data):
    # Inside the bounds contribution / budget is kappa; held up by a floor it is more, by a cap less.
    n = len(covariance)
    lower, upper = data.draw(boxes(n))
    result = solve_risk_parity(covariance, bounds=(lower, upper))
    if result.status is not OptimizationStatus.OPTIMAL:
        assert result.status is OptimizationStatus.RELAXED
        return
    share = contributions(result.weights, covariance)
    at_lower, at_upper = result.weights <= lower, result.weights >= upper
    inside = ~at_lower & ~at_upper
    if inside.any():
        kappa = share[inside].mean()
        np.testing.assert_allclose(share[inside], kappa, atol=SOLVER)
        assert (share[at_lower & ~at_upper] >= kappa - SOLVER).all()
        assert (share[at_upper & ~at_lower] <= kappa + SOLVER).all()


@hostile_settings
@given(covariances(regular=True))
def test_all_held_assets_correlate_alike_with_the_most_diversified(covariance):
    weights = solve_maximum_diversification(covariance).weights
    volatility = np.sqrt(np.diag(covariance))
    correlation = covariance @ weights / volatility / np.sqrt(weights @ covariance @ weights)
    held = weights > 0.0
    np.testing.assert_allclose(correlation[held], correlation[held][0], atol=SOLVER)
    assert (correlation[~held] >= correlation[held][0] - SOLVER).all()


@hostile_settings
@given(covariances(regular=True), st.data())
def test_the_order_of_assets_does_not_matter(covariance, data):
    n = len(covariance)
    order = np.array(data.draw(st.permutations(range(n))))
    lower, upper = data.draw(boxes(n))
    shuffled = covariance[np.ix_(order, order)]
    for solve in [solve_risk_parity, solve_minimum_variance, solve_maximum_diversification]:
        plain = solve(covariance, bounds=(lower, upper)).weights
        other = solve(shuffled, bounds=(lower[order], upper[order])).weights
        np.testing.assert_allclose(other, plain[order], atol=SOLVER)


@hostile_settings
@given(covariances(regular=True), st.integers(-30, 30))
def test_units_do_not_matter(covariance, power):
    for solve in [solve_risk_parity, solve_minimum_variance, solve_maximum_diversification]:
        np.testing.assert_allclose(
            solve(covariance * 10.0**power).weights, solve(covariance).weights, atol=SOLVER
        )


@hostile_settings
@given(covariances(regular=True), st.data())
def test_a_twin_shares_with_its_twin(covariance, data):
    n = len(covariance)
    i = data.draw(st.integers(0, n - 1))
    keep = np.append(np.arange(n), i)
    doubled = covariance[np.ix_(keep, keep)]
    for solve in [solve_minimum_variance, solve_maximum_diversification]:
        alone, together = solve(covariance).weights, solve(doubled).weights
        np.testing.assert_allclose(together[i], together[n], atol=1e-12)
        # Both have the ridge of a singular matrix, which is 1e-10 of the variances.
        np.testing.assert_allclose(together[i] + together[n], alone[i], atol=1e-6)
    parity = solve_risk_parity(doubled).weights
    np.testing.assert_allclose(parity[i], parity[n], atol=SOLVER)


@hostile_settings
@given(covariances(regular=True))
def test_the_minimum_variance_is_the_minimum(covariance):
    n = len(covariance)
    weights = solve_minimum_variance(covariance).weights
    least = weights @ covariance @ weights
    rivals = [
        equal_weights(n),
        inverse_volatility(covariance),
        solve_risk_parity(covariance).weights,
        *np.eye(n),
    ]
    assert all(least <= rival @ covariance @ rival * (1 + 1e-12) for rival in rivals)


@hostile_settings
@given(covariances(regular=True))
def test_aversion_leads_from_return_to_safety(covariance):
    n = len(covariance)
    means = np.sin(np.arange(n)) * np.sqrt(np.trace(covariance))
    volatility, mean = [], []
    for aversion in 10.0 ** np.arange(-3.0, 6.0):
        weights = solve_mean_variance(
            means, covariance, risk_aversion=aversion / np.sqrt(np.trace(covariance))
        ).weights
        volatility.append(np.sqrt(weights @ covariance @ weights))
        mean.append(means @ weights)
    assert (np.diff(volatility) <= 1e-9 * volatility[0]).all()
    assert (np.diff(mean) <= 1e-9 * np.abs(means).max()).all()


@hostile_settings
@given(st.lists(st.floats(0.0, 1e12), min_size=1, max_size=12), st.floats(0.05, 1.0))
def test_caps_hold_for_every_rule(sizes, cap):
    sizes = np.array(sizes)
    n = sizes.size
    rules = [equal_weights(n, bounds=(0, cap)), inverse_volatility(np.diag(sizes), bounds=(0, cap))]
    if sizes.max() > 0:
        weights = cap_weighted(sizes, exponent=1.0, bounds=(0, cap))
        order = np.argsort(sizes)
        assert (np.diff(weights[order]) >= -1e-15).all()
        rules += [weights, water_fill(sizes / sizes.sum(), cap)]
    for weights in rules:
        assert (weights >= 0.0).all()
        assert (weights <= cap).all()
        assert weights.sum() <= 1.0 + SUM
        # Either everything is invested, or every asset with a claim is at its cap.
        assert weights.sum() >= 1.0 - SUM or set(np.unique(weights)) <= {0.0, cap}
