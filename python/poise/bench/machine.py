"""Which machine and versions a figure belongs to, and the environment that is fair to all contenders."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from poise import _native

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
PINNED_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
WITHOUT_AVX512 = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_SKX AVX512_ICL"}
"""NumPy's selection by AVX-512 stores compressed vectors to memory, which Zen 4 does in microcode: without it
``np.partition`` is seven to twenty-five times faster there."""

CPU_FACTS = Path("/proc/cpuinfo")


def fair_environment(given: Mapping[str, str], cpu: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return `given` with every thread pool at one thread, unless set, and the fastest kernels of the peers.

    On small matrices a threaded BLAS is erratic, and a pinned BLAS kernel would handicap the peers. Libraries
    read their environment when they are loaded: it has to be there before the first import.

    Parameters
    ----------
    given : mapping of str to str
    cpu : mapping of str to str, optional
        What the system says of the processor, :func:`cpu_facts` unless given.
    """
    facts = cpu_facts() if cpu is None else cpu
    fair = dict.fromkeys(ONE_THREAD, "1")
    if facts.get("cpu family") == "25" and "avx512f" in facts.get("flags", "").split():
        fair |= WITHOUT_AVX512
    return {**fair, **{name: value for name, value in given.items() if name not in PINNED_KERNELS}}


def machine() -> dict[str, str]:
    """Return processor, cores, the instruction set that poise uses, and the versions of system and Python."""
    return {
        "processor": processor(cpu_facts()),
        "cores": str(os.cpu_count()),
        "instruction set of poise": _native.cpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_facts(path: Path = CPU_FACTS) -> dict[str, str]:
    """Return what the system says of its last processor; nothing where it has no such file."""
    if not path.exists():
        return {}
    parts = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return {name.strip(): value.strip() for name, _, value in parts if name.strip()}


def processor(facts: Mapping[str, str]) -> str:
    """Return the name of the processor, with family and model where the system tells."""
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts and "model" in facts:
        return f"{name} (family {facts['cpu family']}, model {facts['model']})"
    return name


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution, ``not installed`` where there is none."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
