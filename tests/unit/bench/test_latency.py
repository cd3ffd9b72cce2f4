"""Percentiles that were seen, buckets that hold every call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.bench import Latency, histogram, time_calls, time_clock
from poise.bench.latency import bars
from poise.bench.ticks import tick_latencies


def test_percentiles_are_times_that_were_seen() -> None:
    figures = Latency("x", np.arange(1, 1001)).figures()
    assert figures == {"p50": 501.0, "p90": 901.0, "p99": 991.0, "p99.9": 1000.0, "max": 1000.0}


def test_buckets_are_half_open_in_steps_of_one_two_five() -> None:
    found = histogram(np.array([100, 199, 200, 999, 1000]))
    assert found == [(100.0, 200.0, 2), (200.0, 500.0, 1), (500.0, 1000.0, 1), (1000.0, 2000.0, 1)]


def test_no_time_at_all_is_in_the_first_bucket() -> None:
    assert histogram(np.array([0, 0, 3])) == [(0.0, 1.0, 2), (1.0, 2.0, 0), (2.0, 5.0, 1)]


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=50))
def test_every_call_is_in_the_bucket_of_its_time(times: list[int]) -> None:
    found = histogram(np.array(times, dtype=np.int64))
    assert [n for _, _, n in found] == [sum(low <= t < high for t in times) for low, high, _ in found]
    assert sum(n for _, _, n in found) == len(times)
    assert found[0][2] > 0
    assert found[-1][2] > 0


def test_a_bucket_with_any_call_shows_a_mark() -> None:
    lines = bars([(100.0, 200.0, 1000), (200.0, 500.0, 0), (500.0, 1000.0, 1)])
    assert lines == [
        "   100 ns to  200 ns  1000  ########################################",
        "   200 ns to  500 ns     0",
        "   500 ns to    1 us     1  .",
    ]


def test_calls_get_their_arguments_in_turn() -> None:
    seen: list[str] = []
    latency = time_calls("call", seen.append, ["a", "b", "c"], 7)
    assert seen == list("abcabca")
    assert len(latency.nanoseconds) == 7
    assert (latency.nanoseconds >= 0).all()


def test_the_clock_alone_is_measured() -> None:
    latency = time_clock(50)
    assert len(latency.nanoseconds) == 50
    assert latency.name == "the clock alone"


def test_an_exception_passes_through() -> None:
    def refuse(_: object) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        time_calls("refused", refuse, [1], 3)


def test_the_text_tells_the_figures_and_the_document_the_buckets() -> None:
    latency = Latency("tick", np.array([900, 950, 40_000]))
    assert str(latency).splitlines()[0] == (
        "tick: 3 calls, p50 950 ns, p90 40 us, p99 40 us, p99.9 40 us, max 40 us"
    )
    document = latency.to_dict()
    assert set(document) == {"name", "n_calls", "nanoseconds", "histogram"}
    assert document["histogram"][0] == {"from_ns": 500.0, "below_ns": 1000.0, "n_calls": 2}


def test_ticks_of_every_way() -> None:
    found = tick_latencies(5, 200)
    names = [latency.name for latency in found]
    assert names[0] == "N=5 EwmaCovariance.partial_fit"
    assert "N=5 EwmaCovariance, tick and covariance_" in names
    assert len(found[0].nanoseconds) == 200
    assert all((latency.nanoseconds > 0).any() for latency in found)
