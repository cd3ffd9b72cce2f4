"""A Parquet or CSV file as a table."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poise.errors import DataError, InputError
from poise.market.columns import NUMBER_COLUMNS, canonical, titles_of
from poise.market.data import DROP_HINT, OnBadBar

if TYPE_CHECKING:
    import pandas as pd

ACCEPTED = "a Parquet file (.parquet, .pq) or a comma-separated text file (.csv, .txt) of bars, one row a bar"

_PARQUET = b"PAR1"
_PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
_TEXT_SUFFIXES = frozenset({".csv", ".txt", ""})
_HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Table:
    """Columns of a file that bars may have.

    Attributes
    ----------
    frame : pandas.DataFrame
    titles : mapping of str to str
        Canonical to original column name.
    dropped : int
        Rows left out because their number of cells is wrong.
    """

    frame: pd.DataFrame
    titles: dict[str, Any]
    dropped: int = 0


def load_table(path: str | os.PathLike[str], *, on_bad_bar: OnBadBar = "refuse") -> Table:
    """Load the columns of a Parquet or CSV file that bars may have.

    Raises
    ------
    DataError
        ``missing_file``, ``is_directory``, ``empty_file``, ``unreadable_file``, ``unsupported_format``,
        ``missing_column``, ``duplicate_column``, ``no_rows`` or ``ragged_row``.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"path is a {type(path).__name__}, expected the path of {ACCEPTED}")
    file = Path(path)
    head = _head(file)
    if head.startswith(_PARQUET):
        return _load_parquet(file)
    suffix = file.suffix.lower()
    if suffix in _PARQUET_SUFFIXES:
        raise _error(
            file, "is not a Parquet file although its name says so; write it again", "unreadable_file"
        )
    if suffix not in _TEXT_SUFFIXES:
        raise _error(file, f"has a format that is not read; pass {ACCEPTED}", "unsupported_format")
    if b"\0" in head:
        raise _error(file, f"is neither text nor Parquet; pass {ACCEPTED}", "unreadable_file")
    return _load_csv(file, head, on_bad_bar)


def _error(file: Path, what: str, problem: str) -> DataError:
    return DataError(f"{file}: {what}", source=str(file), problem=problem)


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise _error(file, "there is no such file; check the path", "missing_file") from None
    except IsADirectoryError:
        raise _error(file, f"is a directory; pass {ACCEPTED}", "is_directory") from None
    except OSError as error:
        raise _error(file, f"cannot be read ({error.strerror or error})", "unreadable_file") from error
    if not head.strip():
        raise _error(file, f"is empty; pass {ACCEPTED}", "empty_file")
    return head


def _load_parquet(file: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        titles = titles_of(pq.read_schema(file).names, str(file))
        table = pq.read_table(file, columns=list(titles.values()))
        frame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    except (pa.ArrowException, OSError) as error:
        raise _error(
            file, f"is a damaged Parquet file ({error}); write it again", "unreadable_file"
        ) from error
    return Table(frame=frame, titles=titles)


def _load_csv(file: Path, head: bytes, on_bad_bar: OnBadBar) -> Table:
    import pyarrow as pa
    import pyarrow.csv as pc

    titles = titles_of(_header(file, head), str(file))
    if len(head) < _HEAD_BYTES and len(head.strip().splitlines()) == 1:
        raise _error(file, "no rows; it has a header and nothing below it", "no_rows")
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = pc.read_csv(
            file,
            # Row numbers are known only to a single thread.
            read_options=pc.ReadOptions(use_threads=False),
            parse_options=pc.ParseOptions(invalid_row_handler=note),
            convert_options=pc.ConvertOptions(
                include_columns=list(titles.values()),
                column_types=dict.fromkeys(titles.values(), pa.string()),
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise _error(file, f"cannot be read as comma-separated text ({error})", "unreadable_file") from error
    if ragged and on_bad_bar == "refuse":
        raise _ragged_row(file, ragged)
    return Table(
        frame=_typed(table).to_pandas(ignore_metadata=True),
        titles=titles,
        dropped=len(ragged),
    )


def _header(file: Path, head: bytes) -> list[str]:
    try:
        line = next(line for line in head.decode("utf-8-sig", errors="strict").splitlines() if line.strip())
    except UnicodeDecodeError as error:
        # The cut at the end of the head may fall inside a character; that is no fault of the file.
        if error.start < len(head) - 4:
            raise _error(file, "is not UTF-8 text; save it as UTF-8", "unreadable_file") from error
        return _header(file, head[: error.start])
    return next(csv.reader([line]))


def _ragged_row(file: Path, ragged: list[Any]) -> DataError:
    first = ragged[0]
    more = f" ({len(ragged) - 1} more such rows)" if len(ragged) > 1 else ""
    return _error(
        file,
        f"row {first.number - 1} (data row) has {first.actual_columns} cells, the header "
        f"{first.expected_columns}{more}; mend it {DROP_HINT}",
        "ragged_row",
    )


def _typed(table: Any) -> Any:
    """Turn number columns of clean text into numbers; the others stay text for a closer look."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, title in enumerate(table.column_names):
        if canonical(title) not in NUMBER_COLUMNS:
            continue
        text = pc.utf8_trim_whitespace(table.column(place))
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        try:
            numbers = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            continue
        # A spelled-out nan must not pass for an empty cell.
        if not pc.any(pc.is_nan(numbers)).as_py():
            table = table.set_column(place, title, numbers)
    return table
