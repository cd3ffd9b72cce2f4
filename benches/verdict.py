"""Goals against what was seen: met, missed by how much, or not measured and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benches.targets import TARGETS, Target
from poise.bench.harness import Result
from poise.bench.words import duration, factor, line

Outcome = Literal["met", "missed", "not measured", "illustration"]


@dataclass(frozen=True)
class Verdict:
    """What became of one goal; ratios of medians and of the fastest rounds, None where not measured."""

    target: Target
    outcome: Outcome
    ratio: float | None = None
    best_ratio: float | None = None
    seen_seconds: float | None = None
    why: str = ""

    @property
    def missed_by(self) -> float:
        """How many times faster poise would have to be; 1 where the goal is met."""
        if self.outcome != "missed" or self.ratio is None or self.target.ratio is None:
            return 1.0
        return self.target.ratio / self.ratio

    def words(self) -> str:
        """Return the outcome as a reader wants it."""
        match self.outcome:
            case "missed":
                return f"**missed** by {factor(self.missed_by)}x"
            case "not measured":
                return f"not measured: {self.why}"
            case "illustration":
                return "a time of another machine"
            case _:
                return self.outcome


def targets_of(result: Result, targets: Iterable[Target] = TARGETS) -> list[Target]:
    """Return the goals of this case."""
    case = result.case
    return [t for t in targets if (t.question, t.size) == (case.question, case.size)]


def verdict(result: Result, target: Target) -> Verdict:
    """Compare one goal with what was seen."""
    ours = result.timings.get(target.poise)
    if ours is None:
        return Verdict(target, "not measured", why=f"{target.poise}: {_absent(result, target.poise)}")
    if target.ratio is None:
        return Verdict(target, "illustration", seen_seconds=ours.median)
    if target.peer not in result.timings:
        why = f"{target.peer}: {_absent(result, target.peer)}"
        return Verdict(target, "not measured", seen_seconds=ours.median, why=why)
    ratio = result.ratio(target.peer, to=target.poise)
    outcome: Outcome = "met" if ratio >= target.ratio else "missed"
    best = result.best_ratio(target.peer, to=target.poise)
    return Verdict(target, outcome, ratio, best, ours.median)


def verdicts(results: Iterable[Result], targets: Iterable[Target] = TARGETS) -> list[Verdict]:
    """Return the verdicts of all goals whose cases were measured, in the order of the cases."""
    goals = tuple(targets)
    return [verdict(result, target) for result in results for target in targets_of(result, goals)]


def without_case(results: Iterable[Result], targets: Iterable[Target] = TARGETS) -> list[Target]:
    """Return the goals that none of the results is about: after a full run a slip of the table."""
    asked = {(result.case.question, result.case.size) for result in results}
    return [t for t in targets if (t.question, t.size) not in asked]


def verdict_table(found: Iterable[Verdict]) -> str:
    """Return the verdicts as a Markdown table."""
    head = ["row", "question", "contender", "peer", "goal", "seen", "of best rounds", "verdict", "bounded by"]
    lines = [line(head), "|---|---|---|---|---:|---:|---:|---|---|"]
    for v in found:
        target = v.target
        goal = f">= {factor(target.ratio)}x" if target.ratio is not None else duration(target.seconds or 0.0)
        seen = [f"{factor(r)}x" if r is not None else "" for r in (v.ratio, v.best_ratio)]
        if target.ratio is None and v.seen_seconds is not None:
            seen[0] = duration(v.seen_seconds)
        bound = target.bounded_by if v.outcome == "missed" else ""
        question = f"{target.question}, {target.size}"
        lines.append(line([target.row, question, target.poise, target.peer, goal, *seen, v.words(), bound]))
    return "\n".join(lines)


def summary(found: Iterable[Verdict]) -> str:
    """Return how many goals were met, missed and not measured."""
    outcomes = [v.outcome for v in found]
    counts = {name: outcomes.count(name) for name in ("met", "missed", "not measured")}
    return ", ".join(f"{n} {name}" for name, n in counts.items())


def _absent(result: Result, name: str) -> str:
    return result.missing.get(name) or result.failed.get(name) or "not a contender of this case"
