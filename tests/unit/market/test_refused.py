"""What read_bars refuses, one mistake at a time."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poise.errors import DataError, InputError, ParameterError
from poise.market import read_bars
from tests.unit.market.conftest import Write, long_bars


def refused(path: Path | str, problem: str) -> str:
    """Return the message of the refusal, which names the file."""
    with pytest.raises(DataError) as caught:
        read_bars(path)
    assert caught.value.problem == problem
    assert caught.value.source == str(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def with_cell(column: str, row: int, value: object) -> pd.DataFrame:
    """Good bars with one cell replaced; `row` counts from 1."""
    frame = long_bars()
    frame[column] = frame[column].astype(object)
    frame.loc[row - 1, column] = value
    return frame


class TestFiles:
    def test_missing_file(self, tmp_path: Path) -> None:
        assert "check the path" in refused(tmp_path / "nowhere.csv", "missing_file")

    def test_directory(self, tmp_path: Path) -> None:
        assert "is a directory" in refused(tmp_path, "is_directory")

    @pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
    @pytest.mark.parametrize("content", [b"", b"\n \n"])
    def test_empty_file(self, tmp_path: Path, name: str, content: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        assert "is empty" in refused(path, "empty_file")

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("bars.parquet", b"ts,symbol,close\n"),
            ("bars.parquet", b"PAR1 and then nothing of the kind"),
            ("bars.csv", bytes(range(256)) * 8),
            ("bars.csv", b"ts,symbol,close\n2024-01-01,\xe9\xe8\xff,1\n"),
            ("bars.csv", gzip.compress(b"ts,symbol,close\n2024-01-01,BTC,1\n", mtime=0)),
        ],
        ids=["text named Parquet", "a broken Parquet", "binary", "Latin-1", "packed"],
    )
    def test_garbage(self, tmp_path: Path, name: str, content: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        refused(path, "unreadable_file")

    def test_truncated_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.parquet"
        long_bars().to_parquet(path)
        path.write_bytes(path.read_bytes()[:-40])
        assert "write it again" in refused(path, "unreadable_file")

    @pytest.mark.parametrize("name", ["bars.json", "bars.xlsx", "bars.feather"])
    def test_other_format_names_what_is_read(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_text('{"ts": 1}')
        message = refused(path, "unsupported_format")
        assert ".parquet" in message
        assert ".csv" in message

    def test_parquet_is_known_by_its_content(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.dat"
        long_bars().to_parquet(path)
        assert read_bars(path).panel.n_assets == 2

    def test_not_a_path(self) -> None:
        with pytest.raises(InputError, match="path is a int"):
            read_bars(3)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("argument", "known"), [("on_bad_bar", "refuse"), ("on_mixed_calendars", "intersection")]
    )
    def test_unknown_policy(self, tmp_path: Path, argument: str, known: str) -> None:
        path = tmp_path / "bars.csv"
        long_bars().to_csv(path, index=False)
        with pytest.raises(ParameterError, match=known):
            read_bars(path, **{argument: "whatever"})


class TestColumns:
    @pytest.mark.parametrize(
        ("renamed", "hint"),
        [
            ({"close": "clsoe"}, "'clsoe'"),
            ({"symbol": "symbl"}, "'symbl'"),
            ({"ts": "tss"}, "'tss'"),
        ],
    )
    def test_missing_column_names_the_nearest(self, write: Write, renamed: dict[str, str], hint: str) -> None:
        message = refused(write(long_bars().rename(columns=renamed)), "missing_column")
        assert next(iter(renamed)) in message
        assert hint in message

    def test_missing_column_without_a_near_one_lists_what_is_there(self, write: Write) -> None:
        message = refused(write(long_bars().rename(columns={"close": "qqq"})), "missing_column")
        assert "ts, symbol, qqq" in message

    def test_semicolons(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        long_bars().to_csv(path, index=False, sep=";")
        assert "commas" in refused(path, "missing_column")

    def test_two_columns_of_one_meaning(self, write: Write) -> None:
        frame = long_bars().assign(Close=1.0)
        assert "'Close'" in refused(write(frame), "duplicate_column")

    def test_no_rows(self, write: Write) -> None:
        refused(write(long_bars().iloc[:0]), "no_rows")

    @pytest.mark.parametrize("text", ["ts,symbol,close", "ts,symbol,close\r\n\r\n"])
    def test_header_alone(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "bars.csv"
        path.write_text(text)
        refused(path, "no_rows")


class TestRows:
    @pytest.mark.parametrize("time", ["yesterday", "31/01/2024", "2024-13-01", ""])
    def test_unreadable_time(self, write: Write, time: str) -> None:
        message = refused(write(with_cell("ts", 17, time).astype({"ts": str})), "unreadable_time")
        assert "row 17 (data row), symbol BTC, column 'ts'" in message
        assert repr(time) in message
        assert "ISO" in message
        assert "--on-bad-bar drop" in message

    def test_time_beyond_the_calendar(self, write: Write) -> None:
        frame = long_bars().astype({"ts": str})
        frame.loc[4, "ts"] = "9999-12-31"
        assert "row 5" in refused(write(frame), "unreadable_time")

    @pytest.mark.parametrize("symbol", [None, "", "  "])
    def test_missing_symbol(self, write: Write, symbol: str | None) -> None:
        message = refused(write(with_cell("symbol", 23, symbol)), "missing_symbol")
        assert "row 23 (data row)" in message
        assert "column 'symbol'" in message

    def test_cash_is_no_symbol(self, write: Write) -> None:
        assert "row 2 " in refused(write(with_cell("symbol", 2, "cash")), "reserved_symbol")

    @pytest.mark.parametrize("close", [0.0, -3.5, np.inf, -np.inf])
    def test_close_that_is_no_price(self, write: Write, close: float) -> None:
        frame = long_bars()
        frame.loc[24, "close"] = close
        message = refused(write(frame), "bad_close")
        assert "row 25 (data row), symbol ETH, column 'close', at 2024-01-05" in message
        assert str(close) in message
        assert "finite positive" in message
        assert "on_bad_bar='drop'" in message

    @pytest.mark.parametrize("close", ["abc", "1,234.5", "$12", "nan", "NaN", "inf", "-1", "0"])
    def test_close_that_is_text(self, write: Write, close: str) -> None:
        frame = long_bars().astype({"close": str})
        frame.loc[24, "close"] = close
        message = refused(write(frame), "bad_close")
        assert "row 25 (data row), symbol ETH" in message

    def test_close_that_is_a_truth(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.parquet"
        long_bars().assign(close=True).to_parquet(path)
        refused(path, "bad_close")

    def test_first_row_and_the_number_of_others(self, write: Write) -> None:
        frame = long_bars().sample(frac=1.0, random_state=1).reset_index(drop=True)
        frame.loc[[11, 30, 36], "close"] = -1.0
        message = refused(write(frame), "bad_close")
        assert "row 12 (data row)" in message
        assert "(2 more such rows)" in message

    def test_original_column_name_is_quoted(self, write: Write) -> None:
        frame = long_bars().rename(columns={"close": "Close", "ts": "Date"})
        frame.loc[0, "Close"] = 0.0
        assert "column 'Close'" in refused(write(frame), "bad_close")

    def test_two_different_bars_for_one_time(self, write: Write) -> None:
        frame = long_bars()
        frame = pd.concat([frame, frame.iloc[[6]].assign(close=1.5)], ignore_index=True)
        message = refused(write(frame), "conflicting_bars")
        assert "rows 7 and 41 (data rows), symbol BTC, at 2024-01-07" in message
        assert "column 'close' is 106, 1.5" in message
        assert "keep the right one" in message

    def test_bars_that_differ_beside_the_close(self, write: Write) -> None:
        frame = long_bars().assign(volume=5.0)
        frame = pd.concat([frame, frame.iloc[[6]].assign(volume=6.0)], ignore_index=True)
        assert "'volume'" in refused(write(frame), "conflicting_bars")

    def test_same_instant_in_two_zones_is_one_time(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        path.write_text(
            "ts,symbol,close\n2024-01-01T12:00:00Z,BTC,1\n2024-01-01T14:00:00+02:00,BTC,2\n2024-01-02T12:00Z,BTC,2\n"
        )
        refused(path, "conflicting_bars")

    @pytest.mark.parametrize("rows", [[0], [0, 20]])
    def test_fewer_than_two_bars(self, write: Write, rows: list[int]) -> None:
        assert "add rows" in refused(write(long_bars().iloc[rows]), "too_few_bars")

    def test_only_missing_closes(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        long_bars().assign(close=None).to_csv(path, index=False)
        refused(path, "too_few_bars")

    def test_only_references(self, write: Write) -> None:
        assert "traded" in refused(write(long_bars().assign(kind="index")), "no_tradable_asset")

    def test_row_with_too_many_cells(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        lines = long_bars().to_csv(index=False).splitlines()
        lines[9] += ",extra"
        path.write_text("\n".join(lines))
        message = refused(path, "ragged_row")
        assert "row 9 (data row) has 4 cells, the header 3" in message

    def test_infinite_reference(self, write: Write) -> None:
        frame = long_bars().assign(kind="other")
        frame.loc[20:, "kind"] = "rate"
        frame.loc[21, "close"] = np.inf
        assert "is not a finite number;" in refused(write(frame), "bad_close")


class TestDrop:
    def test_each_bad_row_is_dropped_and_counted(self, tmp_path: Path) -> None:
        lines = long_bars().to_csv(index=False).splitlines()
        lines[3] = "yesterday,BTC,1"
        lines[5] = lines[5].rsplit(",", 1)[0] + ",-4"
        lines[6] = lines[6].rsplit(",", 1)[0] + ",text"
        lines[8] = "2024-01-08,,5"
        lines[10] += ",extra"
        lines.append("2024-01-02,ETH,7")
        path = tmp_path / "bars.csv"
        path.write_text("\n".join(lines))
        data = read_bars(path, on_bad_bar="drop")
        assert dict(data.report.dropped) == {
            "ragged_row": 1,
            "unreadable_time": 1,
            "missing_symbol": 1,
            "bad_close": 2,
            "conflicting_bars": 2,
        }
        assert data.report.rows_read == 41
        assert data.report.rows_used == 41 - data.report.n_dropped
        assert np.isnan(data.panel.closes[[2, 4, 5, 7, 9], 0]).all()
        assert np.isnan(data.panel.closes[1, 1])
        assert any(w.startswith("dropped_rows: 7 ") for w in data.warnings)

    def test_nothing_left(self, write: Write) -> None:
        path = write(long_bars().assign(close=-1.0))
        with pytest.raises(DataError) as caught:
            read_bars(path, on_bad_bar="drop")
        assert caught.value.problem == "too_few_bars"

    def test_good_file_drops_nothing(self, write: Write) -> None:
        report = read_bars(write(long_bars()), on_bad_bar="drop").report
        assert report.n_dropped == 0
        assert not any(w.startswith("dropped_rows") for w in report.warnings)
