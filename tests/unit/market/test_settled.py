"""What read_bars settles: counted, never hidden, closes untouched."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poise.domain.strict_json import dumps
from poise.market import read_bars
from tests.unit.market.conftest import Write, long_bars


def warned(warnings: tuple[str, ...], word: str) -> str:
    """Return the one warning that begins with `word`."""
    found = [w for w in warnings if w.startswith(f"{word}: ")]
    assert len(found) == 1, warnings
    return found[0]


def test_good_bars_come_through_exactly(write: Write) -> None:
    frame = long_bars()
    data = read_bars(write(frame))
    wide = frame.pivot_table(index="ts", columns="symbol", values="close")
    assert data.panel.symbols == ("BTC", "ETH")
    np.testing.assert_array_equal(data.panel.closes, wide.to_numpy())
    np.testing.assert_array_equal(data.panel.opened, wide.index.to_numpy())
    assert (data.report.rows_read, data.report.rows_used) == (40, 40)
    assert data.panel.as_of.isoformat() == "2024-01-21T00:00:00+00:00"


def test_order_of_rows_does_not_matter(write: Write) -> None:
    frame = long_bars()
    data = read_bars(write(frame.sample(frac=1.0, random_state=3)))
    np.testing.assert_array_equal(
        data.panel.closes, np.column_stack([100.0 + np.arange(20), 200.0 + np.arange(20)])
    )
    assert data.report.unsorted_rows > 0


def test_reversed_rows_are_all_counted(write: Write) -> None:
    assert read_bars(write(long_bars(("BTC",)).iloc[::-1])).report.unsorted_rows == 19
    assert read_bars(write(long_bars())).report.unsorted_rows == 0


def test_rows_by_time_are_sorted(write: Write) -> None:
    assert read_bars(write(long_bars().sort_values(["ts", "symbol"]))).report.unsorted_rows == 0


def test_identical_duplicates(write: Write) -> None:
    frame = long_bars().assign(volume=1.0, market_cap=[None, *range(1, 40)])
    frame = pd.concat([frame, frame.iloc[[0, 0, 7]]], ignore_index=True)
    report = read_bars(write(frame)).report
    assert report.identical_duplicates == 3
    assert (report.rows_read, report.rows_used) == (43, 40)


def test_missing_close_is_never_filled(write: Write) -> None:
    frame = long_bars()
    frame.loc[[3, 4], "close"] = np.nan
    data = read_bars(write(frame))
    assert np.isnan(data.panel.closes[[3, 4], 0]).all()
    assert (data.report.missing_closes, data.report.gaps) == (2, 2)
    returns = data.panel.to_returns()
    assert np.isnan(returns[[2, 3, 4], 0]).all()


def test_absent_rows_are_gaps(write: Write) -> None:
    report = read_bars(write(long_bars().drop(index=[3, 4, 25]))).report
    assert (report.missing_closes, report.gaps, report.missing_times) == (0, 3, 0)


def test_times_that_nobody_has(write: Write) -> None:
    frame = long_bars(freq="h")
    frame = frame[~frame["ts"].isin(frame["ts"].unique()[[5, 6, 11]])]
    data = read_bars(write(frame))
    assert (data.report.gaps, data.report.missing_times) == (0, 3)
    assert data.panel.n_observations == 17


def test_asset_without_a_value_is_an_answer(write: Write) -> None:
    frame = long_bars(("BTC", "ETH", "XRP"))
    frame.loc[frame["symbol"] == "ETH", "close"] = np.nan
    data = read_bars(write(frame))
    assert data.report.without_values == ("ETH",)
    assert "ETH" in warned(data.warnings, "no_values")
    assert data.panel.symbols == ("BTC", "ETH", "XRP")
    assert np.isnan(data.panel.closes[:, 1]).all()
    assert set(data.last_closes) == {"BTC", "XRP"}


def test_one_asset_two_bars(write: Write) -> None:
    data = read_bars(write(long_bars(("BTC/USDT",), periods=2)))
    assert data.panel.closes.shape == (2, 1)
    assert data.panel.periods_per_year == 365.0


class TestOhlc:
    def frame(self) -> pd.DataFrame:
        frame = long_bars(("BTC",))
        return frame.assign(open=frame["close"] - 0.5, high=frame["close"] + 1.0, low=frame["close"] - 1.0)

    def test_good_ones_are_kept(self, write: Write) -> None:
        data = read_bars(write(self.frame()))
        assert data.report.broken_ohlc == 0
        assert data.opens is not None
        assert data.highs is not None
        assert data.lows is not None
        np.testing.assert_allclose(data.opens, data.panel.closes - 0.5)
        np.testing.assert_allclose(data.highs, data.panel.closes + 1.0)
        np.testing.assert_allclose(data.lows, data.panel.closes - 1.0)

    @pytest.mark.parametrize("low", [0.0, -1706.4, np.inf])
    def test_a_value_that_is_no_price_goes_alone(self, write: Write, low: float) -> None:
        frame = self.frame()
        frame.loc[4, "low"] = low
        data = read_bars(write(frame))
        assert data.report.broken_ohlc == 1
        assert data.opens is not None
        assert data.lows is not None
        assert np.isnan(data.lows[4, 0])
        assert np.isfinite(data.opens[4, 0])
        assert data.panel.closes[4, 0] == 104.0

    @pytest.mark.parametrize(("column", "value"), [("high", 103.0), ("low", 105.0), ("open", 200.0)])
    def test_contradiction_takes_all_three(self, write: Write, column: str, value: float) -> None:
        frame = self.frame()
        frame.loc[4, column] = value
        data = read_bars(write(frame))
        assert data.report.broken_ohlc == 1
        for block in (data.opens, data.highs, data.lows):
            assert block is not None
            assert np.isnan(block[4, 0])
            assert np.isfinite(np.delete(block, 4, axis=0)).all()
        assert data.panel.closes[4, 0] == 104.0

    def test_text_beside_a_good_close(self, tmp_path: Path) -> None:
        frame = self.frame().astype({"open": object})
        frame.loc[4, "open"] = "n/a"
        path = tmp_path / "bars.csv"
        frame.to_csv(path, index=False)
        assert read_bars(path).report.broken_ohlc == 1

    def test_rounding_is_no_contradiction(self, write: Write) -> None:
        frame = self.frame()
        frame["high"] = frame["close"] * (1 - 1e-9)
        assert read_bars(write(frame)).report.broken_ohlc == 0


class TestVolume:
    def test_units_times_close(self, write: Write) -> None:
        data = read_bars(write(long_bars().assign(volume=2.0)))
        assert data.panel.dollar_volumes is not None
        np.testing.assert_allclose(data.panel.dollar_volumes, 2.0 * data.panel.closes)
        assert not any(w.startswith("liquidity_unknown") for w in data.warnings)

    @pytest.mark.parametrize("name", ["volume_usd", "quote_volume"])
    def test_money_is_preferred(self, write: Write, name: str) -> None:
        frame = long_bars().assign(**{"volume": 2.0, name: 7.0})
        frame.loc[0, name] = np.nan
        data = read_bars(write(frame))
        assert data.panel.dollar_volumes is not None
        assert data.panel.dollar_volumes[0, 0] == 200.0
        assert (data.panel.dollar_volumes.ravel()[1:] == 7.0).all()

    def test_unadjusted_close_makes_the_money(self, write: Write) -> None:
        frame = long_bars().assign(volume=2.0)
        frame["adj_close"] = np.where(frame["ts"] < frame["ts"].max(), frame["close"] / 2, frame["close"])
        data = read_bars(write(frame))
        assert data.panel.dollar_volumes is not None
        np.testing.assert_allclose(data.panel.dollar_volumes[:-1], 4.0 * data.panel.closes[:-1])
        np.testing.assert_allclose(data.panel.dollar_volumes[-1], 2.0 * data.panel.closes[-1])

    def test_zero_and_broken(self, write: Write) -> None:
        frame = long_bars().assign(volume=1.0)
        frame.loc[[0, 1], "volume"] = 0.0
        frame.loc[[2, 3, 4], "volume"] = [-1.0, np.inf, np.nan]
        data = read_bars(write(frame))
        assert (data.report.zero_volume, data.report.broken_volumes) == (2, 2)
        assert data.panel.dollar_volumes is not None
        assert data.panel.dollar_volumes[0, 0] == 0.0
        assert np.isnan(data.panel.dollar_volumes[2:5, 0]).all()

    def test_unknown_size_is_said(self, write: Write) -> None:
        warnings = read_bars(write(long_bars())).warnings
        assert "BTC, ETH" in warned(warnings, "liquidity_unknown")
        assert "BTC, ETH" in warned(warnings, "untiered")

    def test_market_cap_of_zero_is_unknown(self, write: Write) -> None:
        frame = long_bars().assign(market_cap=1e9)
        frame.loc[0, "market_cap"] = 0.0
        data = read_bars(write(frame))
        assert data.report.broken_market_caps == 1
        assert data.panel.market_caps is not None
        assert np.isnan(data.panel.market_caps[0, 0])
        assert data.panel.market_caps[1, 0] == 1e9


class TestOddities:
    def test_stale_closes(self, write: Write) -> None:
        frame = long_bars()
        frame.loc[5:9, "close"] = 105.0
        data = read_bars(write(frame))
        assert data.report.stale_closes == 2
        assert (data.panel.closes[5:10, 0] == 105.0).all()

    def test_stale_hours_need_three_days(self, write: Write) -> None:
        frame = long_bars(("BTC",), periods=200, freq="h")
        frame.loc[50:121, "close"] = 5.0
        assert read_bars(write(frame)).report.stale_closes == 0
        frame.loc[50:123, "close"] = 5.0
        assert read_bars(write(frame)).report.stale_closes == 2

    def test_delisted_asset_keeps_its_last_price(self, write: Write) -> None:
        frame = long_bars()
        frame = frame[~((frame["symbol"] == "ETH") & (frame["ts"] > "2024-01-10"))]
        data = read_bars(write(frame))
        (end,) = data.report.delisted
        assert (end.symbol, end.last_bar, end.last_price) == ("ETH", np.datetime64("2024-01-10", "ns"), 209.0)
        assert "ETH ends 2024-01-10 at 209" in warned(data.warnings, "delisted")
        assert data.last_closes == {"BTC": 119.0, "ETH": 209.0}
        assert np.isnan(data.panel.closes[10:, 1]).all()
        assert data.panel.alive() == ("BTC",)

    def test_three_days_late_is_not_delisted(self, write: Write) -> None:
        frame = long_bars()
        frame = frame[~((frame["symbol"] == "ETH") & (frame["ts"] > "2024-01-17"))]
        assert read_bars(write(frame)).report.delisted == ()

    def test_wrong_print_is_kept_and_told(self, write: Write) -> None:
        frame = long_bars()
        frame.loc[7, "close"] = 0.000338
        data = read_bars(write(frame))
        assert data.panel.closes[7, 0] == 0.000338
        assert data.report.large_moves == 2
        assert "BTC at 2024-01-09" in warned(data.warnings, "large_move")


class TestAdjusted:
    def test_whole_series_is_used(self, write: Write) -> None:
        frame = long_bars().assign(open=100.0, low=1.0, high=1000.0)
        frame["adj_close"] = frame["close"] * np.linspace(0.5, 0.8, 40)
        data = read_bars(write(frame))
        adjusted = frame["adj_close"].to_numpy()[:20]
        np.testing.assert_allclose(
            data.panel.closes[1:, 0] / data.panel.closes[:-1, 0], adjusted[1:] / adjusted[:-1]
        )
        assert data.report.adjusted == ("BTC", "ETH")
        assert data.opens is not None
        np.testing.assert_allclose(
            data.opens[:, 0] / data.panel.closes[:, 0], 100.0 / (100.0 + np.arange(20))
        )

    def test_the_last_adjusted_close_is_what_a_unit_is_worth(self, write: Write) -> None:
        frame = long_bars()
        frame["adj_close"] = frame["close"] * 0.5
        data = read_bars(write(frame))
        assert data.last_closes == data.panel.last_prices() == {"BTC": 119.0, "ETH": 219.0}

    def test_partial_series_is_not(self, write: Write) -> None:
        frame = long_bars()
        frame["adj_close"] = frame["close"] * 0.5
        frame.loc[25, "adj_close"] = np.nan
        data = read_bars(write(frame))
        assert data.report.adjusted == ("BTC",)
        assert data.panel.closes[0, 1] == 200.0
        assert "ETH" in warned(data.warnings, "adjusted_partly")


class TestReferences:
    @pytest.mark.parametrize("kind", ["index", "rate", "commodity", "future"])
    def test_kept_apart_and_may_be_negative(self, write: Write, kind: str) -> None:
        frame = long_bars(("BTC", "REF")).assign(kind="crypto")
        frame.loc[frame["symbol"] == "REF", "kind"] = kind
        frame.loc[[22, 23], "close"] = [0.0, -36.98]
        frame.loc[24, "close"] = np.nan
        data = read_bars(write(frame))
        assert data.panel.symbols == ("BTC",)
        assert data.report.references == ("REF",)
        series = data.references["REF"]
        assert series.kind == kind
        assert series.values[3] == -36.98
        assert len(series.opened) == len(series.values) == 19
        assert data.report.rows_used == 39

    def test_days_of_references_alone_are_no_bars(self, write: Write) -> None:
        frame = long_bars(("BTC", "REF")).assign(kind="crypto")
        frame.loc[frame["symbol"] == "REF", "kind"] = "index"
        data = read_bars(write(frame.drop(index=[4])))
        assert data.panel.n_observations == 19

    def test_unknown_and_mixed_kinds(self, write: Write) -> None:
        frame = long_bars(("AAA", "BTC", "REF")).assign(kind="crypto")
        frame.loc[frame["symbol"] == "AAA", "kind"] = "warrant"
        frame.loc[frame["symbol"] == "REF", "kind"] = "stock"
        frame.loc[59, "kind"] = "index"
        data = read_bars(write(frame))
        assert data.panel.assets["AAA"].kind == "other"
        assert "warrant" in warned(data.warnings, "unknown_kind")
        assert "REF" in warned(data.warnings, "mixed_kind")
        assert set(data.references) == {"REF"}

    def test_kind_from_the_spelling(self, write: Write) -> None:
        assets = read_bars(write(long_bars(("BTC/USDT", "SPY", "USDT")))).panel.assets
        assert [assets[s].kind for s in assets] == ["crypto", "other", "stablecoin"]


class TestColumnsAndText:
    def test_upper_case_spaces_and_strangers(self, write: Write) -> None:
        frame = long_bars().rename(columns={"ts": "Date", "symbol": "Symbol", "close": "Close"})
        frame = frame.assign(**{"Adj Close": frame["Close"], "note": "x", "dividends": 0.0})
        assert read_bars(write(frame)).report.adjusted == ("BTC", "ETH")

    def test_symbols_that_look_missing_or_numeric(self, write: Write) -> None:
        data = read_bars(write(long_bars(("NA", "null", "600519"))))
        assert data.panel.symbols == ("600519", "NA", "null")

    def test_symbols_stored_as_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.parquet"
        frame = long_bars()
        frame.assign(symbol=[s.encode() for s in frame["symbol"]]).to_parquet(path)
        assert read_bars(path).panel.symbols == ("BTC", "ETH")

    def test_blanks_around_symbols(self, write: Write) -> None:
        frame = long_bars()
        frame.loc[3, "symbol"] = " BTC "
        assert read_bars(write(frame)).panel.symbols == ("BTC", "ETH")

    def test_byte_order_mark_blank_lines_and_padding(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        path.write_bytes(
            b"\xef\xbb\xbfts,symbol,close\r\n2024-01-01,BTC, 1.5\r\n\r\n2024-01-02,BTC,+1.75e0\r\n"
        )
        np.testing.assert_array_equal(read_bars(path).panel.closes, [[1.5], [1.75]])

    def test_integer_prices_and_dictionary_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.parquet"
        frame = long_bars().astype({"close": "int32", "symbol": "category"})
        frame.to_parquet(path)
        assert read_bars(path).panel.closes[0, 0] == 100.0


def test_report_is_plain_json_and_travels(write: Write) -> None:
    frame = long_bars()
    frame = frame[~((frame["symbol"] == "ETH") & (frame["ts"] > "2024-01-10"))]
    report = read_bars(write(frame)).report
    document = json.loads(dumps(report))
    assert document["n_assets"] == 2
    assert document["delisted"][0]["last_price"] == 209.0
    assert document["start"] == "2024-01-01T00:00:00+00:00"
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301


def test_warnings_begin_with_a_word(write: Write) -> None:
    frame = long_bars()
    frame.loc[7, "close"] = 0.001
    for warning in read_bars(write(frame)).warnings:
        word, colon, text = warning.partition(": ")
        assert word.replace("_", "").isalpha()
        assert colon
        assert text
