"""Where an active return came from: sectors held, assets chosen, and both at once.

Brinson and Fachler (1985). The effects of one period sum to the active return exactly; those of several are
linked so that they sum to the compounded one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from poise.domain.labels import Labels, unwrap_matrix, unwrap_vector
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.typing import ArrayLike, Matrix, Vector

SUM_TOLERANCE = 1e-9
"""How far weights may be from summing to 1; cash is a sector."""

Linking = Literal["carino", "menchero"]


@dataclass(frozen=True, eq=False)
class BrinsonAttribution:
    """The active return, sector by sector.

    Attributes
    ----------
    allocation : ndarray, Series or frame of shape (n_sectors,)
        Earned by holding more or less of a sector than the benchmark does.
    selection : ndarray, Series or frame of shape (n_sectors,)
        Earned by assets within the sector, at the benchmark's weight.
    interaction : ndarray, Series or frame of shape (n_sectors,)
        Of both together.
    active_return : float
        Portfolio less benchmark; the sum of all effects.
    """

    allocation: Any
    selection: Any
    interaction: Any
    active_return: float


def brinson_fachler(
    portfolio_weights: ArrayLike,
    benchmark_weights: ArrayLike,
    portfolio_returns: ArrayLike,
    benchmark_returns: ArrayLike,
) -> BrinsonAttribution:
    """Split one period's active return into allocation, selection and interaction.

    Parameters
    ----------
    portfolio_weights, benchmark_weights : array_like of shape (n_sectors,)
        At the period's start; each sums to 1, cash being a sector.
    portfolio_returns, benchmark_returns : array_like of shape (n_sectors,)
        Of each sector in the period, as fractions. NaN is allowed where that side holds nothing: the other
        side's return stands in.

    Returns
    -------
    BrinsonAttribution

    Raises
    ------
    ShapeError
        If the lengths or names disagree.
    NonFiniteError
        If a weight, or the return of a held sector, is not finite; the message names the first position.
    ParameterError
        If weights do not sum to 1.

    References
    ----------
    .. [1] Brinson and Fachler (1985). Measuring Non-U.S. Equity Portfolio Performance.

    Examples
    --------
    >>> effects = brinson_fachler([0.6, 0.4], [0.5, 0.5], [0.10, 0.02], [0.08, 0.02])
    >>> effects.allocation.round(4), effects.selection.round(4), round(effects.active_return, 4)
    (array([0.003, 0.003]), array([0.01, 0.  ]), 0.018)
    """
    held, labels = unwrap_vector(portfolio_weights, "portfolio_weights")
    held = np.ascontiguousarray(held)
    benchmark, labels = _alike(benchmark_weights, "benchmark_weights", held.size, labels)
    earned, labels = _alike(portfolio_returns, "portfolio_returns", held.size, labels)
    offered, labels = _alike(benchmark_returns, "benchmark_returns", held.size, labels)
    for name, weights in (("portfolio_weights", held), ("benchmark_weights", benchmark)):
        _require_finite(weights, name)
        if abs(weights.sum() - 1.0) > SUM_TOLERANCE:
            raise ParameterError(
                f"{name} sum to {weights.sum():.12g}, expected 1; cash is a sector of its own"
            )
    # A sector that one side does not hold has the other side's return: no selection there.
    earned = np.where((held == 0.0) & (benchmark != 0.0), offered, earned)
    offered = np.where((benchmark == 0.0) & (held != 0.0), earned, offered)
    unused = (held == 0.0) & (benchmark == 0.0)
    earned, offered = np.where(unused, 0.0, earned), np.where(unused, 0.0, offered)
    wrong = np.flatnonzero(~(np.isfinite(earned) & np.isfinite(offered)))
    if wrong.size:
        raise NonFiniteError(f"the return of held sector {int(wrong[0])} is not finite; pass what it earned")
    total = float(benchmark @ offered)
    return BrinsonAttribution(
        allocation=labels.vector((held - benchmark) * (offered - total)),
        selection=labels.vector(benchmark * (earned - offered)),
        interaction=labels.vector((held - benchmark) * (earned - offered)),
        active_return=float(held @ earned) - total,
    )


def link_effects(
    effects: ArrayLike,
    portfolio_returns: ArrayLike,
    benchmark_returns: ArrayLike,
    *,
    method: Linking = "carino",
) -> Any:
    """Sum effects of several periods so that they close on the compounded active return.

    Parameters
    ----------
    effects : array_like of shape (n_periods, n_effects)
        Each row sums to that period's active return.
    portfolio_returns, benchmark_returns : array_like of shape (n_periods,)
        As fractions, each above -1.
    method : {"carino", "menchero"}, default="carino"
        Logarithmic smoothing, or the natural scale with the least distortion of single periods.

    Returns
    -------
    ndarray, Series or frame of shape (n_effects,)
        Sums to ``prod(1 + r_p) - prod(1 + r_b)``.

    Raises
    ------
    ShapeError
        If the lengths disagree or there is no period.
    NonFiniteError
        If a value is NaN or infinite; the message names the first position. Link the periods between such
        ones apart.
    ParameterError
        If a return is -1 or less, or the method unknown.

    References
    ----------
    .. [1] Carino (1999). Combining Attribution Effects over Time.
    .. [2] Menchero (2000). An Optimized Approach to Linking Attribution Effects over Time.
    """
    table, labels = unwrap_matrix(effects, "effects")
    r, _ = unwrap_vector(portfolio_returns, "portfolio_returns")
    b, _ = unwrap_vector(benchmark_returns, "benchmark_returns")
    if not len(table) or r.shape != (len(table),) or b.shape != (len(table),):
        raise ShapeError(
            f"effects of {len(table)} periods beside {r.size} portfolio and {b.size} benchmark returns; "
            "pass one row and one return a period"
        )
    for name, values in (("effects", table), ("portfolio_returns", r), ("benchmark_returns", b)):
        _require_finite(values, name)
    table, r, b = (np.ascontiguousarray(values) for values in (table, r, b))
    if min(r.min(), b.min()) <= -1.0:
        raise ParameterError("a return is -100 % or less; nothing is left to link after that period")
    if method not in get_args(Linking):
        raise ParameterError(f"method is {method!r}, expected 'carino' or 'menchero'")
    with np.errstate(over="ignore", invalid="ignore"):
        linked = (_carino(r, b) if method == "carino" else _menchero(r, b)) @ table
    if not np.isfinite(linked).all():
        raise NonFiniteError("the linked effects overflowed; are the returns fractions?")
    return labels.vector(linked)


def _carino(r: Vector, b: Vector) -> Vector:
    """Return the logarithmic smoothing of each period over that of all."""
    R, B = _compounded(r), _compounded(b)
    whole = float(_log_ratio(np.array([R]), np.array([B]))[0])
    return _log_ratio(r, b) / whole


def _log_ratio(r: Vector, b: Vector) -> Vector:
    """Return ``(ln(1 + r) - ln(1 + b)) / (r - b)``, whose limit is ``1 / (1 + r)``."""
    # In terms of x = (r - b) / (1 + b) it is log1p(x) / x / (1 + b), which loses no digits near x = 0.
    x = (r - b) / (1.0 + b)
    near = np.abs(x) < 0.5
    small = np.where(near, x, 0.0)
    close = np.divide(np.log1p(small), small, out=np.ones_like(x), where=small != 0.0) / (1.0 + b)
    far = np.divide(np.log1p(r) - np.log1p(b), r - b, out=np.zeros_like(x), where=~near)
    ratio: Vector = np.where(near, close, far)
    return ratio


def _menchero(r: Vector, b: Vector) -> Vector:
    """Return one coefficient for all periods, corrected in proportion to each active return."""
    n = len(r)
    grown, grown_benchmark = float(np.log1p(r).sum()), float(np.log1p(b).sum())
    # In logarithms ((R - B) / n) / ((1 + R)^(1/n) - (1 + B)^(1/n)) loses no digits where R is near B.
    apart = (grown - grown_benchmark) / n
    ratio = np.expm1(n * apart) / (n * np.expm1(apart)) if apart != 0.0 else 1.0
    common = float(np.exp(grown_benchmark * (n - 1) / n) * ratio)
    active = r - b
    square = float(active @ active)
    correction = (
        (_compounded(r) - _compounded(b) - common * active.sum()) / square * active
        if square > 0.0
        else np.zeros(n)
    )
    coefficients: Vector = common + correction
    return coefficients


def _compounded(returns: Vector) -> float:
    return float(np.expm1(np.log1p(returns).sum()))


def _require_finite(values: Matrix | Vector, name: str) -> None:
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise NonFiniteError(f"{name} at {place} is {values[place]}; pass a finite number")


def _alike(values: ArrayLike, name: str, n_sectors: int, labels: Labels) -> tuple[Vector, Labels]:
    vector, labels = unwrap_vector(values, name, labels)
    if vector.shape != (n_sectors,):
        raise ShapeError(f"{name} has {vector.size} values for {n_sectors} sectors; pass one per sector")
    return np.ascontiguousarray(vector), labels
