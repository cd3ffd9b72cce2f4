"""From a table of any origin to plain columns: times, symbols, numbers, kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from poise.domain.assets import DOLLAR_STABLECOINS, REFERENCE_KINDS, AssetKind
from poise.errors import DataError, did_you_mean
from poise.market.data import listed
from poise.market.times import NOT_A_TIME, Nanoseconds, read_times
from poise.typing import Matrix, Vector

if TYPE_CHECKING:
    import pandas as pd

TIME_COLUMNS = ("ts", "timestamp", "date")
"""Names of the time column; the first one present is read."""

PRICE_COLUMNS = ("close", "open", "high", "low", "adj_close")
NUMBER_COLUMNS = (*PRICE_COLUMNS, "volume", "volume_usd", "quote_volume", "market_cap")
KNOWN_COLUMNS = (*TIME_COLUMNS, "symbol", "kind", *NUMBER_COLUMNS)

_KINDS: frozenset[str] = frozenset(get_args(AssetKind))

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RawBars:
    """Rows as they were found, in the order of the source, before any judgement.

    Attributes
    ----------
    source : str
        The file, or what the data was handed in as.
    rows : ndarray of shape (n_rows,)
        Data row numbers as a person counts them, from 1.
    times : ndarray of shape (n_rows,)
        Nanoseconds since 1970 UTC.
    codes : ndarray of shape (n_rows,)
        Position in `names`; -1 where the symbol is missing.
    names : tuple of str
        Symbols in the order the panel shall have them; one without rows stays an asset.
    kinds : tuple of str
        One per name.
    numbers : mapping of str to ndarray of shape (n_rows,)
        Float columns by canonical name; NaN where there is no number.
    unreadable : mapping of str to ndarray of shape (n_rows,)
        Where a column holds something that is not a number; only columns that have any.
    raw : mapping of str to indexable
        The values as found, to quote them.
    titles : mapping of str to str
        Canonical to original column name.
    warnings : tuple of str
    """

    source: str
    rows: npt.NDArray[np.int64]
    times: Nanoseconds
    codes: npt.NDArray[np.int64]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    numbers: Mapping[str, Vector]
    unreadable: Mapping[str, Mask] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def references(self) -> Mask:
        """Which names are references, shape ``(n_names,)``."""
        return np.array([kind in REFERENCE_KINDS for kind in self.kinds], dtype=bool)


def canonical(name: Any) -> str:
    """Return a column name in lower case with underscores: ``Adj Close`` is ``adj_close``."""
    return str(name).strip().lstrip("\ufeff").lower().replace(" ", "_")


def titles_of(columns: Iterable[Any], source: str) -> dict[str, Any]:
    """Return canonical to original name for the columns that bars may have.

    Raises
    ------
    DataError
        If two columns have one meaning (``duplicate_column``) or one that bars need is not there
        (``missing_column``).
    """
    columns = tuple(columns)
    titles: dict[str, Any] = {}
    for title in columns:
        name = canonical(title)
        if name not in KNOWN_COLUMNS:
            continue
        if name in titles:
            raise DataError(
                f"{source}: columns {titles[name]!r} and {title!r} both mean {name}; keep one of them",
                source=source,
                problem="duplicate_column",
            )
        titles[name] = title
    _require_columns(titles, columns, source)
    return titles


def time_column(titles: Iterable[str]) -> str | None:
    """Return the canonical name of the time column that is read."""
    present = set(titles)
    return next((name for name in TIME_COLUMNS if name in present), None)


def _require_columns(titles: Mapping[str, Any], columns: tuple[Any, ...], source: str) -> None:
    wanted = [" | ".join(TIME_COLUMNS)] if time_column(titles) is None else []
    wanted += [name for name in ("symbol", "close") if name not in titles]
    if not wanted:
        return
    found = [str(title) for title in columns]
    target = wanted[0].split(" | ")[0]
    near = did_you_mean(target, found).replace("did you mean", "is it").rstrip("?")
    hint = f"{near}? rename it" if near else f"; add or rename one (found: {listed(found, 12)})"
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        hint = "; separate the columns by commas"
    raise DataError(f"{source}: no column {', '.join(wanted)}{hint}", source=source, problem="missing_column")


def raw_bars(
    frame: pd.DataFrame, titles: Mapping[str, Any], source: str, rows: npt.NDArray[np.int64] | None = None
) -> RawBars:
    """Return the columns of a long table as plain arrays.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a bar.
    titles : mapping of str to Any
        Canonical to original name, as :func:`titles_of` returns it.
    source : str
        For messages.
    rows : ndarray of shape (n_rows,), optional
        Row numbers to speak of; counted from 1 unless given.
    """
    time = time_column(titles)
    if len(frame) == 0:
        raise DataError(
            f"{source}: no rows; it has a header and nothing below it", source=source, problem="no_rows"
        )
    codes, names = read_symbols(frame[titles["symbol"]])
    numbers, unreadable = {}, {}
    for name in NUMBER_COLUMNS:
        if name in titles:
            numbers[name], strange = read_numbers(frame[titles[name]])
            if strange.any():
                unreadable[name] = strange
    kinds, warnings = _read_kinds(frame[titles["kind"]] if "kind" in titles else None, codes, names)
    raw = {name: frame[title].array for name, title in titles.items()}
    return RawBars(
        source=source,
        rows=np.arange(1, len(frame) + 1) if rows is None else rows,
        times=read_times(frame[titles[time or ""]]),
        codes=codes,
        names=names,
        kinds=kinds,
        numbers=numbers,
        unreadable=unreadable,
        raw={**raw, "time": raw[time or ""]},
        titles={**{name: str(title) for name, title in titles.items()}, "time": str(titles[time or ""])},
        warnings=warnings,
    )


def wide_bars(
    times: Nanoseconds,
    names: tuple[str, ...],
    closes: Matrix,
    source: str,
    *,
    strange: Mask | None = None,
    found: npt.NDArray[Any] | None = None,
    found_times: Any = None,
) -> RawBars:
    """Return a wide table of closes as bars; an empty cell is no bar, and no mistake.

    Parameters
    ----------
    times : ndarray of shape (n_rows,)
    names : tuple of str
        Columns, kept in this order.
    closes : ndarray of shape (n_rows, n_assets)
    source : str
    strange : ndarray of shape (n_rows, n_assets), optional
        Where something stands that is not a number.
    found, found_times : indexable, optional
        The cells of shape `(n_rows, n_assets)` and the times as found, to quote them.
    """
    filled = ~np.isnan(closes) if strange is None else ~np.isnan(closes) | strange
    # A row whose time cannot be read is a mistake even where all its cells are empty.
    filled[times == NOT_A_TIME, :1] = True
    rows, codes = np.nonzero(filled)
    raw = {} if found is None else {"close": found[filled]}
    if found_times is not None:
        raw["time"] = found_times[rows]
    return RawBars(
        source=source,
        rows=rows.astype(np.int64) + 1,
        times=times[rows],
        codes=codes.astype(np.int64),
        names=names,
        kinds=tuple(guess_kind(name) for name in names),
        numbers={"close": closes[filled]},
        unreadable={} if strange is None else {"close": strange[filled]},
        raw=raw,
        titles={"close": "close", "time": "time"},
    )


def read_symbols(column: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return codes and sorted names; -1 where a symbol is missing or blank."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, values = pd.factorize(column)
    words = [_text(value).strip() for value in values]
    seen = np.bincount(codes[codes >= 0], minlength=len(words)) > 0
    names = tuple(sorted({word for word, present in zip(words, seen, strict=True) if word and present}))
    place = {name: i for i, name in enumerate(names)}
    to_code = np.array([*(place.get(word, -1) for word in words), -1], dtype=np.int64)
    return to_code[codes], names


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def read_numbers(column: pd.Series[Any]) -> tuple[Vector, Mask]:
    """Return float64 values, NaN where missing, and where something stands that is not a number.

    An empty cell is missing; a spelled-out ``nan`` in a text column is not a number.
    """
    import pandas as pd

    kind = column.dtype.kind
    if kind in "iuf" and not pd.api.types.is_extension_array_dtype(column.dtype):
        return column.to_numpy().astype(np.float64), np.zeros(len(column), dtype=bool)
    if kind in "bM":
        return np.full(len(column), np.nan), np.ones(len(column), dtype=bool)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    suspects = np.flatnonzero(np.isnan(values))
    strange = np.zeros(len(column), dtype=bool)
    if suspects.size:
        found = column.iloc[suspects]
        blank = found.astype("string").str.strip().eq("").fillna(value=False)
        strange[suspects] = ~(found.isna() | blank).to_numpy(dtype=bool)
    return values, strange


def guess_kind(symbol: str) -> str:
    """Return the kind that a symbol's spelling gives away: a pair is crypto, USDT a stablecoin."""
    base, slash, _ = symbol.partition("/")
    if base in DOLLAR_STABLECOINS:
        return "stablecoin"
    return "crypto" if slash else "other"


def _read_kinds(
    column: pd.Series[Any] | None, codes: npt.NDArray[np.int64], names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return one kind per name; a symbol that is anywhere called a reference is one, the safer reading."""
    if column is None:
        return tuple(guess_kind(name) for name in names), ()
    kind_codes, words = read_symbols(column)
    named = (codes >= 0) & (kind_codes >= 0)
    pairs = np.unique(codes[named] * max(len(words), 1) + kind_codes[named])
    given: dict[str, set[str]] = {}
    for pair in pairs.tolist():
        given.setdefault(names[pair // len(words)], set()).add(words[pair % len(words)].lower())
    kinds = tuple(_one_kind(given.get(name, set()), name) for name in names)
    unknown = sorted({word for found in given.values() for word in found} - _KINDS)
    mixed = [name for name, found in given.items() if len(found) > 1]
    warnings = []
    if unknown:
        warnings.append(
            f"unknown_kind: {listed(unknown)} read as other; known kinds are {', '.join(sorted(_KINDS))}"
        )
    if mixed:
        warnings.append(f"mixed_kind: {listed(mixed)} has more than one kind; give each symbol one")
    return kinds, tuple(warnings)


def _one_kind(found: set[str], name: str) -> str:
    if not found:
        return guess_kind(name)
    known = sorted(found & REFERENCE_KINDS) or sorted(found & _KINDS)
    return known[0] if known else "other"
