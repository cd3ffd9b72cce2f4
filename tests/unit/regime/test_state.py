"""Saved and copied detectors and models go on as if nothing had happened, also in several threads."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import InputError, StateError
from poise.regime import GaussianHMM, JumpModel, RegimeDetector

WAYS: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda it: type(it).from_bytes(it.to_bytes()),
    "pickle": lambda it: pickle.loads(pickle.dumps(it)),  # noqa: S301
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def market(n_bars: int = 1300) -> np.ndarray:
    """Calm, wild, calm and quiet in turn, with a gap and a late asset."""
    rng = np.random.default_rng(12)
    scale = np.repeat([1.0, 2.5, 1.0, 0.5], -(-n_bars // 4))[:n_bars, None]
    R = rng.normal(0.0005, 0.02, (n_bars, 3)) * scale
    R[:40, 2] = np.nan
    R[300:301] = np.nan
    return R


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cut", [0, 1, 19, 20, 301, 750, 1100])
def test_a_restored_detector_continues_bit_for_bit(way: str, cut: int) -> None:
    R = market()
    detector = RegimeDetector()
    for row in R[:cut]:
        detector.partial_fit(row)
    twin = WAYS[way](detector)
    assert twin.state_ == detector.state_
    assert twin.durations_ == detector.durations_
    assert str(twin.features_) == str(detector.features_)
    for row in R[cut : cut + 150]:
        assert detector.partial_fit(row).state_ == twin.partial_fit(row).state_
    assert twin.to_bytes() == detector.to_bytes()


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_goes_its_own_way(way: str) -> None:
    R = market(400)
    detector = RegimeDetector().fit(R[:200])
    twin, before = WAYS[way](detector), detector.to_bytes()
    twin.partial_fit(R[200])
    assert detector.to_bytes() == before
    assert twin.to_bytes() != before


@pytest.mark.parametrize("weights", [[1.0, 2.0, 3.0], pd.Series([3.0, 1.0, 2.0], index=["c", "a", "b"])])
def test_bytes_keep_weights_and_labels(weights: Any) -> None:
    frame = pd.DataFrame(market(120), columns=["a", "b", "c"])
    detector = RegimeDetector(weights=weights).fit(frame[:100])
    twin = RegimeDetector.from_bytes(detector.to_bytes())
    shuffled = frame[["b", "c", "a"]]
    for t in range(100, 120):
        assert detector.partial_fit(frame.iloc[t]).state_ == twin.partial_fit(shuffled.iloc[t]).state_
    assert twin.fit(frame).state_ == detector.fit(frame).state_


def test_bytes_keep_no_labels_of_other_kinds() -> None:
    frame = pd.DataFrame(market(30), columns=pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]))
    with pytest.raises(InputError, match="pickle"):
        RegimeDetector().fit(frame).to_bytes()


def test_damaged_foreign_and_newer_bytes_are_refused() -> None:
    data = RegimeDetector().fit(market(60)).to_bytes()
    for position in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(StateError):
            RegimeDetector.from_bytes(bytes(damaged))
    for short in (b"", data[:10], data[:-1]):
        with pytest.raises(StateError):
            RegimeDetector.from_bytes(short)
    newer = bytearray(data)
    newer[8] += 1
    with pytest.raises(StateError, match="newer"):
        RegimeDetector.from_bytes(bytes(newer))
    with pytest.raises(StateError, match="JumpModel"):
        RegimeDetector.from_bytes(JumpModel(2, jump_penalty=1.0, seed=0).to_bytes())


def rows_of_many_kinds() -> list[Any]:
    row = np.array([0.3, -1.2])
    strided, read_only = np.zeros((2, 3)), row.copy()
    strided[:, 1] = row
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + row.tobytes(), dtype=np.uint8)[1:].view(np.float64)
    return [
        row,
        list(row),
        strided[:, 1],
        read_only,
        unaligned,
        row[::-1].copy()[::-1],
        row.astype(">f8"),
        row.astype(object),
        np.ma.masked_array(row),
        pd.Series(row, index=["v", "m"]),
        pl.Series("x", row),
    ]


def test_rows_of_every_kind_step_alike() -> None:
    X = np.random.default_rng(3).standard_normal((120, 2)) * np.repeat([1.0, 4.0], 60)[:, None]
    hmm, jump = GaussianHMM(2, seed=1).fit(X), JumpModel(2, jump_penalty=3.0, seed=1).fit(X)
    expected = copy.copy(hmm).partial_filter(rows_of_many_kinds()[0])
    label = copy.copy(jump).partial_predict(rows_of_many_kinds()[0])
    for row in rows_of_many_kinds():
        np.testing.assert_array_equal(copy.copy(hmm).partial_filter(row), expected)
        assert copy.copy(jump).partial_predict(row) == label
    masked = np.ma.masked_array([0.3, -1.2], mask=[False, True])
    before = hmm.to_bytes()
    with pytest.raises(ValueError, match="row"):
        hmm.partial_filter(masked)
    with pytest.raises(StateError, match="fit first"):
        GaussianHMM(2, seed=1).partial_filter([0.0, 0.0])
    with pytest.raises(StateError, match="fit first"):
        JumpModel(2, jump_penalty=1.0, seed=1).partial_predict([0.0, 0.0])
    assert hmm.to_bytes() == before


def work(seed: int) -> list[bytes]:
    """Fit and follow a market of one's own."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((400, 3)) * np.repeat([1.0, 3.0, 1.0, 2.0], 100)[:, None]
    hmm = GaussianHMM(3, n_restarts=3, max_iterations=40, seed=seed).fit(X[:300])
    jump = JumpModel(3, jump_penalty=5.0, n_restarts=3, seed=seed).fit(X[:300])
    detector = RegimeDetector().fit(0.01 * X[:300])
    answers = []
    for row in X[300:]:
        answers.append(hmm.partial_filter(row).tobytes())
        answers.append(bytes([jump.partial_predict(row)]))
        detector.partial_fit(0.01 * row)
    answers += [hmm.filter(X).tobytes(), hmm.smooth(X).tobytes(), jump.predict(X).tobytes()]
    return [*answers, hmm.to_bytes(), jump.to_bytes(), detector.to_bytes()]


def test_threads_find_what_one_after_another_finds() -> None:
    alone = [work(seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(6)))
    assert together == alone


def test_a_model_may_be_read_while_it_steps() -> None:
    X = np.random.default_rng(5).standard_normal((3000, 2)) * np.repeat([1.0, 4.0, 2.0], 1000)[:, None]
    hmm, jump = GaussianHMM(2, n_restarts=2, seed=1).fit(X), JumpModel(2, jump_penalty=3.0, seed=1).fit(X)
    filtered, path = hmm.filter(X), jump.predict(X)
    hmm.reset()
    jump.reset()

    def follow() -> list[np.ndarray]:
        return [hmm.partial_filter(row) for row in X]

    def follow_path() -> list[int]:
        return [jump.partial_predict(row) for row in X]

    with ThreadPoolExecutor(4) as pool:
        steps, labels = pool.submit(follow), pool.submit(follow_path)
        readings = [pool.submit(hmm.filter, X) for _ in range(40)]
        paths = [pool.submit(jump.predict, X) for _ in range(40)]
        for reading, found in zip(readings, paths, strict=True):
            np.testing.assert_array_equal(reading.result(), filtered)
            np.testing.assert_array_equal(found.result(), path)
        np.testing.assert_array_equal(steps.result(), filtered)
        np.testing.assert_array_equal(labels.result(), jump.predict_online(X))
