"""See the world: bars from files and objects, cleaned and counted, and the embedded sample.

Nothing here opens a network connection. Reading a file or a frame gives :class:`MarketData`: closes of
the tradable assets, reference series beside them, and a :class:`DataReport` of what was settled.
"""

from poise.market.bars import read_bars
from poise.market.benchmark import BenchmarkFeed, benchmark_feed, benchmark_returns
from poise.market.daily import to_daily
from poise.market.data import Benchmark, DataReport, Delisting, MarketData, ReferenceSeries
from poise.market.feed import BarFeed
from poise.market.frames import panel_from
from poise.market.sample import sample
from poise.market.sessions import session_closes
from poise.market.source import FileSource, PriceSource, SampleSource

__all__ = [
    "BarFeed",
    "Benchmark",
    "BenchmarkFeed",
    "DataReport",
    "Delisting",
    "FileSource",
    "MarketData",
    "PriceSource",
    "ReferenceSeries",
    "SampleSource",
    "benchmark_feed",
    "benchmark_returns",
    "panel_from",
    "read_bars",
    "sample",
    "session_closes",
    "to_daily",
]
