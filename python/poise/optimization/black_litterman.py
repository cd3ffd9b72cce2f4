"""Expected returns out of the market's and one's own views (Black and Litterman).

What the market weights imply is the prior; each view moves the expected return of one portfolio, and through
the covariance those of all assets, as far as it is trusted. Without a view the answer is the market.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.labels import Labels
from poise.errors import ParameterError
from poise.optimization.equilibrium import (
    RISK_AVERSION,
    read_figures,
    read_moments,
    read_positive,
    require_finite,
)
from poise.optimization.views import View, ViewLike, read_views
from poise.typing import ArrayLike, Matrix, Vector

TAU = 0.05
"""Uncertainty of the prior mean as a part of the covariance; only its ratio to the views' own matters."""

CERTAIN = 1e-12
"""Variance of a view held with confidence 1, as a part of the prior's: the posterior meets it to rounding."""


@dataclass(frozen=True, eq=False)
class BlackLittermanPosterior:
    """Expected returns and covariance after the views, and what they ask one to hold.

    Attributes
    ----------
    expected_returns : ndarray, Series or frame of shape (n_assets,)
        Posterior mean per period, in excess of the riskless rate.
    covariance : ndarray or frame of shape (n_assets, n_assets)
        Of returns: the given one and the uncertainty of the mean that the views leave.
    prior : ndarray, Series or frame of shape (n_assets,)
        Expected returns before the views.
    weights : ndarray, Series or frame of shape (n_assets,)
        Optimal without any constraint; they sum to ``1 / (1 + tau)`` and what the views add, for the mean is
        not certain. Hand `expected_returns` and `covariance` to a solver for weights within limits.
    view_weights : ndarray of shape (n_views,)
        How much of each view's portfolio is held on top of the market, times ``1 + tau``: the sign says
        whether a view asks for more or less than the prior already holds.
    view_uncertainties : ndarray of shape (n_views,)
        Variance of each view's error, per period.
    views : tuple of View
        Those that took part, in the order given.
    messages : tuple of str
        Views that were dropped or change nothing, and why.
    """

    expected_returns: Any
    covariance: Any
    prior: Any
    weights: Any
    view_weights: Vector
    view_uncertainties: Vector
    views: tuple[View, ...]
    messages: tuple[str, ...] = ()


def black_litterman(
    covariance: ArrayLike,
    views: Sequence[ViewLike] | tuple[ArrayLike, ArrayLike] = (),
    *,
    market_weights: ArrayLike | None = None,
    prior: ArrayLike | None = None,
    risk_aversion: float = RISK_AVERSION,
    tau: float = TAU,
    view_uncertainties: ArrayLike | None = None,
) -> BlackLittermanPosterior:
    """Combine the returns that a market implies with views on some of its portfolios.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Per period, symmetric.
    views : sequence of View or str, or pair of arrays
        Expected *excess* returns of portfolios, per period of the covariance. A view is a :class:`View` or an
        expression in the assets' names such as ``"BTC - ETH = 0.02"`` or ``"SOL = 0.1 @ 60%"``, what follows
        the ``@`` being the confidence. A pair ``(P, Q)`` gives the portfolios as the rows of an array of
        shape ``(n_views, n_assets)`` and their returns.
    market_weights : array_like of shape (n_assets,), optional
        Fractions of the market portfolio, from which the prior follows.
    prior : array_like of shape (n_assets,), optional
        Expected excess returns per period instead of market weights. Equal market weights where neither is
        given.
    risk_aversion : float, default=2.5
        Of the market; positive.
    tau : float, default=0.05
        Variance of the prior mean as a part of the covariance, such as one over the observations behind it.
    view_uncertainties : array_like of shape (n_views,), optional
        Variance of each view's error. Unless given it follows from the view's confidence ``c`` as ``(1 - c) /
        c * tau * p'Sp`` (Idzorek): at 1 the posterior meets the view, at one half it goes half the way of a
        lone view, at 0 the view is dropped. A view without a confidence gets ``tau * p'Sp`` (He and
        Litterman), which is one half.

    Returns
    -------
    BlackLittermanPosterior

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If shapes or names disagree.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If a variance is negative.
    ParameterError
        If both `market_weights` and `prior` are given, a view names an unknown asset or none, cannot be read,
        has a confidence outside 0 to 1, or a number is out of its range.

    References
    ----------
    .. [1] He and Litterman (1999). The Intuition Behind Black-Litterman Model Portfolios.
    .. [2] Idzorek (2005). A Step-by-Step Guide to the Black-Litterman Model; in Walters' (2014) closed form.

    Examples
    --------
    >>> posterior = black_litterman(
    ...     [[0.04, 0.01], [0.01, 0.09]],
    ...     [View({0: 1.0, 1: -1.0}, 0.0, confidence=1.0)],
    ...     market_weights=[0.6, 0.4],
    ... )
    >>> posterior.prior.round(3), posterior.expected_returns.round(3)
    (array([0.07 , 0.105]), array([0.08, 0.08]))
    """
    matrix, labels = read_moments(covariance)
    read_positive(tau, "tau")
    held, messages = _held(read_views(views, labels, len(matrix)), view_uncertainties)
    # What overflows is refused in the end, in words.
    with np.errstate(over="ignore", invalid="ignore"):
        implied, market, labels = _prior(
            matrix, labels, market_weights, prior, read_positive(risk_aversion, "risk_aversion")
        )
        P, Q = _portfolios(held, len(matrix))
        exposures = matrix @ P.T
        spread = np.einsum("ki,ik->k", P, exposures)
        omega = _uncertainties(held, tau * spread, view_uncertainties)
        still = spread <= 0.0
        messages += [
            f"{held[k].name}: a portfolio without variance; the view changes nothing"
            for k in np.flatnonzero(still)
        ]
        # Any positive number does for a view that moves nothing; it keeps the small system regular.
        omega[still] = np.maximum(omega[still], 1.0)
        surprise = Q - P @ implied
        require_finite(np.concatenate([surprise, exposures.ravel(), omega]), "the views' moments")
        system = tau * (P @ exposures) + np.diag(omega)
        weight = np.linalg.solve(system, np.column_stack([surprise, tau * exposures.T]))
        mean = implied + tau * exposures @ weight[:, 0]
        remaining = (1.0 + tau) * matrix - tau * exposures @ weight[:, 1:]
        active = _view_weights(P, exposures, omega, Q, implied, tau=tau, risk_aversion=risk_aversion)
        optimal = (market + P.T @ active) / (1.0 + tau)
        covariance_after = 0.5 * remaining + 0.5 * remaining.T
    require_finite(np.concatenate([mean, optimal, covariance_after.ravel()]), "the posterior moments")
    return BlackLittermanPosterior(
        expected_returns=labels.vector(mean),
        covariance=labels.matrix(covariance_after),
        prior=labels.vector(implied),
        weights=labels.vector(optimal),
        view_weights=active,
        view_uncertainties=omega,
        views=held,
        messages=tuple(messages),
    )


def _view_weights(
    P: Matrix,
    exposures: Matrix,
    omega: Vector,
    Q: Vector,
    implied: Vector,
    *,
    tau: float,
    risk_aversion: float,
) -> Vector:
    """Solve ``(Omega + tau / (1 + tau) P S P') x = tau (Q - P pi / (1 + tau)) / risk_aversion``.

    He and Litterman's (1999) weights of the view portfolios; no inverse of the covariance is needed.
    """
    shrink = 1.0 / (1.0 + tau)
    system = np.diag(omega) + tau * shrink * (P @ exposures)
    return np.asarray(np.linalg.solve(system, tau / risk_aversion * (Q - shrink * (P @ implied))))


def _prior(
    matrix: Matrix,
    labels: Labels,
    market_weights: ArrayLike | None,
    prior: ArrayLike | None,
    risk_aversion: float,
) -> tuple[Vector, Vector, Labels]:
    """Return the implied returns, the weights that imply them and the labels."""
    if market_weights is not None and prior is not None:
        raise ParameterError("both market_weights and prior are given; one follows from the other, pass one")
    if prior is None:
        n = len(matrix)
        weights = np.full(n, 1.0 / n)
        if market_weights is not None:
            weights, labels = read_figures(market_weights, "market_weights", n, labels)
        return risk_aversion * (matrix @ weights), weights, labels
    implied, labels = read_figures(prior, "prior", len(matrix), labels)
    # Of least norm where the covariance is singular and many weights would imply the same returns.
    weights = np.linalg.lstsq(matrix, implied / risk_aversion, rcond=None)[0]
    return implied, np.asarray(weights, dtype=np.float64), labels


def _held(views: tuple[View, ...], uncertainties: ArrayLike | None) -> tuple[tuple[View, ...], list[str]]:
    """Return the views that are held at all, and what is said of the others."""
    held = tuple(view for view in views if uncertainties is not None or view.confidence != 0.0)
    return held, [f"{view.name}: confidence 0; the view is left out" for view in views if view not in held]


def _portfolios(held: tuple[View, ...], n_assets: int) -> tuple[Matrix, Vector]:
    """Return the views' portfolios and returns."""
    P = np.zeros((len(held), n_assets))
    for row, view in zip(P, held, strict=True):
        for position, weight in view.weights.items():
            row[position] = weight
    return P, np.array([view.expected_return for view in held])


def _uncertainties(views: tuple[View, ...], spread: Vector, given: ArrayLike | None) -> Vector:
    """Return each view's own variance; `spread` is the prior's of its portfolio."""
    if given is not None:
        own = np.array(given, dtype=np.float64)
        if own.shape != (len(views),) or not (np.isfinite(own) & (own >= 0.0)).all():
            raise ParameterError(
                f"view_uncertainties is {given!r}, expected {len(views)} variances, finite and not negative"
            )
        return np.maximum(own, CERTAIN * spread)
    confidence = np.array([0.5 if view.confidence is None else view.confidence for view in views])
    own_part: Vector = np.maximum((1.0 - confidence) / confidence, CERTAIN)
    return own_part * spread
