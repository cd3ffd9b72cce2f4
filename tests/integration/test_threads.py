"""Several threads: the answers of one, the interpreter let go, one object never torn.

Threads are made to change places every few bytecodes, so that what can be interleaved is. Nothing is timed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poise import moments, optimization, regime, risk
from poise.errors import PoiseError
from tests.border.outcomes import Answer, answer, outcome
from tests.border.states import Online, online
from tests.border.subjects import Subject, subjects
from tests.tolerances import CLOSED_FORM

N_THREADS = 4
CLASSES = [pytest.param(each, id=each.name) for each in online()]
SUBJECTS = [pytest.param(each, id=each.name) for each in subjects()]


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads change places as often as the interpreter can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def patient() -> Iterator[None]:
    """Let a thread run until it lets go of the interpreter by itself."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(60.0)
    yield
    sys.setswitchinterval(usual)


def together(work: Callable[[], Any], n_threads: int = N_THREADS) -> list[Any]:
    """Return what each thread got, all started at once."""
    gate = threading.Barrier(n_threads)

    def enter() -> Any:
        gate.wait()
        return work()

    with ThreadPoolExecutor(n_threads) as pool:
        return [each.result() for each in [pool.submit(enter) for _ in range(n_threads)]]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_calls_in_several_threads_answer_as_one(subject: Subject, restless: None) -> None:
    alone = outcome(subject)
    for found in together(lambda: outcome(subject)):
        same(found, alone)


@pytest.mark.parametrize("each", CLASSES)
def test_objects_of_several_threads_do_not_meet(each: Online, restless: None) -> None:
    alone = answer(each.fed(0, 40))
    for found in together(lambda: answer(each.fed(0, 40))):
        same(found, alone)


@pytest.mark.parametrize("each", CLASSES)
@pytest.mark.parametrize("seen", [0, 25], ids=["fresh", "started"])
def test_one_object_fed_by_several_threads_is_never_torn(each: Online, seen: int, restless: None) -> None:
    rounds, t = 5, seen + 3
    thing = each.fed(0, seen)

    def feed() -> int:
        """Feed one and the same row, so that the order does not matter; say how often it was taken."""
        taken = 0
        for _ in range(rounds):
            try:
                each.feed(thing, t)
            except PoiseError:
                continue
            taken += 1
        return taken

    taken = sum(together(feed))
    assert taken > 0
    expected = each.fed(0, seen)
    for _ in range(taken):
        each.feed(expected, t)
    same(answer(thing), answer(expected))


@pytest.mark.parametrize("each", CLASSES)
def test_one_object_read_while_it_is_fed(each: Online, restless: None) -> None:
    thing = each.fed(0, 25)
    done = threading.Event()

    def read() -> int:
        n_read = 0
        while not done.is_set() or n_read == 0:
            answer(thing)
            if hasattr(thing, "to_bytes"):
                type(thing).from_bytes(thing.to_bytes())
            n_read += 1
        return n_read

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            each.fed(25, 60, thing)
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
    found, alone = answer(thing), answer(each.fed(0, 60))
    # Reading folds what waits, which changes the order of a sum and nothing else.
    assert_allclose(found.numbers, alone.numbers, rtol=1e-9, atol=CLOSED_FORM)
    assert found.words == alone.words


RNG = np.random.default_rng(11)
LONG = RNG.normal(scale=0.01, size=400_000)
WIDE = RNG.normal(scale=0.01, size=(6000, 200))
SHORT = WIDE[:1500]
COVARIANCE = np.cov(WIDE.T)
HALF = np.full(200, 1.0 / 200.0)
HMM = regime.GaussianHMM.from_parameters(
    start_probabilities=[0.5, 0.5],
    transition_matrix=[[0.9, 0.1], [0.1, 0.9]],
    means=[[0.01], [-0.01]],
    covariances=[[[1e-4]], [[4e-4]]],
)
JUMPS = regime.JumpModel.from_centroids([[0.01], [-0.01]], jump_penalty=0.001)
KERNELS: dict[str, Callable[[], Any]] = {
    "ewma_covariance": lambda: moments.ewma_covariance(WIDE, half_life=20.0),
    "ewma_covariance path": lambda: moments.ewma_covariance(WIDE[:300], half_life=20.0, last=False),
    "rolling_covariance": lambda: moments.rolling_covariance(WIDE[:300], window=50),
    "sample_covariance": lambda: moments.sample_covariance(WIDE),
    "ledoit_wolf": lambda: moments.ledoit_wolf(WIDE),
    "oas": lambda: moments.oas(WIDE),
    "constant_correlation_shrinkage": lambda: moments.constant_correlation_shrinkage(SHORT),
    "nonlinear_shrinkage": lambda: moments.nonlinear_shrinkage(SHORT),
    "nearest_correlation": lambda: moments.nearest_correlation(_broken_correlation()),
    "EwmaCovariance.fit": lambda: moments.EwmaCovariance(20.0).fit(WIDE),
    "IteratedEwmaCovariance.fit": lambda: moments.IteratedEwmaCovariance().fit(SHORT),
    "RollingCovariance.fit": lambda: moments.RollingCovariance(50).fit(SHORT),
    "rolling_tail_risk": lambda: risk.rolling_tail_risk(LONG, window=500),
    "drawdowns": lambda: risk.drawdowns(LONG),
    "ulcer_index": lambda: risk.ulcer_index(WIDE),
    "component_conditional_value_at_risk": lambda: risk.component_conditional_value_at_risk(HALF, WIDE),
    "filtered_scenarios": lambda: risk.filtered_scenarios(WIDE),
    "effective_bets": lambda: risk.effective_bets(HALF, COVARIANCE),
    "solve_minimum_variance": lambda: optimization.solve_minimum_variance(COVARIANCE),
    "solve_maximum_diversification": lambda: optimization.solve_maximum_diversification(COVARIANCE),
    "solve_risk_parity": lambda: optimization.solve_risk_parity(COVARIANCE),
    "RegimeDetector.fit": lambda: regime.RegimeDetector().fit(WIDE),
    "RegimeDetector.history": lambda: regime.RegimeDetector(engine="jump").history(SHORT),
    "GaussianHMM.fit": lambda: regime.GaussianHMM(2, n_restarts=1, seed=1).fit(LONG[:20_000, None]),
    "GaussianHMM.filter": lambda: HMM.filter(LONG[:, None]),
    "GaussianHMM.viterbi": lambda: HMM.viterbi(LONG[:, None]),
    "JumpModel.fit": lambda: regime.JumpModel(2, jump_penalty=0.1, n_restarts=1, seed=1).fit(LONG[:, None]),
    "JumpModel.predict": lambda: JUMPS.predict(LONG[:, None]),
}
"""Kernels on inputs that keep them busy for some milliseconds."""


def _broken_correlation() -> np.ndarray:
    matrix = RNG.uniform(-1.0, 1.0, size=(60, 60))
    matrix = (matrix + matrix.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


@pytest.mark.parametrize("name", KERNELS)
def test_the_interpreter_is_free_while_a_kernel_works(name: str, patient: None) -> None:
    # A patient thread keeps the interpreter until it lets go of it: were the kernel to hold it, the counter
    # would stand still however long it takes. A busy machine may wake the counter late, hence the tries.
    counted, done = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(1e-5)

    counter = threading.Thread(target=count)
    counter.start()
    moved = 0
    try:
        for _ in range(2000):
            before = counted
            KERNELS[name]()
            moved += counted > before
            if moved >= 3:
                break
    finally:
        done.set()
        counter.join()
    assert moved >= 3


def test_a_filter_can_move_on_while_another_thread_studies_the_past(restless: None) -> None:
    row = np.array([0.01])

    def both(model: Any, study: str, step: str) -> list[str]:
        refused = []
        done = threading.Event()

        def move_on() -> None:
            while not done.is_set():
                try:
                    getattr(model, step)(row)
                except PoiseError as error:
                    refused.append(str(error))

        mover = threading.Thread(target=move_on)
        mover.start()
        try:
            found = [getattr(model, study)(LONG[:, None]) for _ in range(3)]
        finally:
            done.set()
            mover.join()
        assert_array_equal(found[0], found[-1])
        return refused

    for model, study, step in (
        (HMM, "filter", "partial_filter"),
        (HMM, "viterbi", "partial_filter"),
        (JUMPS, "predict", "partial_predict"),
        (JUMPS, "predict_online", "partial_predict"),
    ):
        for message in both(model, study, step):
            assert "use" in message


def same(found: Any, expected: Any) -> None:
    assert isinstance(found, Answer)
    assert isinstance(expected, Answer)
    assert_array_equal(found.numbers, expected.numbers)
    assert found.words == expected.words
