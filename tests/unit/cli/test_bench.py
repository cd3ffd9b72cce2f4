"""``poise bench``: what it answers with for people and machines; nothing about time itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from poise.bench.machine import fair_environment
from poise.cli import bench
from poise.errors import PoiseError
from tests.unit.cli.conftest import Run, strict


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """One run as short as it can be, in its own process as always."""
    told: list[str] = []
    found = bench.measured(0.01, told.append)
    assert any("EWMA covariance path" in line for line in told)
    return found


@pytest.fixture
def measured(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The verb answers with that run instead of one of its own."""
    monkeypatch.setattr(bench, "measured", lambda _seconds, _tell: document)
    return document


class TestDocument:
    def test_its_parts(self, document: dict[str, Any]) -> None:
        assert set(document) == {"machine", "versions", "results", "latency"}
        assert document["machine"]["instruction set of poise"] in {"baseline", "avx2", "avx512"}
        assert {"poise", "numpy", "pandas"} <= set(document["versions"])

    def test_every_question_was_answered_by_all(self, document: dict[str, Any]) -> None:
        assert len(document["results"]) >= 8
        for result in document["results"]:
            assert set(result) == {"row", "question", "size", "contenders", "absent"}
            assert result["absent"] == {}
            names = [contender["name"] for contender in result["contenders"]]
            assert names[0] == "poise"
            assert len(names) >= 2

    def test_times_are_positive_and_poise_is_the_measure(self, document: dict[str, Any]) -> None:
        for result in document["results"]:
            assert result["contenders"][0]["times_poise"] == 1.0
            for contender in result["contenders"]:
                assert set(contender) == {
                    "name",
                    "median_seconds",
                    "spread_seconds",
                    "min_seconds",
                    "times_poise",
                    "note",
                }
                assert 0.0 < contender["min_seconds"] <= contender["median_seconds"]

    def test_latencies_begin_with_the_clock(self, document: dict[str, Any]) -> None:
        names = [latency["name"] for latency in document["latency"]]
        assert names[0] == "the clock alone"
        assert [n for n in names if n.endswith("partial_fit")] == [
            f"N={n} EwmaCovariance.partial_fit" for n in (50, 200, 1000)
        ]
        for latency in document["latency"]:
            assert set(latency["nanoseconds"]) == {"p50", "p90", "p99", "p99.9", "max"}
            assert sum(bucket["n_calls"] for bucket in latency["histogram"]) == latency["n_calls"]


class TestVerb:
    def test_json(self, run: Run, measured: dict[str, Any]) -> None:
        ran = run("bench", "--json")
        assert ran.code == 0
        assert ran.document() == measured

    def test_for_people(self, run: Run, measured: dict[str, Any]) -> None:
        ran = run("bench", "--seconds", "1")
        assert ran.code == 0
        assert ran.err == ""
        for word in ("numpy", "pandas", "p99.9", "the clock alone", "x poise", "####"):
            assert word in ran.out

    def test_an_absent_contender_is_shown(self, run: Run, measured: dict[str, Any]) -> None:
        measured["results"][0]["absent"] = {"pandas": "raised ValueError: worn out"}
        shown = run("bench").out
        del measured["results"][0]["absent"]["pandas"]
        assert "worn out" in shown

    @pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
    def test_a_time_that_is_none(self, run: Run, seconds: str) -> None:
        ran = run("bench", "--seconds", seconds)
        assert ran.code == 2
        assert "seconds is" in ran.refusal()

    def test_a_word_for_a_number(self, run: Run) -> None:
        error = run("bench", "--seconds", "soon", "--json").refused_document()
        assert error["type"] == "UsageError"

    def test_a_process_that_dies_is_an_error_with_its_last_word(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench.sys, "executable", "/bin/false")
        ran = run("bench", "--seconds", "1")
        assert ran.code == 1
        assert "exit code 1" in ran.refusal()

    def test_help_has_an_example(self, run: Run) -> None:
        ran = run("bench", "--help")
        assert ran.code == 0
        assert "poise bench --seconds 20" in ran.out


def test_the_module_prints_one_strict_document() -> None:
    import os

    ran = subprocess.run(
        [sys.executable, "-m", "poise.bench", "not a number"],
        env=fair_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert ran.stdout == ""


def test_errors_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.sys, "executable", "/bin/false")
    with pytest.raises(PoiseError, match="the bench stopped with exit code 1"):
        bench.measured(1.0, lambda _: None)


def test_strict_refuses_what_is_no_json() -> None:
    with pytest.raises(AssertionError):
        strict("NaN")
