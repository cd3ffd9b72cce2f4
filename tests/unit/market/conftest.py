"""Bars as files, written both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Write = Callable[[pd.DataFrame], Path]


@pytest.fixture(params=["csv", "parquet"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Write a frame as CSV or Parquet and return the path."""

    def to_file(frame: pd.DataFrame) -> Path:
        path = tmp_path / f"bars.{request.param}"
        if request.param == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False)
        return path

    return to_file


def long_bars(symbols: tuple[str, ...] = ("BTC", "ETH"), periods: int = 20, freq: str = "D") -> pd.DataFrame:
    """Good bars in long format, sorted by symbol and time, prices rising by 1 a bar."""
    ts = pd.date_range("2024-01-01", periods=periods, freq=freq)
    parts = [
        pd.DataFrame({"ts": ts, "symbol": symbol, "close": 100.0 * (place + 1) + np.arange(periods)})
        for place, symbol in enumerate(symbols)
    ]
    return pd.concat(parts, ignore_index=True)
