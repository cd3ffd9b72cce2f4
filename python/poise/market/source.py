"""Where prices come from, behind one small interface."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from poise.market.bars import read_bars
from poise.market.data import CalendarPolicy, MarketData, OnBadBar
from poise.market.sample import SampleName, sample


class PriceSource(Protocol):
    """Anything that can load prices."""

    def load(self) -> MarketData:
        """Return all bars there are."""
        ...


@dataclass(frozen=True)
class FileSource:
    """Bars in a Parquet or CSV file.

    Parameters
    ----------
    path : str or path-like
    on_bad_bar, on_mixed_calendars
        As in :func:`poise.market.read_bars`.
    """

    path: str | os.PathLike[str]
    on_bad_bar: OnBadBar = "refuse"
    on_mixed_calendars: CalendarPolicy = "union"

    def load(self) -> MarketData:
        """Read the file anew."""
        return read_bars(self.path, on_bad_bar=self.on_bad_bar, on_mixed_calendars=self.on_mixed_calendars)


@dataclass(frozen=True)
class SampleSource:
    """The data that come with poise.

    Parameters
    ----------
    name : {"etfs", "stocks"}
    """

    name: SampleName = "etfs"

    def load(self) -> MarketData:
        """Return the embedded sample."""
        return sample(self.name)
