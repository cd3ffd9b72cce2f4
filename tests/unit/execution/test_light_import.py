"""Naming what execution offers loads neither database nor exchange library."""

from __future__ import annotations

import subprocess
import sys

import pytest

import poise.execution

HEAVY = ("sqlalchemy", "ccxt", "pandas", "aiohttp", "pydantic", "platformdirs", "asyncio")


def test_the_room_is_light_until_used() -> None:
    code = (
        "import sys\nimport poise.execution, poise.costs\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
        "from poise.execution import *\n"
        f"print([name for name in {HEAVY[:-1]} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_every_name_is_there_and_no_other() -> None:
    for name in poise.execution.__all__:
        assert getattr(poise.execution, name).__name__ == name
        assert name in dir(poise.execution)
    with pytest.raises(AttributeError, match="no attribute 'Brker'"):
        getattr(poise.execution, "Brker")  # noqa: B009 - the name is meant to be wrong
