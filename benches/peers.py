"""Peers take part where they are installed; one that is not, or does not work, is named with the reason."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from poise.bench.harness import Contender, Missing, first_line

DISTRIBUTIONS = (
    "poise",
    "numpy",
    "pandas",
    "scipy",
    "polars",
    "numba",
    "numbagg",
    "bottleneck",
    "scikit-learn",
    "skfolio",
    "riskfolio-lib",
    "pyportfolioopt",
    "cvxcovariance",
    "precise",
    "riskparityportfolio",
    "cvxpy",
    "clarabel",
    "cvxcla",
    "daqp",
    "piqp",
    "hmmlearn",
    "statsmodels",
    "jumpmodels",
    "quantstats",
    "empyrical-reloaded",
)
"""What the document tells the versions of."""


def given(module: str, build: Callable[[Any], Contender]) -> Contender | Missing:
    """Return the contender that `build` makes of an imported module, or why there is none."""
    return _given(lambda: import_module(module), build)


def given_extension(package: str, name: str, build: Callable[[Any], Contender]) -> Contender | Missing:
    """Like :func:`given` for a compiled module inside a package that itself cannot be imported.

    riskparityportfolio's own ``__init__`` wants jax, which it does not declare; its compiled solver does not.
    """
    return _given(lambda: _extension(package, name), build)


def _given(load: Callable[[], ModuleType], build: Callable[[Any], Contender]) -> Contender | Missing:
    try:
        library = load()
    except ImportError as error:
        return Missing(f"not installed: {first_line(error)}")
    except Exception as error:  # noqa: BLE001 - whatever a peer raises, the table names it
        return Missing(f"cannot be imported: {type(error).__name__}: {first_line(error)}")
    try:
        return build(library)
    except AssertionError:
        # A bench that finds poise worse than its peer says so by an assertion: no fault of the peer.
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return Missing(f"does not take the question: {type(error).__name__}: {first_line(error)}")


def _extension(package: str, name: str) -> ModuleType:
    outer = find_spec(package)
    if outer is None:
        raise ModuleNotFoundError(f"No module named '{package}'")
    found = PathFinder.find_spec(name, list(outer.submodule_search_locations or ()))
    if found is None or found.loader is None:
        raise ModuleNotFoundError(f"No module named '{package}.{name}'")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module
