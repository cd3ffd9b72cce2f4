"""Write what every subject and every online class answers on the instruction set in use.

``python -m tests.border.paths FILE`` with ``POISE_CPU`` set; sizes are such that blocks and what is left over
of them both occur on every set.
"""

from __future__ import annotations

import sys
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from poise import _native
from poise.optimization import OptimizationResult
from poise.optimization.estimators import PortfolioEstimator
from tests.border.outcomes import answer, readings
from tests.border.states import online
from tests.border.subjects import subjects

SIZES = (131, 37)


def answers() -> dict[str, np.ndarray]:
    """Return the numbers of every answer, attribute by attribute."""
    found = {}
    for subject in subjects(*SIZES):
        thing = () if subject.make is None else (subject.make(),)
        found |= _numbers(subject.name, subject.call(*thing, **subject.arguments))
    for each in online(*SIZES):
        found |= _numbers(f"online {each.name}", each.fed(0, SIZES[0]))
    return found


def _numbers(name: str, value: Any) -> dict[str, np.ndarray]:
    # How many steps a solver takes, and how far it overshoots its goal, is its own affair.
    if isinstance(value, (OptimizationResult, PortfolioEstimator)):
        value = value.weights if isinstance(value, OptimizationResult) else value.weights_
    if type(value).__module__.startswith("poise") and not is_dataclass(value):
        parts = readings(value)
        return {f"{name} {part}": answer(read).numbers for part, read in parts.items()}
    return {name: answer(value).numbers}


def main() -> None:
    """Write the answers into the file named on the command line."""
    np.savez(sys.argv[1], cpu=np.array(_native.cpu()), **answers())


if __name__ == "__main__":
    main()
