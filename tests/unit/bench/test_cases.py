"""The cases that ship: contenders agree, and what is written by hand is right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poise.bench import Case, Contender, by_hand
from poise.bench.harness import disagreements
from poise.bench.inputs import simulated_covariance, simulated_returns
from poise.bench.minute import CASES
from tests.tolerances import CLOSED_FORM


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_contenders_agree(make: Callable[[], Case]) -> None:
    case = make()
    present = {name: c for name, c in case.contenders.items() if isinstance(c, Contender)}
    assert len(present) >= 2
    assert disagreements(case, present) == {}


def test_a_wrong_kernel_would_be_noticed() -> None:
    R = simulated_returns(50, 3)
    wrong = Case(
        "A",
        "q",
        "s",
        {
            "poise": Contender(lambda: by_hand.ewma_last(R, 10.0)),
            "peer": Contender(lambda: by_hand.ewma_last(R, 10.1)),
        },
    )
    assert set(disagreements(wrong, dict(wrong.contenders))) == {"peer"}


def test_two_ways_to_the_last_matrix() -> None:
    R = simulated_returns(80, 4)
    whole, half = by_hand.ewma_last(R, 12.0), by_hand.ewma_last_half(R, 12.0)
    np.testing.assert_allclose(half, whole, rtol=CLOSED_FORM)
    np.testing.assert_allclose(by_hand.ewma_path(R, 12.0)[-1], whole, rtol=1e-10)


def test_the_error_of_equal_contributions() -> None:
    S = simulated_covariance(6)
    weights = by_hand.risk_parity(S)
    assert by_hand.risk_parity_error(weights, S) < 1e-10
    assert by_hand.risk_parity_error(np.full(6, 1 / 6), S) > 0.1


def test_every_call_feeds_all_rows() -> None:
    seen: list[float] = []
    ticks = by_hand.through(lambda row: seen.append(float(row[0])), np.array([[1.0], [2.0]]))
    ticks()
    ticks()
    assert seen == [1.0, 2.0, 1.0, 2.0]
