"""Prices and context in every form that the doors accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.domain.prices import PricePanel
from poise.errors import DataError, InputError, ShapeError, UnknownSymbolError
from poise.market import panel_from, read_bars
from tests.unit.market.conftest import long_bars

LONG = long_bars()
WIDE = LONG.pivot_table(index="ts", columns="symbol", values="close")
ONE = WIDE[["BTC"]].rename(columns={"BTC": "close"})
OHLCV = ONE.assign(open=ONE["close"], high=ONE["close"] + 1, low=ONE["close"] - 1, volume=2.0)
MILLISECONDS = [int(t.timestamp() * 1000) for t in OHLCV.index]
CCXT = [
    [ms, *row]
    for ms, row in zip(
        MILLISECONDS, OHLCV[["open", "high", "low", "close", "volume"]].to_numpy().tolist(), strict=True
    )
]
PANEL = PricePanel(WIDE.index.to_numpy(), ("BTC", "ETH"), WIDE.to_numpy(), 86_400.0, 365.0)


def problem(*args: Any, **kwargs: Any) -> tuple[str, str]:
    """Return problem word and message of the refusal."""
    with pytest.raises(DataError) as caught:
        panel_from(*args, **kwargs)
    return caught.value.problem, str(caught.value)


class TestManyAssets:
    @pytest.mark.parametrize(
        "data",
        [
            WIDE,
            WIDE.reset_index(),
            WIDE.tz_localize("UTC"),
            WIDE.tz_localize("Asia/Tokyo").tz_convert("UTC").shift(9, freq="h"),
            WIDE.set_index(WIDE.index.strftime("%Y-%m-%d")),
            WIDE.set_index(WIDE.index.to_period("D")),
            WIDE.set_index(pd.Index(MILLISECONDS)),
            WIDE.iloc[::-1],
            LONG,
            LONG.set_index("ts"),
            LONG.set_index(["symbol", "ts"]),
            LONG.to_dict("list"),
            LONG.to_dict("records"),
            pl.DataFrame(LONG.to_dict("list")),
            pl.DataFrame({"ts": WIDE.index.to_numpy(), **{s: WIDE[s].to_numpy() for s in WIDE}}),
            {s: WIDE[s] for s in WIDE},
            {s: WIDE[[s]].rename(columns={s: "close"}) for s in WIDE},
            {"ts": WIDE.index, "BTC": WIDE["BTC"].to_list(), "ETH": WIDE["ETH"].to_list()},
            PANEL,
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_same_panel(self, data: Any) -> None:
        result = panel_from(data)
        assert result.panel.symbols == ("BTC", "ETH")
        np.testing.assert_array_equal(result.panel.closes, WIDE.to_numpy())
        np.testing.assert_array_equal(result.panel.opened, WIDE.index.to_numpy())
        assert (result.panel.bar_seconds, result.panel.periods_per_year) == (86_400.0, 365.0)
        assert result.last_closes == {"BTC": 119.0, "ETH": 219.0}

    @pytest.mark.parametrize("kind", [str, Path])
    def test_path(self, tmp_path: Path, kind: type) -> None:
        path = tmp_path / "bars.csv"
        LONG.to_csv(path, index=False)
        np.testing.assert_array_equal(panel_from(kind(path)).panel.closes, WIDE.to_numpy())

    def test_market_data_passes_through(self, tmp_path: Path) -> None:
        path = tmp_path / "bars.csv"
        LONG.to_csv(path, index=False)
        data = read_bars(path)
        assert panel_from(data).panel.closes is data.panel.closes

    def test_wide_columns_keep_their_order_and_holes(self) -> None:
        frame = WIDE[["ETH", "BTC"]].copy()
        frame.iloc[:5, 0] = np.nan
        frame["XRP"] = np.nan
        data = panel_from(frame)
        assert data.panel.symbols == ("ETH", "BTC", "XRP")
        assert np.isnan(data.panel.closes[:5, 0]).all()
        assert data.report.missing_closes == 0
        assert data.report.without_values == ("XRP",)

    def test_input_is_left_alone(self) -> None:
        frame, long = WIDE.copy(), LONG.copy()
        panel_from(frame)
        panel_from(long)
        pd.testing.assert_frame_equal(frame, WIDE)
        pd.testing.assert_frame_equal(long, LONG)


class TestOneSymbol:
    @pytest.mark.parametrize(
        "data",
        [
            OHLCV,
            OHLCV.reset_index().rename(columns={"ts": "Date", "close": "Close"}),
            CCXT,
            np.array(CCXT),
            [tuple(row) for row in CCXT],
            pl.DataFrame(OHLCV.reset_index().to_dict("list")),
            OHLCV.reset_index().to_dict("list"),
            {"BTC/USDT": OHLCV},
            {"BTC/USDT": CCXT},
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_bars(self, data: Any) -> None:
        result = panel_from(data, symbol="BTC/USDT")
        assert result.panel.symbols == ("BTC/USDT",)
        np.testing.assert_array_equal(result.panel.closes[:, 0], ONE["close"])
        assert result.highs is not None
        np.testing.assert_array_equal(result.highs[:, 0], OHLCV["high"])
        assert result.panel.dollar_volumes is not None
        np.testing.assert_array_equal(result.panel.dollar_volumes[:, 0], 2.0 * ONE["close"])
        assert result.panel.assets["BTC/USDT"].kind == "crypto"

    def test_series_by_name_and_by_argument(self) -> None:
        assert panel_from(WIDE["BTC"]).panel.symbols == ("BTC",)
        assert panel_from(WIDE["BTC"].rename(None), symbol="BTC").panel.symbols == ("BTC",)

    def test_no_symbol(self) -> None:
        word, message = problem(OHLCV)
        assert word == "missing_symbol"
        assert "symbol='BTC/USDT'" in message


class TestRefused:
    @pytest.mark.parametrize(
        "data",
        [
            np.arange(1.0, 50.0),
            np.ones((50, 3)),
            np.ones((50, 6)),
            [1.0, 2.0, 3.0],
            WIDE.reset_index(drop=True),
            WIDE["BTC"].reset_index(drop=True),
            WIDE.set_index(pd.Index(range(5, 25))),
            pl.Series([1.0, 2.0]),
            {"BTC": np.arange(1.0, 9.0)},
            [[0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]],
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_no_time_says_how(self, data: Any) -> None:
        word, message = problem(data, symbol="BTC")
        assert word == "no_time"
        assert "time index" in message

    @pytest.mark.parametrize("data", [42, object(), b"bytes", {1, 2}, pl.LazyFrame({"ts": [1]}), {"BTC": 5}])
    def test_unknown_object_names_the_forms(self, data: Any) -> None:
        word, message = problem(data, symbol="BTC")
        assert word == "unknown_form"
        assert "PricePanel" in message

    def test_two_levels_of_columns(self) -> None:
        frame = pd.concat({"Close": WIDE}, axis=1)
        word, message = problem(frame)
        assert word == "unknown_form"
        assert "frame['Close']" in message

    @pytest.mark.parametrize("data", [[], {}, WIDE.iloc[:0], LONG.iloc[:0], pl.DataFrame()])
    def test_empty(self, data: Any) -> None:
        assert problem(data, symbol="BTC")[0] == "no_rows"

    def test_nothing_at_all(self) -> None:
        word, message = problem()
        assert word == "no_prices"
        assert "'bars'" in message

    @pytest.mark.parametrize("value", [0.0, -1.0, np.inf, "twelve"])
    def test_bad_close_in_a_wide_frame(self, value: object) -> None:
        frame = WIDE.astype(object)
        frame.iloc[6, 1] = value
        word, message = problem(frame)
        assert word == "bad_close"
        assert "price_data: row 7 (data row), symbol ETH" in message
        assert "2024-01-07" in message
        assert str(value) in message

    def test_bad_close_among_symbols(self) -> None:
        word, message = problem({"BTC": OHLCV, "ETH": OHLCV.assign(close=[-1.0, *OHLCV["close"][1:]])})
        assert word == "bad_close"
        assert "row 1 (data row), symbol ETH" in message

    def test_bad_close_dropped(self) -> None:
        frame = WIDE.copy()
        frame.iloc[6, 1] = -1.0
        data = panel_from(frame, on_bad_bar="drop")
        assert np.isnan(data.panel.closes[6, 1])
        assert dict(data.report.dropped) == {"bad_close": 1}

    def test_unreadable_time_in_a_wide_frame(self) -> None:
        frame = WIDE.reset_index().astype({"ts": object})
        frame.loc[3, "ts"] = "someday"
        frame.loc[3, ["BTC", "ETH"]] = np.nan
        word, message = problem(frame)
        assert word == "unreadable_time"
        assert "row 4 (data row)" in message
        assert "'someday'" in message

    def test_repeated_times_with_different_closes(self) -> None:
        frame = pd.concat([WIDE, WIDE.iloc[[3]] + 1.0])
        assert problem(frame)[0] == "conflicting_bars"
        assert panel_from(pd.concat([WIDE, WIDE.iloc[[3]]])).report.identical_duplicates == 2

    def test_repeated_columns(self) -> None:
        word, message = problem(pd.concat([WIDE, WIDE[["ETH"]]], axis=1))
        assert word == "duplicate_column"
        assert "ETH" in message

    def test_ohlcv_without_close(self) -> None:
        word, message = problem(OHLCV.drop(columns="close"), symbol="BTC")
        assert word == "missing_column"
        assert "close" in message

    def test_ragged_ccxt_rows(self) -> None:
        word, message = problem([*CCXT[:4], CCXT[4][:4], *CCXT[5:]], symbol="BTC")
        assert word == "ragged_row"
        assert "row 5 (data row) has 4 values" in message

    def test_ccxt_rows_whose_times_are_words(self) -> None:
        rows = [["noon", *row[1:]] for row in CCXT]
        assert problem(rows, symbol="BTC")[0] == "unreadable_time"

    @pytest.mark.parametrize("frame", [WIDE, LONG])
    def test_unknown_symbol(self, frame: pd.DataFrame) -> None:
        with pytest.raises(UnknownSymbolError, match="did you mean 'BTC'"):
            panel_from(frame, symbol="BTX")

    def test_reference_is_not_traded(self) -> None:
        frame = LONG.assign(kind=["crypto"] * 20 + ["index"] * 20)
        with pytest.raises(UnknownSymbolError, match=r"reference \(index\)"):
            panel_from(frame, symbol="ETH")


class TestMerge:
    def test_symbol_is_added(self) -> None:
        data = panel_from(OHLCV + 900.0, symbol="XRP", market_data={"prices": WIDE})
        assert data.panel.symbols == ("XRP", "BTC", "ETH")
        np.testing.assert_array_equal(data.panel.closes[:, 1:], WIDE.to_numpy())
        assert data.panel.closes[0, 0] == 1000.0
        assert data.panel.dollar_volumes is not None
        assert np.isnan(data.panel.dollar_volumes[:, 1:]).all()
        assert data.highs is not None
        assert data.highs.shape == data.panel.closes.shape
        assert data.last_closes == {"XRP": 1019.0, "BTC": 119.0, "ETH": 219.0}
        assert data.report.rows_used == 60

    def test_price_data_wins(self) -> None:
        data = panel_from(ONE * 2.0, symbol="BTC", market_data={"prices": WIDE, "bars": LONG})
        np.testing.assert_array_equal(data.panel.closes, WIDE.to_numpy() * [2.0, 1.0])
        assert data.last_closes["BTC"] == 238.0

    def test_other_times_are_missing(self) -> None:
        data = panel_from(ONE.iloc[5:], symbol="XRP", market_data={"prices": WIDE.iloc[:15]})
        assert data.panel.n_observations == 20
        assert np.isnan(data.panel.closes[:5, 0]).all()
        assert np.isnan(data.panel.closes[15:, 1:]).all()
        assert np.isfinite(data.panel.closes[5:, 0]).all()

    def test_hours_beside_days_become_days(self) -> None:
        hours = long_bars(("XRP",), periods=24 * 20, freq="h").set_index("ts")[["close"]]
        data = panel_from(hours, symbol="XRP", market_data={"prices": WIDE})
        assert data.panel.bar_seconds == 86_400.0
        np.testing.assert_array_equal(data.panel.closes[:, 0], hours["close"].to_numpy()[23::24])
        assert any(w.startswith("aggregated: ") for w in data.warnings)

    def test_lengths_that_do_not_fit(self) -> None:
        hours = long_bars(("XRP",), periods=48, freq="h").set_index("ts")[["close"]]
        word, _ = problem(hours, symbol="XRP", market_data={"prices": WIDE.asfreq("7D")})
        assert word == "different_intervals"

    def test_other_calendar(self) -> None:
        days = pd.bdate_range("2024-01-01", "2024-01-20")
        shares = pd.DataFrame({"SPY": np.arange(1.0, len(days) + 1)}, index=days)
        data = panel_from(WIDE, market_data={"prices": shares})
        assert (data.report.calendar, data.panel.periods_per_year) == ("mixed", 365.0)
        assert any(w.startswith("mixed_calendars: ") for w in data.warnings)
        narrow = panel_from(WIDE, market_data={"prices": shares}, on_mixed_calendars="intersection")
        assert np.isfinite(narrow.panel.closes).all()
        assert narrow.panel.periods_per_year == 252.0
        assert (
            problem(WIDE, market_data={"prices": shares}, on_mixed_calendars="refuse")[0] == "mixed_calendars"
        )

    def test_no_common_bars(self) -> None:
        shares = pd.DataFrame({"SPY": np.arange(1.0, 11.0)}, index=pd.bdate_range("2020-01-01", periods=10))
        word, message = problem(WIDE, market_data={"prices": shares}, on_mixed_calendars="intersection")
        assert word == "too_few_bars"
        assert "one period" in message

    @pytest.mark.parametrize("market_data", [WIDE, LONG, {"prices": WIDE}, {"bars": LONG}, PANEL])
    def test_market_data_alone(self, market_data: Any) -> None:
        np.testing.assert_array_equal(panel_from(market_data=market_data).panel.closes, WIDE.to_numpy())


class TestContext:
    def test_unknown_key(self) -> None:
        with pytest.raises(InputError, match="'volumens'; did you mean 'volumes'"):
            panel_from(WIDE, market_data={"volumens": WIDE})

    def test_nothing_known_is_warned(self) -> None:
        words = [w.partition(":")[0] for w in panel_from(WIDE).warnings]
        assert words == ["liquidity_unknown", "untiered"]

    def test_table_by_symbol(self) -> None:
        data = panel_from(
            WIDE,
            market_data={
                "sectors": {"BTC": "store", "ETH": "layer1"},
                "spreads": {"BTC": 1, "ETH": None},
                "market_caps": {"BTC": 1e12, "ETH": float("nan")},
                "views": {"BTC": 0.1},
            },
        )
        bitcoin, ether = data.panel.assets["BTC"], data.panel.assets["ETH"]
        assert (bitcoin.sector, bitcoin.spread_bps, bitcoin.market_cap_usd) == ("store", 1.0, 1e12)
        assert (ether.sector, ether.spread_bps, ether.market_cap_usd) == ("layer1", None, None)
        assert data.views == {"BTC": 0.1}
        (untiered,) = [w for w in data.warnings if w.startswith("untiered")]
        assert "ETH" in untiered
        assert "BTC" not in untiered

    @pytest.mark.parametrize(
        "volumes",
        [
            WIDE * 0 + 3.0,
            (WIDE * 0 + 3.0).iloc[::-1],
            pl.DataFrame({"ts": WIDE.index.to_numpy(), "BTC": [3.0] * 20, "ETH": [3.0] * 20}),
            np.full((20, 2), 3.0),
            {s: WIDE[s] * 0 + 3.0 for s in WIDE},
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_wide_volumes_in_units(self, volumes: Any) -> None:
        data = panel_from(WIDE, market_data={"volumes": volumes})
        assert data.panel.dollar_volumes is not None
        np.testing.assert_array_equal(data.panel.dollar_volumes, 3.0 * WIDE.to_numpy())
        assert not any(w.startswith("liquidity_unknown") for w in data.warnings)

    def test_volumes_of_other_rows_are_missing(self) -> None:
        data = panel_from(WIDE, market_data={"volumes": WIDE[["ETH"]].iloc[4:8]})
        assert data.panel.dollar_volumes is not None
        known = np.isfinite(data.panel.dollar_volumes)
        assert known[4:8, 1].all()
        assert known.sum() == 4

    @pytest.mark.parametrize(
        ("key", "column", "field"),
        [("volumes", "volume_usd", "dollar_volumes"), ("market_caps", "market_cap", "market_caps")],
    )
    def test_context_goes_before_the_bars(self, key: str, column: str, field: str) -> None:
        given = pd.DataFrame({"ETH": 1.0}, index=WIDE.index[:5])
        data = panel_from(LONG.assign(**{column: 7.0}), market_data={key: given})
        block = getattr(data.panel, field)
        np.testing.assert_array_equal(block[:5, 1], WIDE["ETH"][:5] if key == "volumes" else np.ones(5))
        assert (block[5:] == 7.0).all()
        assert (block[:, 0] == 7.0).all()

    def test_one_volume_a_symbol_is_a_day_of_money(self) -> None:
        data = panel_from(WIDE, market_data={"volumes": {"BTC": 2.0}})
        assert data.panel.assets["BTC"].dollar_volume_usd == 238.0
        assert data.panel.dollar_volumes is None

    @pytest.mark.parametrize("step", [1, -1])
    def test_wide_market_caps(self, step: int) -> None:
        data = panel_from(WIDE, market_data={"market_caps": (WIDE * 1e6).iloc[::step]})
        assert data.panel.market_caps is not None
        np.testing.assert_array_equal(data.panel.market_caps, WIDE.to_numpy() * 1e6)

    def test_strangers_are_told(self) -> None:
        data = panel_from(WIDE, market_data={"sectors": {"BTC/USDT": "store"}})
        (warning,) = [w for w in data.warnings if w.startswith("unknown_symbols")]
        assert "sectors name BTC/USDT" in warning

    @pytest.mark.parametrize("key", ["market_caps", "spreads", "volumes"])
    @pytest.mark.parametrize("value", [-1.0, np.inf, "big"])
    def test_impossible_figures(self, key: str, value: object) -> None:
        with pytest.raises(InputError, match=f"{key}.* of ETH"):
            panel_from(WIDE, market_data={key: {"BTC": 1.0, "ETH": value}})

    @pytest.mark.parametrize("key", ["market_caps", "volumes"])
    def test_impossible_wide_figures(self, key: str) -> None:
        frame = WIDE.copy()
        frame.iloc[3, 1] = -5.0
        with pytest.raises(InputError, match=f"{key}.* of ETH at 2024-01-04"):
            panel_from(WIDE, market_data={key: frame})

    def test_shapes_and_times_that_do_not_fit(self) -> None:
        with pytest.raises(ShapeError, match=r"\(3, 2\)"):
            panel_from(WIDE, market_data={"volumes": np.ones((3, 2))})
        late = WIDE.shift(400, freq="D")
        assert problem(WIDE, market_data={"volumes": late})[0] == "not_aligned"

    @pytest.mark.parametrize("sectors", [{"BTC": 3}, {"BTC": " "}, ["store"]])
    def test_sector_is_a_name(self, sectors: Any) -> None:
        with pytest.raises(InputError, match="sector"):
            panel_from(WIDE, market_data={"sectors": sectors})


class TestBenchmark:
    def test_symbol(self) -> None:
        benchmark = panel_from(WIDE, market_data={"benchmark": "ETH"}).benchmark
        assert benchmark is not None
        assert benchmark.name == "ETH"
        np.testing.assert_array_equal(benchmark.closes, WIDE["ETH"])

    def test_reference(self) -> None:
        frame = LONG.assign(kind=["crypto"] * 20 + ["index"] * 20).drop(index=[23])
        data = panel_from(frame, market_data={"benchmark": "ETH"})
        assert data.benchmark is not None
        assert np.isnan(data.benchmark.closes[3])
        assert np.isfinite(np.delete(data.benchmark.closes, 3)).all()
        assert any(w.startswith("benchmark_gaps: ETH has no value on 1 of 20") for w in data.warnings)

    @pytest.mark.parametrize(
        "given",
        [
            WIDE["ETH"].rename("market"),
            WIDE[["ETH"]].rename(columns={"ETH": "market"}),
            PANEL.select(["ETH"]),
            WIDE["ETH"].to_numpy(),
            WIDE["ETH"].to_list(),
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_closes(self, given: Any) -> None:
        data = panel_from(WIDE[["BTC"]], market_data={"benchmark": given})
        assert data.benchmark is not None
        np.testing.assert_array_equal(data.benchmark.closes, WIDE["ETH"])
        np.testing.assert_array_equal(data.benchmark.opened, data.panel.opened)
        assert data.panel.symbols == ("BTC",)

    def test_longer_series_is_cut_to_the_panel(self) -> None:
        data = panel_from(WIDE.iloc[5:10], market_data={"benchmark": WIDE["ETH"]})
        assert data.benchmark is not None
        np.testing.assert_array_equal(data.benchmark.closes, WIDE["ETH"].iloc[5:10])

    def test_unknown_symbol(self) -> None:
        with pytest.raises(UnknownSymbolError, match=r"benchmark BTX .* did you mean 'BTC'"):
            panel_from(WIDE, market_data={"benchmark": "BTX"})

    def test_several_series(self) -> None:
        assert problem(WIDE, market_data={"benchmark": WIDE})[0] == "several_benchmarks"

    def test_other_times(self) -> None:
        late = WIDE["ETH"].shift(400, freq="D")
        assert problem(WIDE, market_data={"benchmark": late})[0] == "not_aligned"

    @pytest.mark.parametrize("value", [-1.0, np.inf, 0.0])
    def test_impossible_closes(self, value: float) -> None:
        closes = WIDE["ETH"].to_list()
        closes[4] = value
        with pytest.raises(InputError, match="positive"):
            panel_from(WIDE, market_data={"benchmark": closes})
