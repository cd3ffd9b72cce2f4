"""``poise bench``: the kernels beside what every user has, and the latency of a tick, in about a minute."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from poise.bench.latency import bars
from poise.bench.machine import fair_environment
from poise.bench.words import duration, factor
from poise.cli.options import AsJson
from poise.cli.output import busy, console, print_json, table
from poise.errors import ParameterError, PoiseError

if TYPE_CHECKING:
    from rich.console import RenderableType


def bench(
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="Measure for about so long.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Time the kernels beside NumPy by hand, pandas, SciPy and cvxpy, and single ticks by themselves.

    Example: poise bench --seconds 20
    """
    if not 0.0 < seconds < math.inf:
        raise ParameterError(f"seconds is {seconds:g}, expected a positive number")
    with busy("measuring", quiet=as_json) as tell:
        document = measured(seconds, tell)
    if as_json:
        print_json(document)
        return
    out = console()
    for part in _shown(document):
        out.print(part)
        out.print()


def measured(seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure in a process of its own, because pools of threads are sized when a library is loaded.

    Raises
    ------
    PoiseError
        If that process ends without an answer; the message has its last word.
    """
    words = [sys.executable, "-P", "-W", "ignore", "-m", "poise.bench", repr(seconds)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        with subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours, a number
            words, env=fair_environment(os.environ), stdout=answer, stderr=subprocess.PIPE, text=True
        ) as process:
            last = ""
            for said in process.stderr or ():
                last = said.strip() or last
                tell(f"measuring {last}")
        if process.returncode != 0:
            raise PoiseError(f"the bench stopped with exit code {process.returncode}: {last}")
        answer.seek(0)
        document: dict[str, Any] = json.load(answer)
    return document


def _shown(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    facts = [*document["machine"].items(), *document["versions"].items()]
    yield Text("; ".join(f"{name} {value}" for name, value in facts), style="dim")
    columns = ["question", "contender", "median", "spread", "x poise", "note"]
    yield table("Beside its peers, one thread each", columns, list(_lines(document["results"])), words=2)
    figures = [_figures(latency) for latency in document["latency"]]
    yield table("Latency of single calls", ["", "calls", "p50", "p90", "p99", "p99.9", "max"], figures)
    for latency in document["latency"]:
        if latency["name"].endswith("partial_fit"):
            buckets = [(b["from_ns"], b["below_ns"], b["n_calls"]) for b in latency["histogram"]]
            yield Group(Text(latency["name"], style="bold"), Text("\n".join(bars(buckets))))
    yield Text("x poise: times the median of poise; above 1, poise is faster. Times include the Python call.")


def _lines(results: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for result in results:
        question = f"{result['question']}, {result['size']}"
        for found in result["contenders"]:
            times = (duration(found["median_seconds"]), duration(found["spread_seconds"]))
            yield [question, found["name"], *times, factor(found["times_poise"]), found["note"]]
            question = ""
        for name, why in result["absent"].items():
            yield ["", name, "", "", "", why]


def _figures(latency: Mapping[str, Any]) -> list[str]:
    times = (duration(ns * 1e-9) for ns in latency["nanoseconds"].values())
    return [latency["name"], str(latency["n_calls"]), *times]
