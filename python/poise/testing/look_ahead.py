"""Check that a computation knows nothing of its future."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from poise.domain.prices import PricePanel
from poise.errors import InputError, LookAheadError, ShapeError
from poise.testing.causality import perturb_future
from poise.testing.differences import first_difference
from poise.typing import Matrix

if TYPE_CHECKING:
    import numpy as np

Data = TypeVar("Data", PricePanel, Matrix)


def assert_causal(
    compute: Callable[[Data], Any],
    data: Data,
    *,
    rng: np.random.Generator,
    rows: Sequence[int] | None = None,
    scale: float = 0.1,
) -> None:
    """Raise unless what `compute` says of each row is told by the rows up to it.

    For each of `rows` the data are changed after that row (:func:`perturb_future`), and cut off there: what
    was computed for the rows up to it must stay the same, bit for bit. The first finds values of the future,
    the second also lengths, dates and listings of it.

    Parameters
    ----------
    compute : callable
        Takes data like `data` and returns one entry per row of them, oldest first: an array or a frame whose
        first axis is time, or a sequence of numbers, arrays, dataclasses or mappings; or several of these by
        name, in a mapping. Wrap an online estimator as
        ``lambda R: [estimator.partial_fit(row).covariance_ for row in R]``, made inside.
    data : PricePanel or ndarray of shape (n_observations, ...)
    rng : numpy.random.Generator
        Of the changes; a Monte Carlo `compute` brings its own seed.
    rows : sequence of int, optional
        Rows after which the future changes, counted from 0; three spread over the data if left out. Where
        `compute` needs a number of rows to begin with, choose later ones.
    scale : float, default=0.1
        Size of the changes, as in :func:`perturb_future`.

    Raises
    ------
    LookAheadError
        If something at or before a row changed; the message tells row, place and both values. It is an
        ``AssertionError``, so that test runners report it as a failure.
    InputError
        If nothing changed after the rows either: then the check shows nothing, choose other rows or data. Or
        if an entry has no values to compare.
    ShapeError
        If `compute` does not return one entry per row, or a row has no future.

    Examples
    --------
    >>> import numpy as np
    >>> from poise.risk import rolling_value_at_risk
    >>> returns = 0.01 * np.random.default_rng(1).normal(size=60)
    >>> rng = np.random.default_rng(2)
    >>> assert_causal(lambda r: rolling_value_at_risk(r, window=20), returns, rng=rng)

    Taking out the mean of all returns looks ahead:

    >>> assert_causal(lambda r: np.cumsum(r - r.mean()), returns, rng=rng, rows=[29])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    poise.errors.LookAheadError: the result looks ahead: with everything after row 29 changed, 30 of ...
    """
    ours = _paths(compute(data), _length(data), "all")
    felt = False
    for row in _chosen(rows, _length(data)):
        changed = _paths(compute(perturb_future(data, row, rng=rng, scale=scale)), _length(data), "all")
        _compare(ours, changed, row, "with everything after row {} changed")
        felt |= any(
            first_difference(path[row + 1 :], changed[name][row + 1 :]) is not None
            for name, path in ours.items()
        )
        known = _paths(compute(_up_to(data, row)), row + 1, "data cut to the first")
        _compare(ours, known, row, "with the data ending at row {}")
    if not felt:
        raise InputError(
            "the result is the same whatever the data are after the rows tried, so the check shows nothing; "
            "try later rows, a larger scale, or data long enough for the computation to begin"
        )


def _length(data: PricePanel | Matrix) -> int:
    return data.n_observations if isinstance(data, PricePanel) else len(data)


def _up_to(data: PricePanel | Matrix, row: int) -> Any:
    return data.rows(0, row + 1) if isinstance(data, PricePanel) else data[: row + 1]


def _chosen(rows: Sequence[int] | None, n_rows: int) -> list[int]:
    if rows is None:
        return sorted({n_rows // 3, (2 * n_rows) // 3, max(n_rows - 2, 0)})
    if len(rows) == 0:
        raise ShapeError("rows is empty; pass at least one row after which the future changes")
    return [int(row) for row in rows]


def _paths(result: Any, n_rows: int, of: str) -> dict[str, Any]:
    """Return the paths by name, each with one entry per row."""
    named = dict(result) if isinstance(result, Mapping) else {"": result}
    for name, path in named.items():
        found = len(path) if hasattr(path, "__len__") else None
        if found != n_rows:
            raise ShapeError(
                f"compute returned {'no sequence' if found is None else f'{found} entries'}"
                f"{f' for {name}' if name else ''} of {of} {n_rows} rows; return one entry per row"
            )
        named[name] = path.to_numpy() if hasattr(path, "to_numpy") else path
    return named


def _compare(ours: dict[str, Any], theirs: dict[str, Any], row: int, how: str) -> None:
    if list(ours) != list(theirs):
        raise LookAheadError(
            f"the result looks ahead: {how.format(row)}, it has {list(theirs)} where it had {list(ours)}"
        )
    for name, path in ours.items():
        differences = ((t, first_difference(path[t], theirs[name][t])) for t in range(row + 1))
        found = [(t, difference) for t, difference in differences if difference is not None]
        if found:
            first, difference = found[0]
            raise LookAheadError(
                f"the result{f' {name}' if name else ''} looks ahead: {how.format(row)}, "
                f"{len(found)} of the {row + 1} rows up to it are others. "
                f"The first is row {first}{difference.place}: "
                f"{difference.one} became {difference.other}"
            )
