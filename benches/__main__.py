"""``python -m benches``: every bench beside its peers, in one run; prints the table.

The peers run on one BLAS thread: on small matrices a threaded BLAS is erratic, and poise's kernels use one.
Pools are sized when a library is loaded, hence the environment before the imports.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")
# A pinned BLAS kernel would handicap the peers.
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)

import argparse
import platform
from importlib import import_module
from importlib.metadata import version

from benches.harness import measure, table

MODULES = ("bench_moments", "bench_risk", "bench_regime", "bench_optimization")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=MODULES, help="which benches; all by default")
    parser.add_argument("--seconds", type=float, default=1.0, help="time per contender")
    options = parser.parse_args()
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        ", ".join(f"{name} {version(name)}" for name in ("poise", "numpy", "pandas", "polars", "cvxpy"))
        + "\n"
    )
    cases = [case for name in options.modules for case in import_module(f"benches.{name}").cases()]
    print(table(measure(case, options.seconds) for case in cases))


if __name__ == "__main__":
    main()
