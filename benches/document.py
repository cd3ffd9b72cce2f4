"""docs/benchmarks.md from one run: machine, versions, goals, times, latencies, method."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benches.peers import DISTRIBUTIONS
from benches.verdict import summary, verdict_table, verdicts
from poise.bench.harness import Result
from poise.bench.latency import Latency
from poise.bench.machine import ONE_THREAD, WITHOUT_AVX512, machine, versions
from poise.bench.words import contender_rows, duration, line

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

GROUPS = {
    "A": "Batch covariance",
    "B": "Online covariance",
    "C": "Value at risk and conditional value at risk",
    "D": "Equal risk contributions",
    "E": "Quadratic problems and the frontier",
    "F": "Regimes",
    "G": "Performance statistics",
    "H": "The whole tick",
}

INTRODUCTION = (
    "Written by `python -m benches --write`; `make bench` prints the same. "
    "How to read it: [method](#method), [caveats](#caveats)."
)

METHOD = """\
- A goal is a **ratio of medians within one run**: contenders of a case take turns in proportion to the
  share of their time that is spent, so that a slow moment of the machine hits all of them. *Spread* is the
  interquartile range of the rounds.
- Contenders give the **same answer** before they are timed, to the tolerance of the case (1e-9 of the
  largest number unless the bench says otherwise). Where one answers another question, its note says which,
  and it is not compared.
- Times are **through Python**: the call, its checks, its result. poise checks its input for shape and NaN;
  loops by hand do not.
- **One thread** for every pool, no pinned BLAS kernel, the fastest honest call of each peer. Fits with
  several starts are the exception: poise runs the starts on the cores there are.
- A peer slower than its share of the time gets three rounds. Calls shorter than 0.2 ms are timed in
  batches.
- Single ticks are timed one by one; what two looks at the clock cost is shown and not subtracted."""

CAVEATS = """\
- The goals were set on another machine (Zen 5, full-width AVX-512, 1 MiB of L2 per core). Ratios travel
  between machines better than seconds, and not perfectly: narrower vector units help memory-bound peers.
- pandas and numbagg handle NaN pair by pair; poise does too, but leaves that path when the data have no
  gap.
- skfolio and riskfolio-lib stop at a larger error of the risk contributions, as noted beside each.
- riskparityportfolio's compiled solver is called without its Python package, which needs jax.
- quantstats' table has some sixty lines, the summary of poise sixteen figures.
- What a peer pays for large temporaries depends on what the process freed before, for glibc raises its
  thresholds: a row of precise at N=500 took 1.8 ms in a fresh process and 0.27 ms where memory is kept. All
  benches run in one process, which helps the peers.
- One machine, one run. Shared machines add tails: look at the fastest rounds where median and min are far
  apart.
- On Zen 4, NumPy's AVX-512 selection stores compressed vectors to memory in microcode and is seven to
  twenty-five times slower than its AVX2 selection: there the run disables it for NumPy, which helps the
  peers."""


def page(results: Sequence[Result], latencies: Sequence[Latency]) -> str:
    """Return the page as Markdown."""
    found = verdicts(results)
    blocks = [
        "# Benchmarks",
        INTRODUCTION,
        "## Machine",
        _facts({**machine(), "environment": _environment()}),
        "## Versions",
        _facts(versions(DISTRIBUTIONS)),
        "## Goals",
        f"{summary(found)}. *Seen* is the median of the peer over the median of the contender.",
        verdict_table(found),
        "## Times",
    ]
    for key, group in groupby(results, key=lambda result: result.case.row[0]):
        blocks.append(f"### {key} {GROUPS.get(key, '')}".rstrip())
        for result in group:
            blocks += _case(result)
    if latencies:
        blocks += ["## Latency of a tick", latency_table(latencies), "```text"]
        blocks[-1] += "\n" + "\n\n".join(str(latency) for latency in latencies) + "\n```"
    blocks += ["## Method", METHOD, "## Caveats", CAVEATS]
    return "\n\n".join(blocks) + "\n"


def latency_table(latencies: Sequence[Latency]) -> str:
    """Return the percentiles as a Markdown table."""
    lines = [
        line(["", "calls", "p50", "p90", "p99", "p99.9", "max"]),
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for latency in latencies:
        times = (duration(ns * 1e-9) for ns in latency.figures().values())
        lines.append(line([latency.name, str(len(latency.nanoseconds)), *times]))
    return "\n".join(lines)


def _case(result: Result) -> list[str]:
    case = result.case
    head = [
        line(["contender", "median", "spread", "min", "x poise", "note"]),
        "|---|---:|---:|---:|---:|---|",
    ]
    rows = [line(cells) for cells in contender_rows(result)]
    return [f"**{case.row}: {case.question}, {case.size}**", "\n".join([*head, *rows])]


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _environment() -> str:
    names = [*ONE_THREAD, *WITHOUT_AVX512]
    return ", ".join(f"`{name}={os.environ[name]}`" for name in names if name in os.environ)
