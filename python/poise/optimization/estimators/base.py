"""What every portfolio estimator does: parameters, fitting on returns, predicting portfolio returns."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from poise.domain.labels import Labels, unwrap_matrix
from poise.errors import (
    EmptyInputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
    StateError,
    did_you_mean,
)
from poise.optimization.result import OptimizationResult
from poise.typing import ArrayLike, Matrix, Vector

STILL = 1e-15
"""Returns whose deviation is a smaller part of the largest of them do not move."""


@dataclass(eq=False, repr=False, kw_only=True)
class PortfolioEstimator(ABC):
    """A portfolio that is fitted to returns.

    Subclasses are dataclasses whose fields are the parameters; they solve for the weights in ``_solve``.

    Attributes
    ----------
    result_ : OptimizationResult
        The last answer, with its certificate.
    weights_ : ndarray, Series or frame of shape (n_assets,)
        Its weights, with the labels of the returns.
    n_features_in_ : int
        How many assets it was fitted to.
    feature_names_in_ : ndarray of str
        Their names; only where they had some.
    """

    @abstractmethod
    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:
        """Return the answer for returns as they came, and as an array with their labels."""

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Solve for the weights that these returns ask for.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_assets)
            Simple returns per period, as fractions. Finite, unless the moment estimators allow gaps.
        y : ignored
            For pipelines.

        Returns
        -------
        PortfolioEstimator
            This object. What is refused leaves it as it was.

        Raises
        ------
        PoiseError
            Those of the estimators of moments and of the solver.
        """
        returns, labels = unwrap_matrix(X, "X")
        if not returns.size:
            raise EmptyInputError(f"X has shape {returns.shape}; pass at least one observation and one asset")
        silent = np.flatnonzero(np.isnan(returns).all(axis=0))
        if silent.size:
            name = silent[0] if labels.names is None else labels.names[silent[0]]
            raise NonFiniteError(f"asset {name} has no return at all, only NaN; drop it")
        self._settle(self._solve(X, returns, labels), returns.shape[1], labels)
        return self

    def predict(self, X: ArrayLike) -> Any:
        """Return the portfolio's returns at the fitted weights; what they leave is cash, which earns nothing.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_assets)
            Simple returns of the fitted assets; named ones are matched by name. NaN is allowed in assets
            without weight.

        Returns
        -------
        ndarray or Series of shape (n_observations,)
            Simple returns per period, rebalanced to the weights every period at no cost; NaN where an asset
            with weight has none.

        Raises
        ------
        StateError
            If nothing was fitted yet.
        ShapeError
            If there are other assets.
        NonFiniteError
            If a return is infinite.
        """
        weights = np.ravel(np.asarray(self.weights_, dtype=np.float64))
        returns, labels = unwrap_matrix(X, "X")
        if np.isinf(returns).any():
            row, column = (int(each) for each in np.argwhere(np.isinf(returns))[0])
            raise NonFiniteError(f"X at row {row}, column {column} is infinite; fill it or drop it")
        ordered = returns[:, self._places(returns.shape[1], labels)]
        held = weights != 0.0
        return labels.series(np.ascontiguousarray(ordered[:, held]) @ weights[held])

    def score(self, X: ArrayLike, y: object = None) -> float:  # noqa: ARG002 - scikit-learn passes it
        """Return the Sharpe ratio of the portfolio per period, at a risk-free rate of 0; more is better.

        Not annualised, which would change no comparison. NaN where the portfolio's returns do not move, or
        hold NaN.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_assets)
            Simple returns, best of a time after those of `fit`.
        y : ignored

        Raises
        ------
        StateError, ShapeError, NonFiniteError
            As `predict`.
        NotEnoughDataError
            If there is no second observation.
        """
        earned = np.asarray(self.predict(X), dtype=np.float64)
        if len(earned) < 2:
            raise NotEnoughDataError(f"{len(earned)} observations have no Sharpe ratio; pass at least 2")
        largest = float(np.abs(earned).max())
        if not 0.0 < largest < math.inf:
            return math.nan
        # In units of the largest: no square overflows.
        ratios = earned / largest
        deviation = float(ratios.std(ddof=1))
        return float(ratios.mean()) / deviation if deviation > STILL else math.nan

    @property
    def result_(self) -> OptimizationResult:
        """The last answer, with its certificate."""
        result: OptimizationResult | None = self.__dict__.get("_result")
        if result is None:
            raise StateError("nothing was fitted yet; call fit first")
        return result

    @property
    def weights_(self) -> Any:
        """The last weights."""
        return self.result_.weights

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; with `deep` also those of estimators among them.

        Parameters
        ----------
        deep : bool, default=True
        """
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            found[each.name] = value
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                inner = value.get_params(deep=True)
                found |= {f"{each.name}__{name}": inside for name, inside in inner.items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, those of an estimator among them as ``name__parameter``.

        Raises
        ------
        ParameterError
            If there is no such parameter.
        """
        known = {each.name for each in fields(self)}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, _, inner = name.partition("__")
            if outer not in known:
                raise ParameterError(
                    f"{type(self).__name__} has no parameter {outer!r}{did_you_mean(outer, known)}"
                )
            if inner:
                nested.setdefault(outer, {})[inner] = value
            else:
                setattr(self, outer, value)
        for outer, inside in nested.items():
            target = getattr(self, outer)
            if not hasattr(target, "set_params"):
                raise ParameterError(f"{outer} is {target!r}, which has no parameters to set")
            target.set_params(**inside)
        return self

    def __repr__(self) -> str:
        """Show the parameters that are not at their defaults."""
        told = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not each.default:
                told.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(told)})"

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is an answer."""
        return self.__dict__.get("_result") is not None

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn, which alone asks, what this is."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(allow_nan=True),
        )

    def _settle(self, result: OptimizationResult, n_assets: int, labels: Labels) -> None:
        """Keep an answer and what it was fitted to."""
        self._result = result
        self._names = None if labels.assets is None else tuple(labels.assets)
        self.n_features_in_ = n_assets
        self.__dict__.pop("feature_names_in_", None)
        if self._names is not None and all(isinstance(name, str) for name in self._names):
            self.feature_names_in_ = np.array(self._names, dtype=object)

    def _places(self, n_assets: int, labels: Labels) -> Any:
        """Return where the fitted assets stand among these."""
        if n_assets != self.n_features_in_:
            raise ShapeError(f"X has {n_assets} assets, but {self.n_features_in_} were fitted; pass the same")
        if labels.assets is None or self._names is None or tuple(labels.assets) == self._names:
            return slice(None)
        place = {asset: i for i, asset in enumerate(labels.assets)}
        missing = [asset for asset in self._names if asset not in place]
        if missing:
            raise ShapeError(f"X has no asset {missing[0]!r}, which was fitted; pass the same assets")
        return [place[asset] for asset in self._names]


def as_vector(weights: Any) -> Vector:
    """Return labelled weights as an array."""
    return np.ravel(np.asarray(weights, dtype=np.float64))
