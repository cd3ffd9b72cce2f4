"""Views on expected returns: what the user says about portfolios, and how surely."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.domain.labels import Labels
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.optimization.expressions import parse_expression
from poise.typing import ArrayLike, Vector


@dataclass(frozen=True)
class View:
    """What one portfolio is expected to earn.

    Parameters
    ----------
    weights : mapping from asset to float
        The portfolio, assets by name, or by position where they have no names. A lone 1.0 is a view on one
        asset, 1.0 and -1.0 on how far one outperforms another.
    expected_return : float
        In excess of the riskless rate, per period of the covariance, as a fraction.
    confidence : float, optional
        From 0, which drops the view, to 1, which makes it certain. Without one the view is as uncertain as
        the prior of its portfolio.
    name : str, default=""
        For messages; the view in symbols unless given.

    Examples
    --------
    >>> View({"BTC": 1.0, "ETH": -1.0}, 0.02, confidence=0.6).name
    '1 BTC - 1 ETH = 0.02'
    """

    weights: Mapping[Any, float]
    expected_return: float
    confidence: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        name = self.name or f"{_sum_of(self.weights)} = {self.expected_return:g}"
        object.__setattr__(self, "name", name)
        if not isinstance(self.weights, Mapping) or not self.weights:
            raise ParameterError(f"view {name!r} names no asset; pass a mapping from asset to weight")
        for asset, weight in self.weights.items():
            if not math.isfinite(weight):
                raise NonFiniteError(f"view {name!r} weighs {asset} with {weight}; pass a finite number")
        if not any(weight != 0.0 for weight in self.weights.values()):
            raise ParameterError(f"view {name!r} weighs every asset with 0; give one a weight")
        if not math.isfinite(self.expected_return):
            raise NonFiniteError(f"view {name!r} expects {self.expected_return}; pass a finite number")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise ParameterError(f"view {name!r} has confidence {self.confidence}, expected 0 to 1")


ViewLike = View | str


def read_views(
    views: Sequence[ViewLike] | tuple[ArrayLike, ArrayLike], labels: Labels, n_assets: int
) -> tuple[View, ...]:
    """Return the views with their assets by position.

    Raises
    ------
    ShapeError
        If a pair of arrays does not match.
    ParameterError
        If a view cannot be read, or names an asset that is not there.
    """
    if isinstance(views, View | str):
        views = (views,)
    if _is_pair(views):
        return _from_arrays(views[0], views[1], labels, n_assets)
    return tuple(_placed(_read(view, labels, n_assets), labels, n_assets) for view in views)


def _is_pair(views: Any) -> bool:
    return isinstance(views, tuple) and len(views) == 2 and not any(isinstance(v, View | str) for v in views)


def _from_arrays(P: Any, Q: Any, labels: Labels, n_assets: int) -> tuple[View, ...]:
    portfolios = np.atleast_2d(_array(P, "P"))
    returns = np.atleast_1d(_array(Q, "Q"))
    if portfolios.ndim != 2 or portfolios.shape[1] != n_assets or returns.shape != (len(portfolios),):
        raise ShapeError(
            f"views have portfolios of shape {portfolios.shape} and returns of shape {returns.shape}, "
            f"expected (n_views, {n_assets}) and (n_views,)"
        )
    for name, array in (("P", portfolios), ("Q", returns)):
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0][-np.ndim(P if name == "P" else Q) or None :])
            raise NonFiniteError(
                f"{name} of the views at {place} is {array[tuple(wrong[0])]}; pass a finite number"
            )
    names = range(n_assets) if labels.assets is None else list(labels.assets)
    return tuple(
        _placed(View({names[i]: float(row[i]) for i in np.flatnonzero(row)}, float(q)), labels, n_assets)
        for row, q in zip(portfolios, returns, strict=True)
    )


def _array(values: Any, name: str) -> Vector:
    return float_array(values.to_numpy() if hasattr(values, "to_numpy") else values, name)


def _read(view: Any, labels: Labels, n_assets: int) -> View:
    if isinstance(view, View):
        return view
    if isinstance(view, str):
        names = range(n_assets) if labels.assets is None else labels.assets
        return _from_words(view, [str(name) for name in names])
    raise ParameterError(f"view {view!r} is neither a View nor an expression such as 'BTC - ETH = 0.02'")


def _from_words(text: str, names: list[str]) -> View:
    statement, at, trust = text.partition("@")
    expression = parse_expression(statement.strip(), names)
    if expression.lower != expression.upper:
        raise ParameterError(
            f"view {text!r} is no equation; write what is expected, such as 'BTC - ETH = 0.02'"
        )
    return View(
        expression.coefficients, expression.lower, _confidence(trust, text) if at else None, text.strip()
    )


def _confidence(trust: str, text: str) -> float:
    digits = trust.strip().removesuffix("%")
    try:
        value = float(digits)
    except ValueError:
        raise ParameterError(
            f"view {text!r}: {trust.strip()!r} is no confidence such as 60% or 0.6"
        ) from None
    return value / 100.0 if trust.strip().endswith("%") else value


def _placed(view: View, labels: Labels, n_assets: int) -> View:
    """Return the view with positions for names."""
    names = range(n_assets) if labels.assets is None else labels.assets
    place = {name: i for i, name in enumerate(names)} | {str(name): i for i, name in enumerate(names)}
    unknown = [asset for asset in view.weights if asset not in place]
    if unknown:
        known = ", ".join(str(name) for name in list(names)[:8])
        raise ParameterError(
            f"view {view.name!r} names {unknown[0]!r}, which is not among the assets: {known}"
        )
    return replace(view, weights={place[asset]: float(weight) for asset, weight in view.weights.items()})


def _sum_of(weights: Any) -> str:
    """Return ``1 BTC - 0.5 ETH``."""
    if not isinstance(weights, Mapping):
        return str(weights)
    terms = [f"{'-' if weight < 0.0 else '+'} {abs(weight):g} {asset}" for asset, weight in weights.items()]
    return " ".join(terms).removeprefix("+ ")
