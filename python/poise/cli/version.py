"""``poise version``."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

from poise import __version__, _native
from poise.cli.options import AsJson
from poise.cli.output import print_json, say

SHOWN = ("numpy", "pandas", "cvxpy", "ccxt", "pyarrow", "plotly")


def version(as_json: AsJson = False) -> None:
    """Show the versions of poise and of what it stands on, and the instruction set in use.

    Example: poise version --json
    """
    versions = {"poise": __version__, "python": platform.python_version()}
    versions |= {name: installed(name) for name in SHOWN}
    versions["instruction set"] = _native.cpu()
    if as_json:
        print_json(versions)
        return
    for name, number in versions.items():
        say(f"{name:16} {number}")
