"""Run the tests of the kernels on each instruction set of this processor; name those that it has not."""

from __future__ import annotations

import os
import subprocess
import sys

from poise import _native

KNOWN = ("baseline", "avx2", "avx512")
WORKERS = os.environ.get("WORKERS", "auto")
RUST = ("cargo", "test", "--quiet", "--locked", "-p", "poise-simd", "-p", "poise-core")
PYTHON = (
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-n",
    WORKERS,
    "-m",
    "not slow",
    "tests/parity",
    "tests/properties",
)


def passes(name: str) -> bool:
    """Run both suites on one set, the second also where the first failed."""
    env = os.environ | {"POISE_CPU": name}
    asked = f"import sys; from poise import _native; sys.exit(_native.cpu() != {name!r})"
    codes = [
        subprocess.run(run, env=env, check=False).returncode  # noqa: S603 - our own commands
        for run in ((sys.executable, "-c", asked), RUST, PYTHON)
    ]
    return not any(codes)


def main() -> None:
    """Run what can be run; fail if a set failed."""
    failed = []
    for name in KNOWN:
        if name not in _native.cpus():
            print(f"{name}: skipped, this processor does not have it", flush=True)
            continue
        print(f"{name}: running", flush=True)
        if not passes(name):
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "every instruction set of this processor passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
