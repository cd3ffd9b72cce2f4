"""Every instruction set answers alike, up to rounding; one that is not there is refused by name."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from poise import _native
from tests.border.paths import SIZES
from tests.border.subjects import subjects
from tests.tolerances import CLOSED_FORM, NEAR_SINGULAR, SOLVER

ROOT = Path(__file__).parents[2]
KNOWN = ("baseline", "avx2", "avx512")

ITERATIVE = (*(each.name for each in subjects(*SIZES) if each.iterative), "online optimization.RiskParity")
EDGE = (
    "online moments.IteratedEwmaCovariance",
    "online moments.MultiTimeframeCovariance",
    "online moments.RegimeCovariance",
)
"""Fed with gaps: the correlations of late assets are scaled to the edge of what fits."""


def run(*program: str, asked: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "POISE_CPU"}
    if asked is not None:
        env["POISE_CPU"] = asked
    return subprocess.run(
        [sys.executable, *program], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )


@cache
def answers(asked: str) -> dict[str, np.ndarray]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "answers.npz"
        done = run("-m", "tests.border.paths", str(file), asked=asked)
        assert done.returncode == 0, done.stderr
        with np.load(file) as found:
            return dict(found)


def tolerance(name: str) -> float:
    if name.startswith(EDGE):
        return NEAR_SINGULAR
    return SOLVER if name.startswith(ITERATIVE) else CLOSED_FORM


@pytest.mark.parametrize("name", KNOWN[1:])
def test_a_wider_set_answers_as_the_baseline(name: str) -> None:
    if name not in _native.cpus():
        pytest.skip(f"this processor has no {name}")
    expected, found = answers("baseline"), answers(name)
    assert (str(expected["cpu"]), str(found["cpu"])) == ("baseline", name)
    assert found.keys() == expected.keys()
    for answer, numbers in expected.items():
        if answer == "cpu":
            continue
        size = np.nanmax(np.abs(numbers), initial=0.0)
        close = tolerance(answer)
        np.testing.assert_allclose(found[answer], numbers, rtol=close, atol=close * size, err_msg=answer)
    # Rounding tells fused from plain multiplication: were all bits alike, one set would have run twice.
    assert any(not np.array_equal(found[each], expected[each]) for each in expected if each != "cpu")


def test_the_widest_set_is_used_unless_another_is_asked_for() -> None:
    sets = _native.cpus()
    assert sets[0] == "baseline"
    assert sets == [name for name in KNOWN if name in sets]
    for asked, used in ((None, sets[-1]), ("", sets[-1]), *((name, name) for name in sets)):
        done = run("-c", "from poise import _native; print(_native.cpu())", asked=asked)
        assert done.stdout.strip() == used, done.stderr


@pytest.mark.parametrize("asked", ["avx3", "AVX-512", "baseline,avx2", " ", "\N{GREEK SMALL LETTER ALPHA}"])
def test_an_unknown_set_is_refused_when_poise_is_imported(asked: str) -> None:
    program = (
        "try:\n    import poise\n"
        "except ValueError as refused:\n    print(type(refused).__qualname__, refused)"
    )
    done = run("-c", program, asked=asked)
    assert done.stdout.startswith("ConfigError POISE_CPU="), done.stderr
    assert "is no instruction set" in done.stdout
    for name in _native.cpus():
        assert name in done.stdout


def test_a_set_that_the_processor_lacks_is_refused() -> None:
    lacking = [name for name in KNOWN if name not in _native.cpus()]
    if not lacking:
        pytest.skip("this processor has every instruction set")
    done = run("-c", "import poise", asked=lacking[0])
    assert done.returncode != 0
    assert f'POISE_CPU="{lacking[0]}" is not on this processor' in done.stderr
