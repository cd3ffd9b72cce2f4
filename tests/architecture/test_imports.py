"""What may import what: third parties have one home each, and `import poise` stays light."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python" / "poise"

HOMES = {
    "cvxpy": {"optimization", "bench"},
    "ccxt": {"market", "execution"},
    "plotly": {"report"},
    "sqlalchemy": {"execution"},
    "typer": {"cli"},
    "rich": {"cli", "report"},
    "pydantic": {"config"},
    "pydantic_settings": {"config"},
    "pyarrow": {"market"},
    "pandas": {
        "market",
        "report",
        "backtest",
        "bench",
        "enhanced_portfolio_strategy",
        "enhanced_asset_config_manager",
        "portfolio_rebalancer",
    },
    "poise._native": {
        "moments",
        "costs",
        "risk",
        "regime",
        "optimization",
        "stress",
        "performance",
        "decision",
        "backtest",
        "bench",
    },
}


EXCEPTIONS = {
    # The versions: of the package, and of the instruction set in use.
    "poise._native": {PACKAGE / "__init__.py", PACKAGE / "cli" / "version.py"},
    # Gives back the kind of frame it was given; the library is loaded already then.
    "pandas": {PACKAGE / "domain" / "labels.py"},
}


def imports_of(path: Path) -> set[str]:
    """Every module a file names in an import, wherever it stands, except for type checking only."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_third_party_has_one_home(library: str) -> None:
    strangers = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name == library or name.startswith(library + ".") for name in imports_of(path))
        and room_of(path) not in HOMES[library]
        and path not in EXCEPTIONS.get(library, ())
    ]
    assert strangers == []


def test_every_room_has_code() -> None:
    empty = [
        folder.name
        for folder in PACKAGE.iterdir()
        if folder.is_dir()
        and folder.name != "__pycache__"
        and not any(p.stat().st_size for p in folder.rglob("*.py"))
    ]
    assert empty == []


def loaded_after(statement: str) -> set[str]:
    script = (
        f"import json, sys\n{statement}\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout))


HEAVY = {
    "pandas",
    "scipy",
    "cvxpy",
    "ccxt",
    "plotly",
    "pyarrow",
    "pydantic",
    "pydantic_settings",
    "sqlalchemy",
    "aiohttp",
    "typer",
    "rich",
    "polars",
    "sklearn",
    "platformdirs",
}


def test_import_poise_loads_numpy_and_native_only() -> None:
    added = loaded_after("import poise; poise.Portfolio, poise.Weights") - loaded_after("import numpy")
    assert added & HEAVY == set()
    third_party = {name for name in added if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert third_party == {"poise"}


@pytest.mark.parametrize(
    "room", ["moments", "risk", "regime", "optimization", "costs", "performance", "strategy"]
)
def test_rooms_of_the_notebook_stay_light(room: str) -> None:
    assert loaded_after(f"import poise.{room}") & HEAVY == set()
