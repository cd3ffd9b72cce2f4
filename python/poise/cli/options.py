"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.market.data import OnBadBar

AsJson = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one strict JSON document on standard output.")
]

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Read settings; ./poise.toml when there is one."),
]

DataFile = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FILE", help="Read bars, Parquet or CSV; the embedded sample when left out."
    ),
]

BadBarRule = Annotated[
    OnBadBar | None,
    typer.Option("--on-bad-bar", help="Refuse the file or drop the bar; refuse when left out."),
]

PortfolioFile = Annotated[
    Path | None,
    typer.Option(
        "--portfolio",
        metavar="FILE",
        help="Read what is held, JSON or TOML with cash and positions; equal weights when left out.",
    ),
]
