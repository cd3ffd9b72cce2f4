"""The command as a user calls it: words in, exit code and two streams out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poise.cli import main
from poise.domain.prices import PricePanel
from poise.testing import simulated_market


def strict(text: str) -> Any:
    """Parse one JSON document and nothing else; NaN and infinities are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} in a strict JSON document")

    return json.loads(text, parse_constant=refuse)


@dataclass(frozen=True)
class Ran:
    """What a call of the command left behind."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """The JSON document on standard output, strictly parsed; standard error is silent."""
        assert self.err == ""
        return strict(self.out)

    def refusal(self) -> str:
        """The error in words: on standard error only, no traceback, exit code 1 or 2."""
        assert self.code in (1, 2)
        assert self.out == ""
        assert "Traceback" not in self.err
        return self.err

    def refused_document(self) -> dict[str, Any]:
        """The error as JSON: the whole of standard output, exit code 1 or 2."""
        assert self.code in (1, 2)
        document = self.document()
        assert set(document) == {"error"}
        assert {"type", "message"} <= set(document["error"])
        error: dict[str, Any] = document["error"]
        return error


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, no POISE_ variable, no terminal."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("POISE_"):
            monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call ``poise`` with these words."""

    def call(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        streams = capsys.readouterr()
        return Ran(code, streams.out, streams.err)

    return call


def long_table(panel: PricePanel) -> pd.DataFrame:
    """Bars of a panel in long format, as a data file has them."""
    rows, columns = np.nonzero(np.isfinite(panel.closes))
    assert panel.dollar_volumes is not None
    return pd.DataFrame(
        {
            "ts": panel.opened[rows],
            "symbol": [panel.symbols[i] for i in columns],
            "close": panel.closes[rows, columns],
            "volume_usd": panel.dollar_volumes[rows, columns],
        }
    )


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parquet of four simulated assets over 150 days."""
    path = tmp_path_factory.mktemp("bars") / "bars.parquet"
    long_table(simulated_market(seed=7, n_assets=4, days=150).panel).to_parquet(path, index=False)
    return path
