"""See the world: bars from files and objects, cleaned and counted, and the embedded sample.

Nothing here opens a network connection. Reading a file or a frame gives :class:`MarketData`: closes of
the tradable assets, reference series beside them, and a :class:`DataReport` of what was settled.
"""

from poise.market.bars import read_bars
from poise.market.benchmark import BenchmarkTrack, benchmark_returns, benchmark_track
from poise.market.daily import to_daily
from poise.market.data import Benchmark, DataReport, Delisting, MarketData, ReferenceSeries
from poise.market.frames import panel_from
from poise.market.sample import sample
from poise.market.source import FileSource, PriceSource, SampleSource

__all__ = [
    "Benchmark",
    "BenchmarkTrack",
    "DataReport",
    "Delisting",
    "FileSource",
    "MarketData",
    "PriceSource",
    "ReferenceSeries",
    "SampleSource",
    "benchmark_returns",
    "benchmark_track",
    "panel_from",
    "read_bars",
    "sample",
    "to_daily",
]
