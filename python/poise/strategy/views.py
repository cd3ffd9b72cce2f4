"""Leaning the target book on what somebody expects: Black and Litterman, the book in the market's place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.errors import InputError
from poise.optimization import LinearConstraint, View, black_litterman, solve_mean_variance
from poise.optimization.views import ViewLike
from poise.strategy.limits import Limits
from poise.strategy.outlook import Outlook
from poise.typing import Vector

Positions = np.ndarray[Any, np.dtype[np.intp]]

RISK_AVERSION = 2.5
TAU = 0.05

_NOTABLE = 0.0005
"""A weight that moves by less is not worth a word."""


@dataclass(frozen=True)
class BookViews:
    """What somebody expects portfolios to earn.

    Attributes
    ----------
    statements : tuple of View or str
        Expected excess returns *per year*, as fractions; expressions as for
        :func:`poise.optimization.black_litterman`.
    periods_per_year : float
        Bars in a year.
    risk_aversion : float
        At which the book without views is optimal. The smaller it is, the less the book is taken to expect by
        itself, and the further a view moves it.
    """

    statements: tuple[ViewLike, ...]
    periods_per_year: float
    risk_aversion: float = RISK_AVERSION


def read_book_views(given: Any, *, periods_per_year: float) -> BookViews | None:
    """Read views in the forms users have them.

    Parameters
    ----------
    given : mapping, sequence or str, optional
        Symbol to expected excess return per year, or to a pair of it and the confidence; or statements such
        as ``"BTC/USDT - ETH/USDT = 10% @ 60%"`` and :class:`poise.optimization.View`.
    periods_per_year : float

    Returns
    -------
    BookViews or None
        None where there is no view.

    Raises
    ------
    InputError
        If the form is none of these, or a number is none.
    """
    if given is None:
        return None
    if isinstance(given, str | View):
        given = (given,)
    if isinstance(given, Mapping):
        statements: tuple[ViewLike, ...] = tuple(_of_symbol(symbol, said) for symbol, said in given.items())
    elif isinstance(given, Sequence):
        statements = tuple(given)
    else:
        raise InputError(
            f"views are a {type(given).__name__}, expected a mapping from symbol to yearly return or a list "
            "of statements such as 'BTC/USDT = 10% @ 60%'"
        )
    return BookViews(statements, periods_per_year) if statements else None


def _of_symbol(symbol: Any, said: Any) -> View:
    pair = said if isinstance(said, Sequence) and not isinstance(said, str) else (said, None)
    try:
        expected, confidence = pair
        return View({str(symbol): 1.0}, float(expected), None if confidence is None else float(confidence))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"view of {symbol} is {said!r}, expected a yearly return such as 0.1, or a pair of it and a "
            "confidence"
        ) from error


def lean_on_views(
    weights: Vector, views: BookViews, outlook: Outlook, limits: Limits
) -> tuple[Vector, list[str]]:
    """Return the book that is best once the views are believed as far as they are sure, and the reasons.

    The book's weights take the market's place: they imply the returns at which the book is optimal, the views
    move those, and the optimum under the same caps and with the same exposure is the answer. Without a view
    that is the book itself.

    Parameters
    ----------
    weights : ndarray of shape (n_assets,)
        Fractions of total value, under `limits`.
    views : BookViews
    outlook : Outlook
    limits : Limits
        Caps; assets that may not be held have 0.

    Returns
    -------
    weights : ndarray of shape (n_assets,)
        Under `limits`, with the sum they had or what the caps allow.
    reasons : list of str
        What moved, in words; and every statement that says nothing about the assets at hand.

    Raises
    ------
    ParameterError
        If a statement cannot be read or names a symbol that is not in the book's universe.
    """
    invested = math.fsum(weights)
    held = np.flatnonzero(limits.caps > 0.0)
    if invested <= 0.0 or not held.size:
        return weights, ["views: nothing is invested, so no view has anything to move"]
    posterior_views, notes = _about(views, outlook.symbols, held)
    if not posterior_views:
        return weights, notes
    covariance = outlook.covariance[np.ix_(held, held)] * views.periods_per_year
    posterior = black_litterman(
        np.ascontiguousarray(covariance),
        posterior_views,
        market_weights=weights[held] / invested,
        risk_aversion=views.risk_aversion,
        tau=TAU,
    )
    answer = solve_mean_variance(
        posterior.expected_returns,
        posterior.covariance,
        # The mean is uncertain, too: at this aversion the book without views stays what it is.
        risk_aversion=views.risk_aversion / (1.0 + TAU),
        bounds=(0.0, np.minimum(limits.caps[held] / invested, 1.0)),
        constraints=_group_rows(limits, weights, held) or None,
    )
    shape = np.zeros(len(weights))
    shape[held] = np.maximum(answer.weights, 0.0)
    # Rows are kept up to a solver's tolerance; filling takes that off and changes nothing else.
    leaned = limits.fill(shape, invested)
    return leaned, [*notes, *posterior.messages, *answer.messages, _moved(weights, leaned, outlook.symbols)]


def _group_rows(limits: Limits, weights: Vector, held: Positions) -> list[LinearConstraint]:
    """Return the caps of groups as limits on the invested weights of assets that may be held.

    A book at its cap may be above it by rounding: what it holds can be held.
    """
    invested = math.fsum(weights)
    rows = []
    for group in limits.groups:
        members = np.isin(held, group.members).astype(np.float64)
        most = max(group.cap, math.fsum(weights[group.members])) / invested
        if members.any() and most < 1.0:
            rows.append(LinearConstraint(members, upper=most, name=group.name))
    return rows


def _about(views: BookViews, symbols: tuple[str, ...], held: Positions) -> tuple[list[View], list[str]]:
    """Return the views on assets that may be held, by position among them, and what was left out."""
    from poise.domain.labels import Labels
    from poise.optimization.views import read_views

    place = {int(position): k for k, position in enumerate(held)}
    kept, notes = [], []
    for view in read_views(views.statements, Labels("pandas", assets=symbols), len(symbols)):
        outside = [symbols[i] for i in view.weights if i not in place]
        if outside:
            notes.append(f"view {view.name!r} left out: {', '.join(outside)} may not be held now")
        else:
            kept.append(
                View(
                    {place[i]: weight for i, weight in view.weights.items()},
                    view.expected_return,
                    view.confidence,
                    view.name,
                )
            )
    return kept, notes


def _moved(before: Vector, after: Vector, symbols: tuple[str, ...]) -> str:
    change = after - before
    order = np.argsort(-np.abs(change), kind="stable")[:5]
    parts = [f"{symbols[i]} {change[i]:+.1%}" for i in order if abs(change[i]) >= _NOTABLE]
    return f"views: {', '.join(parts)}" if parts else "views: the book already agrees with them"
