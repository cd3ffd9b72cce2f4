"""Goals against results: met, missed by how much, not measured and why."""

from __future__ import annotations

import pytest

from benches.document import page
from benches.targets import TARGETS, Target
from benches.verdict import summary, targets_of, verdict, verdict_table, verdicts, without_case
from poise.bench import Case, Contender, Latency, Missing, Result, Timing
from tests.unit.benches.makers import latency

GOALS = (
    Target("A1", "path", "N=2", "slow", 50.0),
    Target("A1", "path", "N=2", "fast", 2.0, bounded_by="the memory"),
    Target("A1", "path", "N=2", "gone", 10.0),
    Target("A1", "path", "N=2", "", None, poise="poise into out", seconds=7.5e-3),
    Target("A1", "path", "N=2", "poise", 1.5, poise="poise into out"),
    Target("A1", "path", "N=2", "slow", 10.0, poise="poise packed"),
    Target("Z9", "path", "N=3", "slow", 10.0),
)


def timing(seconds: float) -> Timing:
    return Timing(seconds, 0.8 * seconds, 0.9 * seconds, 1.2 * seconds, 5)


@pytest.fixture
def result() -> Result:
    names = ("poise", "poise into out", "slow", "fast")
    contenders: dict[str, Contender | Missing] = {name: Contender(list) for name in names}
    contenders |= {
        "gone": Missing("not installed: No module named 'gone'"),
        "poise packed": Missing("no such path"),
    }
    times = {"poise": 1.0, "poise into out": 0.5, "slow": 100.0, "fast": 0.5}
    timings = {name: timing(seconds) for name, seconds in times.items()}
    missing = {name: c.reason for name, c in contenders.items() if isinstance(c, Missing)}
    return Result(Case("A1", "path", "N=2", contenders), timings, missing)


class TestVerdict:
    def test_met(self, result: Result) -> None:
        found = verdict(result, GOALS[0])
        assert (found.outcome, found.ratio, found.missed_by, found.words()) == ("met", 100.0, 1.0, "met")

    def test_missed_by_how_much(self, result: Result) -> None:
        found = verdict(result, GOALS[1])
        assert (found.outcome, found.ratio, found.missed_by) == ("missed", 0.5, 4.0)
        assert found.words() == "**missed** by 4.00x"

    def test_exactly_the_goal_is_met(self, result: Result) -> None:
        assert verdict(result, Target("A1", "path", "N=2", "slow", 100.0)).outcome == "met"

    def test_a_missing_peer_is_named(self, result: Result) -> None:
        found = verdict(result, GOALS[2])
        assert found.words() == "not measured: gone: not installed: No module named 'gone'"

    def test_a_contender_of_poise_that_is_missing_is_named(self, result: Result) -> None:
        assert verdict(result, GOALS[5]).words() == "not measured: poise packed: no such path"

    def test_a_peer_that_is_no_contender_is_named(self, result: Result) -> None:
        found = verdict(result, Target("A1", "path", "N=2", "nobody", 2.0))
        assert found.words() == "not measured: nobody: not a contender of this case"

    def test_a_time_of_another_machine_has_no_verdict(self, result: Result) -> None:
        found = verdict(result, GOALS[3])
        assert (found.outcome, found.seen_seconds) == ("illustration", 0.5)

    def test_poise_against_itself(self, result: Result) -> None:
        assert verdict(result, GOALS[4]).ratio == 2.0


class TestTables:
    def test_one_line_per_goal_of_the_case(self, result: Result) -> None:
        assert targets_of(result, GOALS) == list(GOALS[:6])
        lines = verdict_table(verdicts([result], GOALS)).splitlines()
        assert len(lines) == 2 + 6
        assert lines[2] == "| A1 | path, N=2 | poise | slow | >= 50x | 100x | 100x | met |  |"
        assert lines[3] == (
            "| A1 | path, N=2 | poise | fast | >= 2.00x | 0.50x | 0.50x | **missed** by 4.00x | the memory |"
        )
        illustration = "| 7.5 ms | 500 ms |  | a time of another machine |  |"
        assert lines[5] == f"| A1 | path, N=2 | poise into out |  {illustration}"

    def test_counts(self, result: Result) -> None:
        assert summary(verdicts([result], GOALS)) == "2 met, 1 missed, 2 not measured"

    def test_a_goal_without_a_case_is_found(self, result: Result) -> None:
        assert without_case([result], GOALS) == [GOALS[6]]


def test_the_page_has_every_part_and_is_the_same_twice(result: Result) -> None:
    ticks: list[Latency] = [latency()]
    written = page([result], ticks)
    for heading in ("Machine", "Versions", "Goals", "Times", "Latency of a tick", "Method", "Caveats"):
        assert written.count(f"\n## {heading}\n") == 1
    assert "| gone |  |  |  |  | not installed: No module named 'gone' |" in written
    assert written == page([result], ticks)


class TestTargets:
    def test_every_row_of_the_goals_is_there(self) -> None:
        rows = {target.row for target in TARGETS}
        assert " ".join(sorted(rows)) == "A1 A1b A2 A3 A4 B B2 C1 C2 C3 D D2 E1 E2 E3 E4 E5 F1 F2 F3 G1 G2 H1"

    def test_a_goal_is_a_ratio_to_a_peer_or_a_time(self) -> None:
        for target in TARGETS:
            assert (target.ratio is None) == (target.peer == "")
            assert target.ratio is not None or target.seconds is not None

    def test_no_goal_is_said_twice(self) -> None:
        keys = [(t.question, t.size, t.peer, t.poise) for t in TARGETS]
        assert len(keys) == len(set(keys))
