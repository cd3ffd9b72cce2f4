"""The moments that a portfolio rests on, by estimators of the caller's choice."""

from __future__ import annotations

import copy
from typing import Any

from poise.domain.labels import unwrap_matrix, unwrap_square
from poise.errors import ParameterError
from poise.moments import constant_correlation_shrinkage, james_stein_means
from poise.typing import ArrayLike


def covariance_of(estimator: Any, R: ArrayLike) -> Any:
    """Return the covariance of returns by an estimator of moments.

    Parameters
    ----------
    estimator : None, object with ``fit`` and ``covariance_``, callable, or array_like
        Constant-correlation shrinkage if None. Estimators are fitted as copies; a callable takes returns and
        gives a covariance, or something with one as ``covariance``; an array stands for itself.
    R : array_like of shape (n_observations, n_assets)

    Raises
    ------
    ParameterError
        If it is nothing of these.
    """
    if estimator is None:
        return constant_correlation_shrinkage(R).covariance
    values, labels = unwrap_square(_moment(estimator, R, "covariance"))
    if labels.assets is None:
        _, labels = unwrap_matrix(R)
    return labels.matrix(values) if labels.assets is None or len(labels.assets) == len(values) else values


def expected_returns_of(estimator: Any, R: ArrayLike, covariance: Any) -> Any:
    """Return the expected returns by an estimator of moments; never plain means unless asked for.

    Parameters
    ----------
    estimator : None, object with ``fit`` and ``expected_returns_``, callable, or array_like
        :func:`poise.moments.james_stein_means` if None; the rest as in :func:`covariance_of`.
    R : array_like of shape (n_observations, n_assets)
    covariance : array_like of shape (n_assets, n_assets)

    Raises
    ------
    ParameterError
        If it is nothing of these.
    """
    if estimator is None:
        return james_stein_means(R, covariance=covariance).expected_returns
    return _moment(estimator, R, "expected_returns")


def _moment(estimator: Any, R: ArrayLike, name: str) -> Any:
    if hasattr(estimator, "fit"):
        if isinstance(estimator, type):
            raise ParameterError(f"{name} is the class {estimator.__name__}; pass an object of it")
        # scikit-learn's own manners: a parameter is not changed by fitting.
        fitted = copy.deepcopy(estimator).fit(R)
        if not hasattr(fitted, f"{name}_"):
            raise ParameterError(f"{type(estimator).__name__} has no {name}_ after fit; pass one that has")
        return getattr(fitted, f"{name}_")
    if callable(estimator):
        made = estimator(R)
        return getattr(made, name, made)
    return estimator
