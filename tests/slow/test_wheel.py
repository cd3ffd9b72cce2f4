"""The wheel, built from this tree and installed where nothing of it is in reach, does the main job."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.given_api import FOURTEEN

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LARGEST_BYTES = 5 * 1024 * 1024


def call(
    command: Sequence[str | Path], *, cwd: Path, env: dict[str, str] | None = None, seconds: float = 900.0
) -> str:
    """Run a command that must succeed, and return what it wrote on standard output."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def normal(requirement: str) -> str:
    """The normalised name of a requirement such as ``SQLAlchemy>=2.0``."""
    name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    maturin = Path(sysconfig.get_path("scripts")) / "maturin"
    call(
        [maturin, "build", "--release", "--locked", "--out", folder, "--interpreter", sys.executable],
        cwd=ROOT,
    )
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment with the wheel and its runtime dependencies; its ``bin``."""
    folder = tmp_path_factory.mktemp("environment")
    call([sys.executable, "-m", "venv", folder], cwd=folder)
    binaries = folder / "bin"
    outside = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_CONSTRAINT"}
    env = {name: value for name, value in os.environ.items() if name not in outside}
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call([binaries / "python", *install, "-c", ROOT / "constraints.txt", wheel], cwd=folder, env=env)
    return binaries


@pytest.fixture(scope="module")
def clean(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of somebody who has just logged in."""
    home = tmp_path_factory.mktemp("home")
    return {"PATH": f"{environment}:/usr/bin:/bin", "HOME": str(home)}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workplace")


@pytest.fixture(scope="module")
def demo(environment: Path, clean: dict[str, str], workplace: Path) -> dict[str, Any]:
    document = json.loads(call([environment / "poise", "demo", "--json"], cwd=workplace, env=clean))
    assert isinstance(document, dict)
    return document


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= LARGEST_BYTES


def test_it_holds_what_a_user_needs(contents: set[str]) -> None:
    needed = {
        "poise/__init__.py",
        "poise/py.typed",
        "poise/_native.pyi",
        "poise/market/data/etfs.parquet",
        "poise/market/data/stocks.parquet",
        "poise/market/data/assets.csv",
        "poise/report/style.css",
    }
    assert needed - contents == set()
    assert sum(name.startswith("poise/_native.") and not name.endswith(".pyi") for name in contents) == 1
    licences = {Path(name).name for name in contents if ".dist-info/licenses/" in name}
    assert licences == set(PROJECT["license-files"])


def test_it_holds_nothing_else(contents: set[str]) -> None:
    strangers = {name for name in contents if not re.match(r"poise/|poise-[^/]+\.dist-info/", name)}
    assert strangers == set()
    assert not any("__pycache__" in name for name in contents)


def test_it_is_named_and_described(contents: set[str], wheel: Path) -> None:
    (metadata,) = [name for name in contents if name.endswith(".dist-info/METADATA")]
    with ZipFile(wheel) as archive:
        text = archive.read(metadata).decode()
    assert f"Requires-Python: {PROJECT['requires-python']}" in text
    assert "License-Expression: MIT OR Apache-2.0" in text
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() in text


def test_no_dependency_of_development_came_along(environment: Path, clean: dict[str, str]) -> None:
    listed = call([environment / "python", "-m", "pip", "list", "--format=json"], cwd=environment, env=clean)
    installed = {normal(package["name"]) for package in json.loads(listed)}
    wanted = {normal(requirement) for requirement in PROJECT["dependencies"]}
    extras = {normal(r) for extra in PROJECT["optional-dependencies"].values() for r in extra}
    assert wanted <= installed
    assert installed & (extras - wanted) == set()


def test_it_runs_from_its_own_place(environment: Path, clean: dict[str, str], workplace: Path) -> None:
    script = "import json, poise, sys; print(json.dumps([poise.__file__, poise._native.__file__, *sys.path]))"
    places = json.loads(call([environment / "python", "-I", "-c", script], cwd=workplace, env=clean))
    assert all(Path(place).is_relative_to(environment.parent) for place in places[:2])
    assert not any(Path(place).is_relative_to(ROOT) for place in places)


def test_the_doors_open_without_the_tree(environment: Path, clean: dict[str, str], workplace: Path) -> None:
    script = (
        "import asyncio\n"
        "from poise import EnhancedPortfolioStrategy\n"
        "result = asyncio.run(EnhancedPortfolioStrategy().analyze({}))\n"
        "print(sum(result.target_weights.values()))\n"
    )
    total = call([environment / "python", "-I", "-W", "error", "-c", script], cwd=workplace, env=clean)
    assert float(total) == pytest.approx(1.0, abs=1e-12)


def test_the_command_says_its_version(environment: Path, clean: dict[str, str], wheel: Path) -> None:
    said = json.loads(call([environment / "poise", "version", "--json"], cwd=environment, env=clean))
    assert said["poise"] == wheel.name.split("-")[1]


def test_the_bench_of_a_minute_needs_no_peer(
    environment: Path, clean: dict[str, str], workplace: Path
) -> None:
    words = [environment / "poise", "bench", "--seconds", "0.1", "--json"]
    found = json.loads(call(words, cwd=workplace, env=clean))
    assert [result["question"] for result in found["results"] if result["absent"]] == []
    assert found["latency"][0]["name"] == "the clock alone"


class TestDemo:
    def test_metrics_are_the_fourteen(self, demo: dict[str, Any]) -> None:
        assert list(demo["metrics"]) == FOURTEEN
        assert 0.0 < demo["metrics"]["var_95"] <= demo["metrics"]["cvar_95"] < 1.0

    def test_it_decides(self, demo: dict[str, Any]) -> None:
        assert demo["regime"]["label"] == demo["metrics"]["market_regime"]
        assert math.fsum(demo["target_weights"].values()) == pytest.approx(1.0, abs=1e-12)
        assert isinstance(demo["proposals"], list)
        if demo["proposals"]:
            assert demo["trades"] == demo["proposals"][0]["trades"]
            assert demo["execution"]["mode"] == "paper"
        else:
            assert demo["trades"] == []
            assert demo["no_trade_because"]

    def test_it_recounts_beside_a_baseline(self, demo: dict[str, Any]) -> None:
        strategy, baseline = demo["performance"]["strategy"], demo["performance"]["baseline"]
        for summary in (strategy, baseline):
            assert 0.0 < summary["max_drawdown"] < 1.0
            assert summary["annualized_volatility"] > 0.0
        assert demo["performance"]["costs"]["fees"] > 0.0

    def test_it_says_that_it_rests_on_the_sample(self, demo: dict[str, Any]) -> None:
        assert demo["mode"] == "paper"
        assert "embedded sample" in demo["source"]
        assert any(warning.startswith("embedded_sample: ") for warning in demo["warnings"])

    def test_the_report_is_one_file_that_needs_no_network(
        self, demo: dict[str, Any], workplace: Path
    ) -> None:
        report = Path(demo["report"])
        assert report.parent == workplace.resolve()
        assert list(workplace.iterdir()) == [report], "nothing else is left behind"
        html = report.read_text(encoding="utf-8")
        assert html.lstrip().lower().startswith("<!doctype html>")
        assert not re.search(r"""<(?:script|img|iframe)[^>]*\bsrc\s*=\s*["']?(?:https?:)?//""", html)
        assert 'src="http' not in html
        assert not re.search(r"<link\b", html)
