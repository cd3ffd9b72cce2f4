"""What the two verbs answer with, for people and for machines."""

from __future__ import annotations

import contextlib
import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from poise.cli import main
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.testing import simulated_market
from tests.tolerances import CLOSED_FORM, SUM
from tests.unit.cli.conftest import Ran, Run, long_table

FIELDS = {field.name for field in fields(EnhancedPortfolioMetrics)}


def called(*words: str | Path) -> Ran:
    """Call ``poise`` outside of any one test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def demonstrated(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The JSON document of one demo and the report it was told to write."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "poise.toml").touch()
    target = folder / "new folder" / "report.html"
    ran = called("demo", "--data", bars, "--report", target, "--config", folder / "poise.toml", "--json")
    assert ran.code == 0
    return ran.document(), target


@pytest.fixture(scope="module")
def told(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One demo for people."""
    folder = tmp_path_factory.mktemp("told")
    (folder / "poise.toml").touch()
    return called(
        "demo", "--data", bars, "--report", folder / "report.html", "--config", folder / "poise.toml"
    )


class TestDemoDocument:
    def test_its_parts(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        document, _ = demonstrated
        assert {
            "mode",
            "source",
            "as_of",
            "metrics",
            "regime",
            "target_weights",
            "proposals",
            "no_trade_because",
            "triggers",
            "trades",
            "execution",
            "performance",
            "warnings",
            "data",
            "report",
        } == set(document)
        assert document["mode"] == "paper"

    def test_metrics_are_the_fourteen(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        metrics = demonstrated[0]["metrics"]
        assert set(metrics) == FIELDS
        assert len(FIELDS) == 14
        assert metrics["total_value_usd"] == pytest.approx(10_000.0, rel=CLOSED_FORM)
        assert metrics["asset_count"] == 4
        assert metrics["cvar_95"] >= metrics["var_95"] > 0.0

    def test_the_regime_has_its_confidence(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        regime = demonstrated[0]["regime"]
        assert regime["label"] in regime["probabilities"]
        assert sum(regime["probabilities"].values()) == pytest.approx(1.0, abs=SUM)
        assert 0.0 <= regime["confidence"] <= 1.0

    def test_weights_sum_to_one_within_the_cap(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        weights = demonstrated[0]["target_weights"]
        assert sum(weights.values()) == pytest.approx(1.0, abs=SUM)
        assert max(w for s, w in weights.items() if s != "cash") <= 0.35 + SUM

    def test_it_rebalanced_and_says_why_at_what_cost(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        document, _ = demonstrated
        proposal = document["proposals"][0]
        assert proposal["trades"] == document["trades"]
        assert document["trades"]
        assert document["no_trade_because"] is None
        assert proposal["reasons"]
        assert proposal["net_benefit"] == pytest.approx(
            proposal["expected_benefit"] - proposal["expected_cost"]
        )
        for trade in document["trades"]:
            assert trade["side"] in ("buy", "sell")
            assert trade["quantity"] > 0.0
            assert trade["expected_cost_usd"] > 0.0
            assert isinstance(trade["expected_benefit_usd"], float)
        assert len(document["execution"]["orders"]) == len(document["trades"])
        assert document["execution"]["mode"] == "paper"
        assert len(document["triggers"]) == 7

    def test_performance_stands_beside_the_baseline(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        performance = demonstrated[0]["performance"]
        for who in ("strategy", "baseline"):
            assert {"annualized_return", "sharpe_ratio", "max_drawdown"} <= set(performance[who])
        assert performance["costs"]["fees"] > 0.0

    def test_the_report_is_where_it_says(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        document, target = demonstrated
        assert Path(document["report"]) == target
        assert target.read_text(encoding="utf-8").startswith("<!doctype html>")

    def test_warnings_name_what_was_assumed(self, demonstrated: tuple[dict[str, Any], Path]) -> None:
        document, _ = demonstrated
        words = [warning.partition(":")[0] for warning in document["warnings"]]
        assert "default_portfolio" in words
        assert len(words) == len(set(document["warnings"]))


class TestDemoInWords:
    def test_it_says_what_a_person_wants_to_see(self, told: Ran) -> None:
        assert told.code == 0
        assert told.err == ""
        for part in (
            "PAPER",
            "Rehearsal",
            "static baseline",
            "Sharpe ratio",
            "Regime  ",
            "% sure",
            "Portfolio\n",
            "after trading",
            "Proposal  ",
            "urgency",
            "expected benefit $",
            "Why\n",
            "Trades, in order\n",
            "Executed on the paper broker",
            "Warnings\n",
            "Report  ",
        ):
            assert part in told.out

    def test_it_fits_a_hundred_columns(self, told: Ran) -> None:
        *lines, path = told.out.rstrip("\n").splitlines()
        assert path.startswith("Report  ")
        assert max(map(len, lines)) <= 100


class TestAnalyze:
    def test_the_document(self, run: Run, bars: Path) -> None:
        ran = run("analyze", "--data", bars, "--symbol", "SIM2/USDT", "--json")
        assert ran.code == 0
        document = ran.document()
        assert set(document["metrics"]) == FIELDS
        assert document["mode"] == "paper"
        assert document["symbol"] == document["signal"]["symbol"] == "SIM2/USDT"
        assert document["recommendation"]["side"] in ("buy", "sell", "hold")
        assert set(document["signals"]) == {f"SIM{i}/USDT" for i in range(1, 5)}
        assert all("combined" in factors for factors in document["signals"].values())
        assert document["data"]["n_assets"] == 4

    def test_without_a_symbol_there_is_no_recommendation(self, run: Run, bars: Path) -> None:
        document = run("analyze", "--data", bars, "--json").document()
        assert document["recommendation"] is None
        assert document["signal"] is None

    def test_in_words(self, run: Run, bars: Path) -> None:
        ran = run("analyze", "--data", bars, "--symbol", "SIM2/USDT")
        assert (ran.code, ran.err) == (0, "")
        parts = ("PAPER", "Regime  ", "The book", "Risk\n", "Who contributes\n", "Risk score  ", "Signals\n")
        for part in (*parts, "Target\n", "Recommendation  ", "Why\n", "Warnings\n"):
            assert part in ran.out
        assert max(map(len, ran.out.splitlines())) <= 100

    def test_the_risk_in_words_adds_up(self, run: Run, bars: Path) -> None:
        out = run("analyze", "--data", bars).out
        risk = run("analyze", "--data", bars, "--json").document()["risk"]
        methods = {tail["method"].replace("_", " ") for tail in risk["tails"]}
        assert all(any(line.startswith(method) for line in out.splitlines()) for method in methods)
        parts = sum(part["conditional_value_at_risk_95"] for part in risk["components"].values())
        assert parts == pytest.approx(risk["cvar_95"], rel=CLOSED_FORM)
        (total,) = (line for line in out.splitlines() if line.startswith("all "))
        assert f"{risk['cvar_95']:.2%}" in total

    def test_every_signal_says_why_it_was_kept_or_cut(self, run: Run, bars: Path) -> None:
        out = run("analyze", "--data", bars).out
        document = run("analyze", "--data", bars, "--json").document()
        assert set(document["verdicts"]) == set(document["signals"])
        for symbol, verdict in document["verdicts"].items():
            word = verdict["reason"].partition(":")[0]
            assert word in ("kept", "cut")
            assert (verdict["score"] == 0.0) is (word == "cut")
            assert any(line.startswith(symbol) and word in line for line in out.splitlines())

    def test_the_target_says_why_it_is_what_it_is(self, run: Run, bars: Path) -> None:
        document = run("analyze", "--data", bars, "--json").document()
        assert any(reason.startswith("exposure ") for reason in document["reasons"])
        assert set(document["current_weights"]) == set(document["verdicts"]) | {"cash"}
        lines = run("analyze", "--data", bars).out.splitlines()
        assert "Why this target" in lines
        table = lines[lines.index("Target") :]
        assert table[1].split() == ["asset", "held", "target", "signal", "used"]
        used = {line.split()[0]: line.split()[-1] for line in table[2 : table.index("")]}
        for symbol, verdict in document["verdicts"].items():
            assert used[symbol] == f"{verdict['score'] or 0.0:.2f}"

    def test_the_correlation_in_words_and_in_the_document(self, run: Run, bars: Path) -> None:
        document = run("analyze", "--data", bars, "--json").document()
        summary = document["correlation"]
        assert set(summary["assets"]) == set(document["verdicts"])
        assert document["across_markets"] == []
        best = summary["most_correlated"][0]
        matrix = document["metrics"]["correlation_matrix"]
        assert best["correlation"] == pytest.approx(matrix[best["first"]][best["second"]])
        out = run("analyze", "--data", bars).out
        assert "Correlation\n" in out
        assert f"{summary['average']:.2f}, {summary['dispersion']:.2f}" in out
        assert "Across markets" not in out

    def test_two_markets_are_held_against_each_other(self, run: Run, bars: Path) -> None:
        frame = pd.read_parquet(bars)
        exchange = (frame["symbol"] != "SIM1/USDT") | (pd.to_datetime(frame["ts"]).dt.day_of_week < 5)
        frame[exchange].to_parquet("mixed.parquet")
        pairs = run("analyze", "--data", "mixed.parquet", "--json").document()["across_markets"]
        assert {pair["exchange"] for pair in pairs} == {"SIM1/USDT"}
        out = run("analyze", "--data", "mixed.parquet").out
        assert "Across markets\n" in out
        assert all(f"{pair['continuous']} and SIM1/USDT" in out for pair in pairs)
        assert max(map(len, out.splitlines())) <= 100

    def test_what_is_unknown_is_warned_of_once_and_says_what_to_do(self, run: Run, bars: Path) -> None:
        bare = pd.read_parquet(bars)[["ts", "symbol", "close"]]
        bare.to_parquet("bare.parquet")
        warnings = run("analyze", "--data", "bare.parquet", "--json").document()["warnings"]
        words = [warning.partition(":")[0] for warning in warnings]
        assert words.count("liquidity_unknown") == words.count("untiered") == 1
        for word in ("liquidity_unknown", "untiered", "default_portfolio"):
            assert "; pass " in warnings[words.index(word)]

    def test_figures_are_written_where_asked(self, run: Run, bars: Path) -> None:
        ran = run("analyze", "--data", bars, "--regime", "--correlation", "--out", "new/figures")
        assert (ran.code, ran.err) == (0, "")
        for name in ("regime", "correlation"):
            file = Path(f"new/figures/poise-{name}.html")
            assert f"{name}: " in ran.out
            assert file.name in ran.out.replace("\n", "")
            page = file.read_text()
            assert page.startswith("<!doctype html>")
            assert "Plotly.newPlot" in page
            assert "default-src 'none'" in page

    def test_figures_are_named_in_the_document(self, run: Run, bars: Path) -> None:
        document = run("analyze", "--data", bars, "--regime", "--json").document()
        assert set(document["figures"]) == {"regime"}
        assert Path(document["figures"]["regime"]) == Path("poise-regime.html").resolve()
        assert Path("poise-regime.html").exists()
        assert not Path("poise-correlation.html").exists()
        assert run("analyze", "--data", bars, "--json").document()["figures"] == {}

    @pytest.mark.parametrize("name", ["book.json", "book.toml"])
    def test_a_book_of_ones_own(self, name: str, run: Run, bars: Path) -> None:
        text = {
            "book.json": '{"cash": 500, "positions": {"SIM1/USDT": 2}}',
            "book.toml": 'cash = 500\n[positions]\n"SIM1/USDT" = 2\n',
        }
        Path(name).write_text(text[name])
        document = run("analyze", "--data", bars, "--portfolio", name, "--json").document()
        assert document["metrics"]["asset_count"] == 1
        last = pd.read_parquet(bars).query("symbol == 'SIM1/USDT'")["close"].iloc[-1]
        assert document["metrics"]["total_value_usd"] == pytest.approx(500 + 2 * last)
        assert not any(warning.startswith("default_portfolio") for warning in document["warnings"])

    def test_settings_reach_the_strategy(self, run: Run, bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POISE_PORTFOLIO__MAX_POSITION_SIZE", "0.1")
        monkeypatch.setenv("POISE_PAPER__CAPITAL", "2500")
        document = run("analyze", "--data", bars, "--json").document()
        weights = document["target_weights"]
        assert max(w for s, w in weights.items() if s != "cash") <= 0.1 + SUM
        assert document["metrics"]["total_value_usd"] == pytest.approx(2500.0)

    def test_without_a_source_it_answers_on_the_sample_and_says_so(self, run: Run) -> None:
        ran = run("analyze", "--json")
        assert ran.code == 0
        document = ran.document()
        assert document["warnings"][0].startswith("embedded_sample: no data configured")
        assert document["metrics"]["asset_count"] == 23


@pytest.fixture(params=["analyze", "demo"])
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestLittleToGoOn:
    """Poor data is no mistake: an answer with warnings and exit code 0."""

    def answer(self, run: Run, verb: str, table: pd.DataFrame) -> dict[str, Any]:
        table.to_csv("bars.csv", index=False)
        in_words = run(verb, "--data", "bars.csv")
        assert (in_words.code, in_words.err) == (0, "")
        ran = run(verb, "--data", "bars.csv", "--json")
        assert ran.code == 0
        document: dict[str, Any] = ran.document()
        assert sum(document["target_weights"].values()) == pytest.approx(1.0, abs=SUM)
        return document

    def test_an_asset_without_a_value_beside_good_ones(self, verb: str, run: Run) -> None:
        table = long_table(simulated_market(seed=3, n_assets=3, days=90).panel)
        table.loc[table["symbol"] == "SIM2/USDT", "close"] = float("nan")
        document = self.answer(run, verb, table)
        assert any("SIM2/USDT" in warning for warning in document["warnings"])
        assert document["target_weights"].get("SIM2/USDT", 0.0) == 0.0
        assert document["metrics"]["correlation_matrix"]["SIM2/USDT"]["SIM2/USDT"] is None

    def test_one_asset(self, verb: str, run: Run) -> None:
        document = self.answer(run, verb, long_table(simulated_market(seed=3, n_assets=1, days=90).panel))
        assert document["metrics"]["asset_count"] == 1
        assert document["metrics"]["diversification_ratio"] == 1.0
        assert document["warnings"]

    def test_two_bars(self, verb: str, run: Run) -> None:
        document = self.answer(run, verb, long_table(simulated_market(seed=3, n_assets=3, days=2).panel))
        words = {warning.partition(":")[0] for warning in document["warnings"]}
        assert {"short_history", "warming"} <= words
        assert document["metrics"]["var_95"] is None
