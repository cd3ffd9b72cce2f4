"""Count the instructions of the hottest kernels under callgrind and compare with the committed baseline.

A count has no noise: the same binary on the same path executes the same instructions on a busy machine too.
So a kernel that got 5 % dearer is told apart from a slow morning. Counts are no times: what waits for memory
costs more than it counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
MANIFEST = HERE / "kernels" / "Cargo.toml"
BASELINE = HERE / "instructions.json"
TARGET = HERE.parent / "target"

ALLOWED = 0.05
"""Relative change of a count that is let pass: versions of the C library differ by less."""

MEASURED = "*measured_calls*"
"""The function between whose entry and exit callgrind collects."""


class CannotMeasureError(Exception):
    """Something that the count needs is missing or failed; the message names the remedy."""


@dataclass(frozen=True)
class Count:
    """What a toolchain makes of the kernels.

    Attributes
    ----------
    rustc, host : str
        Version and target of the compiler.
    instruction_set : str
        Path that the dispatch took. Valgrind has no AVX-512, so on a processor that has it this is ``avx2``.
    per_call : mapping of str to float
        Instructions per call, by kernel.
    """

    rustc: str
    host: str
    instruction_set: str
    per_call: Mapping[str, float]

    def to_json(self) -> str:
        return json.dumps(vars(self), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Count:
        return cls(**json.loads(path.read_text()))


@dataclass(frozen=True)
class Verdict:
    """How one kernel compares; ``failed`` when the change must not pass as it is."""

    kernel: str
    text: str
    failed: bool = False


def judge(baseline: Mapping[str, float], counted: Mapping[str, float]) -> list[Verdict]:
    """Compare every kernel of either side. One that only one side knows is not guarded, which fails too."""
    verdicts = []
    for kernel in sorted(baseline.keys() | counted.keys()):
        if kernel not in baseline:
            verdicts.append(Verdict(kernel, "new: commit a baseline for it", failed=True))
        elif kernel not in counted:
            verdicts.append(Verdict(kernel, "gone: commit the baseline without it", failed=True))
        else:
            verdicts.append(_judge_one(kernel, baseline[kernel], counted[kernel]))
    return verdicts


def _judge_one(kernel: str, before: float, after: float) -> Verdict:
    change = after / before - 1.0
    text = f"{before:14,.1f} -> {after:14,.1f}  {change:+7.1%}"
    if change > ALLOWED:
        return Verdict(kernel, f"{text}  DEARER by more than {ALLOWED:.0%}", failed=True)
    if change < -ALLOWED:
        return Verdict(kernel, f"{text}  improved: commit the new baseline")
    return Verdict(kernel, text)


def why_not_comparable(baseline: Count, rustc: str, host: str, instruction_set: str) -> str | None:
    """Name what differs in what made the counts; None where nothing does."""
    pairs = {
        "rustc": (baseline.rustc, rustc),
        "host": (baseline.host, host),
        "instruction set": (baseline.instruction_set, instruction_set),
    }
    differing = [f"{what} {then} then, {now} now" for what, (then, now) in pairs.items() if then != now]
    return "; ".join(differing) or None


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Return the standard output of a program that must succeed."""
    program = shutil.which(command[0])
    if program is None:
        raise CannotMeasureError(f"{command[0]} was not found")
    done = subprocess.run(  # noqa: S603 - commands are written in this file
        [program, *command[1:]], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotMeasureError(
            f"{command[0]} failed with status {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def compiler() -> tuple[str, str]:
    """Version and host of the compiler."""
    fields = dict(line.split(": ", 1) for line in run("rustc", "-vV").splitlines() if ": " in line)
    return fields["release"], fields["host"]


def build() -> Path:
    """Compile the counted kernels with the profile that ships; leave the binary's path."""
    flags = {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"}
    env = {name: value for name, value in os.environ.items() if name not in flags}
    run(
        *("cargo", "build", "--quiet", "--release", "--locked", "--bin", "instructions"),
        *("--manifest-path", MANIFEST),
        env=env | {"CARGO_TARGET_DIR": str(TARGET)},
    )
    return TARGET / "release" / "instructions"


def count_kernel(binary: Path, kernel: str) -> tuple[str, int]:
    """Run one kernel under callgrind: the path it took, and the instructions of all its calls."""
    # Nothing else of the environment: its size moves the stack, and with it a few instructions of memcpy.
    env = {name: os.environ[name] for name in ("PATH", "POISE_CPU") if name in os.environ}
    with TemporaryDirectory() as directory:
        out = Path(directory) / "callgrind.out"
        instruction_set = run(
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"),
            *("--collect-atstart=no", f"--toggle-collect={MEASURED}", binary, kernel),
            env=env,
        ).strip()
        totals = [line for line in out.read_text().splitlines() if line.startswith("totals:")]
    instructions = int(totals[0].split()[1]) if totals else 0
    if instructions == 0:
        raise CannotMeasureError(
            f"{kernel}: callgrind collected nothing; is {MEASURED} still a function of its own?"
        )
    return instruction_set, instructions


def count(rustc: str, host: str) -> Count:
    """Build and count every kernel."""
    binary = build()
    calls = {name: int(calls) for name, calls in (line.split("\t") for line in run(binary).splitlines())}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = dict(zip(calls, pool.map(lambda kernel: count_kernel(binary, kernel), calls), strict=True))
    (instruction_set,) = {instruction_set for instruction_set, _ in outcomes.values()}
    per_call = {kernel: round(total / calls[kernel], 1) for kernel, (_, total) in outcomes.items()}
    return Count(rustc, host, instruction_set, per_call)


def guard(*, update: bool) -> int:
    """Count, then write the baseline or compare with it; returns the exit status."""
    if shutil.which("valgrind") is None:
        raise CannotMeasureError("valgrind was not found; install it (Debian: apt-get install valgrind)")
    rustc, host = compiler()
    if update:
        counted = count(rustc, host)
        BASELINE.write_text(counted.to_json())
        print(f"{BASELINE.name}: {len(counted.per_call)} kernels on {counted.instruction_set}, rustc {rustc}")
        return 0
    baseline = Count.read(BASELINE)
    # The path is known only after a run; a different compiler is known before the build.
    reason = why_not_comparable(baseline, rustc, host, baseline.instruction_set)
    if reason is None:
        counted = count(rustc, host)
        reason = why_not_comparable(baseline, rustc, host, counted.instruction_set)
    if reason is not None:
        print(f"instruction counts are not comparable with {BASELINE.name}: {reason}")
        return 0
    verdicts = judge(baseline.per_call, counted.per_call)
    print(f"instructions per call, baseline -> now ({counted.instruction_set}, rustc {rustc})")
    for verdict in verdicts:
        print(f"  {verdict.kernel:32} {verdict.text}")
    return int(any(verdict.failed for verdict in verdicts))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--update", action="store_true", help=f"rewrite {BASELINE.name} with the counts of now"
    )
    try:
        return guard(update=parser.parse_args().update)
    except CannotMeasureError as reason:
        print(f"cannot count instructions: {reason}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
