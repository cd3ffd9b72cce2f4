"""One self-contained file: nothing is fetched, nothing in it can harm, and it says what happened."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from poise.errors import OutputError
from poise.report import ReportContent, render, require_writable, write_report
from poise.report.words import counted
from tests.unit.report.conftest import HOSTILE


class Page(HTMLParser):
    """The tags, attributes, scripts and visible words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="session")
def page(content: ReportContent) -> Page:
    return Page(render(content))


@pytest.fixture(scope="session")
def bare_page(bare: ReportContent) -> Page:
    return Page(render(bare))


class TestSelfContained:
    def test_nothing_is_fetched(self, page: Page) -> None:
        assert not {"link", "img", "iframe", "object", "embed", "base", "a"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset", "action")]

    def test_the_browser_is_told_to_fetch_nothing(self, page: Page) -> None:
        policies = [value for name, value in page.attributes if name == "content" and "default-src" in value]
        (policy,) = policies
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy

    def test_the_chart_script_is_inlined_once(self, page: Page) -> None:
        assert sum(len(script) > 500_000 for script in page.scripts) == 1
        drawn = [script for script in page.scripts if "Plotly.newPlot" in script and len(script) < 500_000]
        assert len(drawn) == 4

    def test_charts_stand_where_their_scripts_look(self, page: Page) -> None:
        ids = {value for name, value in page.attributes if name == "id"}
        assert {"chart-equity", "chart-drawdown", "chart-weights", "chart-correlation"} <= ids


class TestHostileWords:
    def test_symbols_are_shown_as_they_are_written(self, page: Page) -> None:
        for symbol in HOSTILE:
            assert symbol in page.words

    def test_title_source_and_warnings_are_too(self, page: Page, content: ReportContent) -> None:
        assert content.title in page.words
        assert "simulated <i>prices</i>" in page.text
        assert content.warnings[0] in page.words

    def test_no_word_becomes_a_tag_or_a_script(self, page: Page) -> None:
        assert not {"i", "img"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        for script in page.scripts:
            if len(script) < 500_000:
                assert "<script" not in script
                assert "</script" not in script
                assert "<a " not in script

    def test_a_reason_for_no_trade_is_escaped(self, bare_page: Page) -> None:
        assert "<b>nothing</b> drifted" in bare_page.text


class TestContents:
    def test_its_sections(self, page: Page) -> None:
        for title in (
            "Equity and regimes",
            "Drawdown",
            "Weights over time",
            "Performance",
            "The book now",
            "Why",
            "Trades",
            "Correlation",
            "Rebalances of the rehearsal",
            "Warnings",
            "How this was made",
        ):
            assert title in page.words
        assert "PAPER" in page.words

    def test_the_figures_of_the_decision(self, page: Page, content: ReportContent) -> None:
        decision = content.decision
        proposal = decision.proposals[0]
        assert decision.regime.label.replace("_", " ") in page.words
        assert f"${proposal.expected_benefit:,.2f}" in page.words
        assert f"${proposal.expected_cost:,.2f}" in page.words
        for trade in proposal.trades:
            assert f"${trade.notional_usd:,.2f}" in page.words
        for reason in proposal.reasons:
            assert reason in page.words

    def test_strategy_and_baseline_side_by_side(self, page: Page, content: ReportContent) -> None:
        assert content.backtest is not None
        pair = content.backtest.performance()
        assert f"{pair['strategy'].annualized_volatility:.1%}" in page.words
        assert f"{pair['baseline'].annualized_volatility:.1%}" in page.words

    def test_what_was_executed(self, page: Page, content: ReportContent) -> None:
        assert content.execution is not None
        fills = counted(len(content.execution.fills), "fill")
        assert f"Executed on the paper broker: {fills}" in page.text

    def test_where_it_came_from(self, page: Page, content: ReportContent) -> None:
        assert "1.2.3" in page.words
        assert "settings: max_position_size" in page.words
        assert content.decision.as_of.isoformat() in page.words

    def test_without_rehearsal_and_proposal_it_still_stands(self, bare_page: Page) -> None:
        assert "Equity and regimes" not in bare_page.words
        assert "Correlation" in bare_page.words
        assert "No trade: " in bare_page.text
        assert "None." in bare_page.words


class TestWriting:
    def test_it_makes_the_folder_and_returns_the_absolute_path(
        self, bare: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        written = write_report(bare, "new/report.html")
        assert written == tmp_path / "new" / "report.html"
        assert written.read_text(encoding="utf-8") == render(bare)

    @pytest.mark.parametrize("place", ["file/report.html", "folder", "/proc/nothing/report.html"])
    def test_a_place_that_cannot_be_written(
        self, bare: ReportContent, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("file").touch()
        Path("folder").mkdir()
        for attempt in (lambda: write_report(bare, place), lambda: require_writable(place)):
            with pytest.raises(OutputError, match="choose another path with --report") as caught:
                attempt()
            assert place in str(caught.value)
            assert isinstance(caught.value, OSError)

    def test_looking_leaves_nothing_behind_and_harms_nothing(self, tmp_path: Path) -> None:
        require_writable(tmp_path / "new.html")
        assert list(tmp_path.iterdir()) == []
        old = tmp_path / "old.html"
        old.write_text("kept")
        require_writable(old)
        assert old.read_text() == "kept"
