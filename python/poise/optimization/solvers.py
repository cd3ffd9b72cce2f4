"""Solve for weights: risk parity, minimum variance, mean-variance.

The solvers of the core are exact to rounding and prove it. They never fail for a finite positive
semidefinite covariance and bounds that admit a full investment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poise import _native
from poise.domain.labels import BARE, unwrap_vector
from poise.optimization.answer import to_result
from poise.optimization.inputs import read_covariance, read_real, read_start
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds, read_box
from poise.optimization.result import OptimizationResult
from poise.typing import ArrayLike, Bounds

if TYPE_CHECKING:
    from poise.optimization.trading_costs import TradingCosts


def solve_risk_parity(
    covariance: ArrayLike,
    *,
    budgets: ArrayLike | None = None,
    bounds: Bounds | None = None,
    initial_weights: ArrayLike | None = None,
) -> OptimizationResult:
    """Weights whose assets contribute equally to risk, or in proportion to their budgets.

    Assets with budget 0 and assets without variance get weight 0, or what the bounds force on them. Where
    bounds bind, the weights minimise ``w'Sw / 2 - kappa * sum(b * log(w))`` within them, ``kappa`` such
    that they sum to 1: those inside their bounds keep contributions in proportion to their budgets where
    that is possible, and ``budget_gap`` says how far the rest is away.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    budgets : array_like of shape (n_assets,), optional
        Shares of risk, not negative, in any unit; equal unless given.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset. Negative lower bounds count as 0.
    initial_weights : array_like of shape (n_assets,), optional
        The answer of a neighbouring problem, such as that of the bar before; of any scale, 0 for an asset
        that it did not have. Contributions then meet their budgets to 1e-8 of each, from scratch to 1e-10,
        and the neighbour stands for this covariance being positive semidefinite. Of no use where bounds
        bind. :meth:`RiskParity.fit_covariance` keeps it from bar to bar.

    Returns
    -------
    OptimizationResult
        The certificate is the largest error of a contribution of the assets inside their bounds, as a
        fraction of the risk. Status ``relaxed``, with the minimum variance within the bounds, where no
        ``kappa`` exists: the bounds force risk on the book that hedging would outgrow, or a singular
        covariance lets the weights hedge all risk away.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction. Beyond 100 assets, where a factor would cost many
        times the answer, one is searched for in a few steps: what is put together pair by pair or edited by
        hand shows, a faint one may not. The certificate holds all the same.
    ParameterError
        If a budget or an initial weight is negative, or no budget is positive.
    InfeasibleError
        If the lower bounds sum to more than 1, one exceeds its upper bound, or an upper bound is negative.

    References
    ----------
    .. [1] Spinu (2013). An Algorithm for Computing Risk Parity Weights.
    .. [2] Dembo and Steihaug (1983). Truncated-Newton Algorithms for Large-Scale Unconstrained
       Optimization.
    .. [3] Richard and Roncalli (2019). Constrained Risk Budgeting Portfolios.
    """
    plain = _native.plain_risk_parity(covariance, budgets, bounds, initial_weights)
    if plain is not None:
        return to_result(plain, BARE, "risk parity")
    matrix, labels = read_covariance(covariance)
    shares = start = box = None
    if budgets is not None:
        shares, labels = unwrap_vector(budgets, "budgets", labels)
    if initial_weights is not None:
        start, labels = unwrap_vector(initial_weights, "initial_weights", labels)
    if bounds is not None:
        box = read_bounds(bounds, len(matrix), labels)
        if leaves_cash(box[1]):
            _native.risk_parity(matrix, shares, None, start)
            return held_at_upper(box[1], labels)
    return to_result(_native.risk_parity(matrix, shares, box, start), labels, "risk parity")


def solve_minimum_variance(
    covariance: ArrayLike,
    *,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
    initial_weights: ArrayLike | None = None,
) -> OptimizationResult:
    """Weights of least variance within the bounds.

    Assets without variance are treated like cash: weight 0, or what the bounds force on them.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.
    constraints : constraint or sequence of constraints, optional
        Those of :mod:`poise.optimization.constraints`, expressions such as ``"A + B <= 0.5"``, or callables
        that take the weights as a ``cvxpy.Variable`` and return convex cvxpy constraints.
    groups : mapping, optional
        Assets to groups or groups to members, which expressions may name.
    costs : TradingCosts, optional
        Added to the variance, both per period; another trade-off between them is
        :func:`solve_mean_variance` with expected returns of 0.
    initial_weights : array_like of shape (n_assets,), optional
        The answer of a neighbouring problem, such as that of the bar before: fewer steps to the same answer.
        What breaks a bound or the sum is moved there first. Of no use beside constraints and costs.

    Returns
    -------
    OptimizationResult
        The certificate is the largest violation of the optimality conditions relative to the terms they
        are made of, ``v_i * sum(v * abs(w))`` with ``v`` the volatilities; the objective is the variance,
        and the costs. Where `constraints` or `costs` matter the certificate is the relative duality gap, or
        the violation of a constraint if that is larger; where no weights keep the constraints the status is
        ``infeasible`` and ``relaxations`` say what gave way.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a bound has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction.
    ParameterError
        If a constraint contradicts itself, or is not convex by the rules of cvxpy.
    UnknownSymbolError
        If a constraint names an asset or group that is not there.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    References
    ----------
    .. [1] Markowitz (1956). The Optimization of a Quadratic Function Subject to Linear Constraints.
    """
    if constraints is None and costs is None:
        plain = _native.plain_minimum_variance(covariance, bounds, initial_weights)
        if plain is not None:
            return to_result(plain, BARE, "minimum variance")
    matrix, labels = read_covariance(covariance)
    if constraints is not None or costs is not None:
        from poise.optimization.constrained import minimum_variance_within, read_limits

        limits = read_limits(constraints, groups, bounds, len(matrix), labels)
        return minimum_variance_within(matrix, limits, costs, labels)
    lower, upper = read_box(bounds, len(matrix), labels)
    if upper is not None and leaves_cash(upper):
        _native.minimum_variance(matrix, None, None)
        return held_at_upper(upper, labels)
    start = read_start(initial_weights, labels)
    return to_result(_native.minimum_variance(matrix, lower, upper, start), labels, "minimum variance")


def solve_mean_variance(
    expected_returns: ArrayLike,
    covariance: ArrayLike,
    *,
    risk_aversion: float,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
    initial_weights: ArrayLike | None = None,
) -> OptimizationResult:
    """Weights that maximise ``mu'w - risk_aversion / 2 * w'Sw`` within the bounds.

    An asset without variance takes part here: its expected return says what holding it is worth.

    Parameters
    ----------
    expected_returns : array_like of shape (n_assets,)
        Per period of the covariance, as fractions.
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    risk_aversion : float
        Positive: 2 to 4 are common with annual figures.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.
    constraints, groups : optional
        As in :func:`solve_minimum_variance`.
    costs : TradingCosts, optional
        Subtracted, per period as everything here.
    initial_weights : array_like of shape (n_assets,), optional
        The answer of a neighbouring problem, such as that of the bar before: fewer steps to the same answer.
        What breaks a bound or the sum is moved there first. Of no use beside constraints and costs.

    Returns
    -------
    OptimizationResult
        The certificate is that of :func:`solve_minimum_variance`, the expected returns counted among the
        terms; the objective is ``mu'w - risk_aversion / 2 * w'Sw``.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction.
    ParameterError
        If the risk aversion is not positive and finite.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    References
    ----------
    .. [1] Markowitz (1952). Portfolio Selection.
    """
    if constraints is None and costs is None:
        plain = _native.plain_mean_variance(
            expected_returns, covariance, risk_aversion, bounds, initial_weights
        )
        if plain is not None:
            return to_result(plain, BARE, "mean-variance")
    matrix, labels = read_covariance(covariance)
    means, labels = unwrap_vector(expected_returns, "expected_returns", labels)
    aversion = read_real(risk_aversion, "risk_aversion")
    if constraints is not None or costs is not None:
        from poise.optimization.constrained import mean_variance_within, read_limits

        limits = read_limits(constraints, groups, bounds, len(matrix), labels)
        return mean_variance_within(means, matrix, aversion, limits, costs, labels)
    lower, upper = read_box(bounds, len(matrix), labels)
    if upper is not None and leaves_cash(upper):
        _native.mean_variance(means, matrix, aversion, None, None)
        return held_at_upper(upper, labels)
    start = read_start(initial_weights, labels)
    solution = _native.mean_variance(means, matrix, aversion, lower, upper, start)
    return to_result(solution, labels, "mean-variance")
