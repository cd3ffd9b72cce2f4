"""``python -m benches``: every bench beside its peers, in one run; prints the tables and may write the page.

Pools of threads are sized when a library is loaded, so that the environment has to be there before:
the module starts itself again where it is not.
"""

from __future__ import annotations

import os
import sys

from poise.bench.machine import fair_environment, machine

if __name__ == "__main__" and fair_environment(os.environ) != dict(os.environ):
    os.execve(sys.executable, [sys.executable, "-m", "benches", *sys.argv[1:]], fair_environment(os.environ))  # noqa: S606

import argparse
import warnings
from collections.abc import Iterator
from importlib import import_module
from time import perf_counter

from benches.document import PAGE, latency_table, page
from benches.latency import latencies
from benches.verdict import summary, verdict_table, verdicts, without_case
from poise.bench.harness import Case, Result, measure
from poise.bench.words import table

MODULES = (
    "bench_moments",
    "bench_online",
    "bench_risk",
    "bench_optimization",
    "bench_quadratic",
    "bench_frontier",
    "bench_programs",
    "bench_cvar",
    "bench_regime",
    "bench_performance",
    "bench_tick",
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help=f"which of {', '.join(MODULES)}; all by default")
    parser.add_argument("--rows", default="", help="only these rows, such as A1,C2")
    parser.add_argument("--seconds", type=float, default=1.0, help="time per contender")
    parser.add_argument(
        "--ticks", type=int, default=200_000, help="ticks of the latency histograms; 0 for none"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} in docs/")
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    warnings.simplefilter("ignore")
    begun = perf_counter()
    print("; ".join(f"{name} {value}" for name, value in machine().items()) + "\n")
    rows = {row for row in options.rows.split(",") if row}
    results = [
        shown(measure(case, options.seconds))
        for case in cases(options.modules or MODULES)
        if case.row in rows or not rows
    ]
    found = verdicts(results)
    print(f"\n{verdict_table(found)}\n\n{summary(found)}\n")
    ticks = latencies(options.ticks) if options.ticks > 0 else []
    if ticks:
        print(latency_table(ticks) + "\n\n" + "\n\n".join(str(latency) for latency in ticks))
    print(f"\n{perf_counter() - begun:.0f} seconds in all")
    if options.write:
        PAGE.write_text(page(results, ticks), encoding="utf-8")
        print(f"written: {PAGE}")
    wrong = [
        f"{r.case.question}, {r.case.size}: {name} {why}" for r in results for name, why in r.failed.items()
    ]
    if not options.modules and not rows:
        wrong += [f"no case for the goal {t.question}, {t.size}" for t in without_case(results)]
    for what in wrong:
        print(what, file=sys.stderr)
    return 1 if wrong else 0


def cases(modules: tuple[str, ...]) -> Iterator[Case]:
    for name in modules:
        yield from import_module(f"benches.{name}").cases()


def shown(result: Result) -> Result:
    """Print a result as soon as it is there: the whole run takes a while."""
    print(table([result]) + "\n", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
