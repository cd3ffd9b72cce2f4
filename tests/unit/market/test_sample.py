"""The data that come with poise."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from poise.errors import DataError, ParameterError
from poise.market import FileSource, PriceSource, SampleSource, sample
from tests.unit.market.conftest import Write, long_bars


@pytest.mark.parametrize(
    ("name", "shape", "first", "last"),
    [("etfs", (2141, 23), "2008-01-02", "2016-07-01"), ("stocks", (2517, 20), "2012-01-03", "2021-12-31")],
)
def test_contents(name: str, shape: tuple[int, int], first: str, last: str) -> None:
    data = sample(name)  # type: ignore[arg-type]
    panel = data.panel
    assert panel.closes.shape == shape
    assert (panel.opened[0], panel.opened[-1]) == (np.datetime64(first), np.datetime64(last))
    assert np.isfinite(panel.closes).all()
    assert panel.symbols == tuple(sorted(panel.symbols))
    assert (panel.bar_seconds, panel.periods_per_year, data.report.calendar) == (86_400.0, 252.0, "exchange")
    assert np.abs(np.diff(np.log(panel.closes), axis=0)).max() < 0.6


def test_known_closes() -> None:
    """First and last rows as the packages print them."""
    etfs, stocks = sample().panel, sample("stocks").panel
    spy = etfs.closes[:, etfs.column("SPY")]
    assert spy[[0, -1]].tolist() == [144.92999267578125, 209.9199981689453]
    apple = stocks.closes[:, stocks.column("AAPL")]
    assert apple[[0, -1]].tolist() == [12.483, 176.033]


def test_crash_and_bond_rally_are_in_it() -> None:
    panel = sample().panel
    autumn = panel.rows(
        *np.searchsorted(panel.opened, np.array(["2008-09-01", "2008-12-01"], dtype="M8[ns]"))
    )
    change = autumn.closes[-1] / autumn.closes[0] - 1.0
    assert change[panel.column("SPY")] < -0.25
    assert change[panel.column("TLT")] > 0.05


@pytest.mark.parametrize("name", ["etfs", "stocks"])
def test_asset_table_is_declared(name: str) -> None:
    panel = sample(name).panel  # type: ignore[arg-type]
    assert tuple(panel.assets) == panel.symbols
    for profile in panel.assets.values():
        assert profile.declared
        assert profile.kind == name.rstrip("s").replace("stock", "stock")
        assert profile.name
        assert profile.sector != "other"
        assert profile.market_cap_usd is not None
        assert profile.dollar_volume_usd is not None
        assert profile.market_cap_usd > profile.dollar_volume_usd > 1e6
        assert profile.spread_bps is not None
        assert 0.5 <= profile.spread_bps <= 20
    assert len({profile.sector for profile in panel.assets.values()}) >= 5


def test_declared_figures_are_round() -> None:
    """At most two significant digits: nobody shall take them for measurements."""
    with files("poise.market").joinpath("data/assets.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            for column in ("market_cap_usd", "dollar_volume_usd"):
                value = float(row[column])
                assert value == pytest.approx(float(f"{value:.1e}"), rel=1e-12), row


def test_says_what_it_is() -> None:
    data = sample()
    assert data.source == (
        "embedded sample: 23 ETFs, daily closes 2008-2016 "
        "(prices not dividend-adjusted; size, volume and spread declared)"
    )
    assert data.report.source == data.source
    words = {warning.partition(":")[0] for warning in data.warnings}
    assert {"not_adjusted", "declared"} <= words
    assert "survivorship" in {w.partition(":")[0] for w in sample("stocks").warnings}


def test_last_closes_are_the_last_row() -> None:
    data = sample()
    assert data.last_closes == data.panel.last_prices()
    assert data.references == {}


def test_unknown_name() -> None:
    with pytest.raises(ParameterError, match="did you mean 'stocks'"):
        sample("stock")  # type: ignore[arg-type]


def test_is_small() -> None:
    data = Path(str(files("poise.market").joinpath("data")))
    assert sum(path.stat().st_size for path in data.iterdir()) < 250_000


def test_both_notices_ship() -> None:
    text = (Path(__file__).resolve().parents[3] / "DATA_LICENSES.md").read_text(encoding="utf-8")
    assert "Copyright (c) 2024, Robert Bach" in text
    assert "The above copyright notice and this permission notice shall be included" in text
    assert "Copyright (c) 2023-2026 The skfolio developers." in text
    assert "Redistributions in binary form must reproduce" in text


def test_loads_without_pandas() -> None:
    """The default of every verb should not wait for a library it does not need."""
    code = (
        "import sys, poise.market as m; assert 'pandas' not in sys.modules and 'pyarrow' not in sys.modules;"
        "p = m.sample().panel; assert 'pandas' not in sys.modules; print(p.n_assets)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "23"), run.stderr


class TestSources:
    def test_sample_source(self) -> None:
        source: PriceSource = SampleSource("stocks")
        assert source.load().panel.n_assets == 20

    def test_file_source_reads_anew(self, write: Write) -> None:
        source: PriceSource = FileSource(write(long_bars()))
        assert source.load().panel.n_observations == 20
        write(long_bars(periods=5))
        assert source.load().panel.n_observations == 5

    def test_file_source_hands_its_policies_on(self, write: Write) -> None:
        frame = long_bars()
        frame.loc[0, "close"] = -1.0
        path = write(frame)
        with pytest.raises(DataError):
            FileSource(path).load()
        assert FileSource(path, on_bad_bar="drop").load().report.n_dropped == 1


def test_log_returns_are_finite() -> None:
    assert math.isfinite(float(np.log(sample().panel.closes).sum()))
