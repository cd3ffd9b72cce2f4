"""The adapter between frames and arrays."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_square, unwrap_vector
from poise.errors import InputError, ShapeError

VALUES = np.arange(12.0).reshape(4, 3)
DATES = pd.date_range("2020-01-01", periods=4, name="date")
FRAME = pd.DataFrame(VALUES, index=DATES, columns=pd.Index(["A", "B", "C"], name="asset"))
POLARS = pl.DataFrame(VALUES, schema=["A", "B", "C"])
COVARIANCE = pd.DataFrame(np.arange(9.0).reshape(3, 3), index=list("ABC"), columns=list("ABC"))


def test_recognising_frames_does_not_import_their_libraries():
    program = (
        "import sys, numpy as np; from poise.domain.labels import unwrap_matrix, unwrap_vector\n"
        "unwrap_matrix([[1.0, 2.0]])[1].matrix(np.eye(2)); unwrap_vector([1, 2], 'x')\n"
        "assert not {'pandas', 'polars', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class TestArrays:
    @pytest.mark.parametrize("view", [VALUES, VALUES[::2, ::-1], VALUES.T, np.broadcast_to(1.0, (4, 3))])
    def test_float64_passes_as_it_is(self, view):
        array, labels = unwrap_matrix(view)
        assert array is view
        assert labels is BARE

    def test_read_only_passes(self):
        frozen = VALUES.copy()
        frozen.flags.writeable = False
        assert unwrap_matrix(frozen)[0] is frozen

    @pytest.mark.parametrize("dtype", ["f2", "f4", "i8", "u1", "?", ">f8", "g"])
    def test_other_numbers_are_coerced(self, dtype):
        array, _ = unwrap_matrix(VALUES.astype(dtype))
        assert array.dtype == np.float64
        assert array.dtype.isnative
        np.testing.assert_array_equal(array, VALUES.astype(dtype).astype(float))

    def test_unaligned_memory_is_copied(self):
        packed = np.zeros(2, dtype=[("flag", "u1"), ("value", "f8")])["value"]
        assert not packed.flags.aligned
        assert unwrap_vector(packed, "x")[0].flags.aligned

    def test_missing_entries_become_nan(self):
        mixed = np.array([[1, None], [Decimal("2.5"), np.float32(3.0)]], dtype=object)
        np.testing.assert_array_equal(unwrap_matrix(mixed)[0], [[1.0, np.nan], [2.5, 3.0]])
        masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
        np.testing.assert_array_equal(unwrap_vector(masked, "x")[0], [1.0, np.nan])
        np.testing.assert_array_equal(unwrap_vector(np.ma.masked_array([1, 2]), "x")[0], [1.0, 2.0])

    @pytest.mark.parametrize(
        ("bad", "error", "match"),
        [
            ([[1.0], [1.0, 2.0]], ShapeError, "ragged"),
            (VALUES[0], ShapeError, r"shape \(3,\)"),
            (VALUES[None], ShapeError, r"shape \(1, 4, 3\)"),
            (None, ShapeError, r"shape \(\)"),
            (VALUES * 1j, InputError, "complex128"),
            ([["1.0"]], InputError, "<U3"),
            (VALUES.astype("M8[D]"), InputError, "datetime64"),
            (np.array([[1.0, "2"]], dtype=object), InputError, r"'2' \(str\) at position \(0, 1\)"),
            ([[1.0, 1j, None]], InputError, r"complex\) at position \(0, 1\)"),
            ([[10**400, None]], InputError, "too large"),
            ({"A": [1.0]}, InputError, "dict"),
        ],
    )
    def test_what_is_no_number_is_refused(self, bad, error, match):
        with pytest.raises(error, match=match):
            unwrap_matrix(bad)

    def test_bare_labels_change_nothing(self):
        cube = np.zeros((4, 3, 3))
        assert BARE.matrix(VALUES) is VALUES
        assert BARE.frame(VALUES) is VALUES
        assert BARE.vector(VALUES[0]) is not None
        assert BARE.panel(cube) is cube
        assert BARE.names is None


class TestPandas:
    def test_values_are_a_view(self):
        array, labels = unwrap_matrix(FRAME)
        assert np.shares_memory(array, FRAME.to_numpy())
        assert labels.names == ("A", "B", "C")

    def test_labels_return(self):
        _, labels = unwrap_matrix(FRAME)
        matrix = labels.matrix(np.eye(3))
        assert matrix.index.equals(FRAME.columns)
        assert matrix.columns.equals(FRAME.columns)
        pd.testing.assert_frame_equal(labels.frame(VALUES), FRAME)
        pd.testing.assert_series_equal(labels.vector(VALUES[2]), FRAME.iloc[2].rename(None))
        pd.testing.assert_series_equal(labels.series(VALUES[:, 1]), FRAME["B"].rename(None))
        panel = labels.panel(np.zeros((4, 3, 3)))
        expected = FRAME.ewm(halflife=1.0).cov()
        assert panel.index.equals(expected.index)
        assert panel.columns.equals(expected.columns)

    def test_nullable_and_mixed_columns(self):
        frame = pd.DataFrame(
            {
                "A": pd.array([1, None], dtype="Int64"),
                "B": pd.array([1.5, None], dtype="Float64"),
                "C": [True, False],
                "D": [1, 2],
            }
        )
        np.testing.assert_array_equal(
            unwrap_matrix(frame)[0], [[1.0, 1.5, 1.0, 1.0], [np.nan, np.nan, 0.0, 2.0]]
        )
        arrow = pd.Series([1.0, None], dtype="float64[pyarrow]")
        np.testing.assert_array_equal(unwrap_vector(arrow, "x")[0], [1.0, np.nan])
        objects = pd.DataFrame({"A": pd.Series([1, pd.NA], dtype=object)})
        np.testing.assert_array_equal(unwrap_matrix(objects)[0], [[1.0], [np.nan]])

    def test_text_and_times_are_refused(self):
        with pytest.raises(InputError, match=r"'x' \(str\) at position \(1, 1\)"):
            unwrap_matrix(pd.DataFrame({"A": [1.0, 2.0], "B": pd.Series([1.0, "x"], dtype=object)}))
        with pytest.raises(InputError, match="datetime64"):
            unwrap_matrix(pd.DataFrame({"when": DATES}))

    def test_a_series_keeps_index_and_name(self):
        series = FRAME["B"]
        array, labels = unwrap_vector(series, "returns")
        assert np.shares_memory(array, series.to_numpy())
        pd.testing.assert_series_equal(labels.series(array), series, check_freq=False)

    def test_a_column_is_no_vector(self):
        with pytest.raises(ShapeError, match="one axis"):
            unwrap_vector(FRAME[["A"]], "returns")


class TestPolars:
    def test_labels_return(self):
        array, labels = unwrap_matrix(POLARS)
        np.testing.assert_array_equal(array, VALUES)
        assert labels.matrix(np.eye(3)).columns == ["A", "B", "C"]
        assert labels.frame(VALUES).equals(POLARS)
        assert labels.vector(VALUES[0]).equals(POLARS[:1])
        assert labels.series(VALUES[:, 0]).to_list() == [0.0, 3.0, 6.0, 9.0]
        panel = labels.panel(np.arange(36.0).reshape(4, 3, 3))
        assert panel.columns == ["row", "asset", "A", "B", "C"]
        assert panel.row(4) == (1, "B", 12.0, 13.0, 14.0)

    def test_a_leading_column_of_times_is_the_time_axis(self):
        timed = POLARS.insert_column(0, pl.Series("date", list(DATES.to_pydatetime())))
        array, labels = unwrap_matrix(timed)
        assert array.shape == (4, 3)
        assert labels.frame(VALUES).equals(timed)
        assert labels.panel(np.zeros((4, 3, 3))).columns == ["date", "asset", "A", "B", "C"]
        assert unwrap_matrix(timed.select("date"))[0].shape == (4, 0)

    def test_nulls_integers_and_decimals(self):
        frame = pl.DataFrame({"A": [1, None], "B": [Decimal("0.5"), None], "C": [None, None]})
        np.testing.assert_array_equal(unwrap_matrix(frame)[0], [[1.0, 0.5, np.nan], [np.nan, np.nan, np.nan]])

    def test_text_and_lazy_frames_are_refused(self):
        with pytest.raises(InputError, match="column 'B' of R holds String"):
            unwrap_matrix(pl.DataFrame({"A": [1.0], "B": ["x"]}))
        for unwrap in (unwrap_matrix, lambda frame: unwrap_vector(frame, "x")):
            with pytest.raises(InputError, match="collect"):
                unwrap(POLARS.lazy())

    def test_a_series_keeps_its_name(self):
        array, labels = unwrap_vector(POLARS["B"], "returns")
        np.testing.assert_array_equal(array, VALUES[:, 1])
        for back in (labels.series(array), labels.vector(array)):
            assert back.equals(POLARS["B"])
            assert back.name == "B"


class TestSquares:
    def test_rows_follow_the_columns(self):
        for shuffled in (COVARIANCE.loc[["C", "A", "B"]], COVARIANCE.loc[["B", "C", "A"]]):
            array, labels = unwrap_square(shuffled)
            np.testing.assert_array_equal(array, COVARIANCE)
            assert labels.names == ("A", "B", "C")

    def test_numbered_rows_are_in_order(self):
        bare_rows = COVARIANCE.reset_index(drop=True)
        np.testing.assert_array_equal(unwrap_square(bare_rows)[0], COVARIANCE)
        numbered = pd.DataFrame(COVARIANCE.to_numpy())
        np.testing.assert_array_equal(
            unwrap_square(numbered[[2, 0, 1]])[0], COVARIANCE.to_numpy()[np.ix_([2, 0, 1], [2, 0, 1])]
        )

    def test_other_assets_are_refused(self):
        with pytest.raises(ShapeError, match="missing C, not asked for X"):
            unwrap_square(COVARIANCE.rename(index={"C": "X"}))
        with pytest.raises(ShapeError, match="twice"):
            unwrap_square(COVARIANCE.rename(index={"C": "A"}))

    def test_arrays_and_polars(self):
        assert unwrap_square(np.eye(2))[1] is BARE
        assert unwrap_square(pl.DataFrame(np.eye(2), schema=["A", "B"]))[1].names == ("A", "B")
        with pytest.raises(ShapeError, match=r"covariance has shape \(4, 3\)"):
            unwrap_square(VALUES)


class TestAlignment:
    labels = unwrap_square(COVARIANCE)[1]

    def test_names_are_matched(self):
        weights = pd.Series([2.0, 3.0, 1.0], index=["B", "C", "A"])
        for named in (weights, weights.to_frame().T, pl.DataFrame({"C": [3.0], "A": [1.0], "B": [2.0]})):
            array, labels = unwrap_vector(named, "weights", self.labels)
            np.testing.assert_array_equal(array, [1.0, 2.0, 3.0])
            assert labels is self.labels

    def test_bare_vectors_are_matched_by_position(self):
        for bare in ([1, 2, 3], np.array([1.0, 2.0, 3.0]), pl.Series([1, 2, 3])):
            array, labels = unwrap_vector(bare, "weights", self.labels)
            np.testing.assert_array_equal(array, [1.0, 2.0, 3.0])
            assert labels is self.labels

    def test_names_of_the_vector_serve_a_bare_matrix(self):
        _, labels = unwrap_vector(pd.Series([1.0, 2.0], index=["A", "B"]), "weights", BARE)
        assert list(labels.vector(np.zeros(2)).index) == ["A", "B"]
        assert list(labels.matrix(np.eye(2)).columns) == ["A", "B"]

    def test_other_assets_are_refused(self):
        with pytest.raises(
            ShapeError, match=r"weights: the assets do not match \(missing B, C, not asked for X\)"
        ):
            unwrap_vector(pd.Series([1.0, 2.0], index=["A", "X"]), "weights", self.labels)
        with pytest.raises(ShapeError, match="one row"):
            unwrap_vector(FRAME, "weights", self.labels)
        many = Labels("pandas", assets=tuple(range(20)))
        with pytest.raises(ShapeError, match="and 14 more"):
            unwrap_vector(pd.Series([1.0], index=[0]), "weights", many)
