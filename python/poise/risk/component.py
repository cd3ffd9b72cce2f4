"""Who contributes to the historical conditional value at risk."""

from __future__ import annotations

from typing import Any

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.risk._inputs import as_level, unwrap_weights
from poise.typing import ArrayLike


def component_conditional_value_at_risk(
    weights: ArrayLike, R: ArrayLike, *, confidence_level: float = 0.95
) -> Any:
    """Split the portfolio's historical conditional value at risk among its assets.

    A part is the mean of the position's loss over the portfolio's tail scenarios, the boundary one counted in
    part. Scenarios that tie at the boundary, up to rounding, share its part equally.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Fractions of total value; what they miss to 1 is cash and adds nothing.
    R : array_like of shape (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.

    Returns
    -------
    vector of shape (n_assets,)
        Losses, positive fractions of portfolio value (negative for a hedge); they sum to
        ``conditional_value_at_risk(R @ weights)``.

    Raises
    ------
    ShapeError
        If the number of weights is not the number of columns.
    NonFiniteError
        If a value is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation or no asset.
    ParameterError
        If the level is outside (0, 1).

    References
    ----------
    .. [1] Tasche (1999). Risk contributions and performance measurement.
    """
    returns, labels = unwrap_matrix(R)
    w, labels = unwrap_weights(weights, labels)
    components = _native.component_conditional_value_at_risk(w, returns, as_level(confidence_level))
    return labels.vector(components)
