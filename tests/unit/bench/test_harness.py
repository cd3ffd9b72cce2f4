"""The harness: statistics, agreement before time, missing and broken peers. Nothing about time itself."""

from __future__ import annotations

import numpy as np
import pytest

from poise.bench.harness import MIN_ROUNDS, Case, Contender, Missing, Timing, measure


def case(tolerance: float = 1e-9, **others: Contender | Missing) -> Case:
    return Case(
        "X1",
        "the sum",
        "n=3",
        {"poise": Contender(lambda: np.array([1.0, np.nan, 2.0])), **others},
        tolerance,
    )


def right() -> np.ndarray:
    return np.array([1.0, np.nan, 2.0])


class TestStatistics:
    def test_of_known_rounds(self) -> None:
        timing = Timing.of([4.0, 1.0, 3.0, 2.0, 5.0])
        assert (timing.median, timing.minimum, timing.n_rounds) == (3.0, 1.0, 5)
        assert (timing.lower_quartile, timing.upper_quartile, timing.spread) == (2.0, 4.0, 2.0)

    def test_of_one_round(self) -> None:
        timing = Timing.of([0.25])
        assert (timing.median, timing.minimum, timing.spread) == (0.25, 0.25, 0.0)


class TestMeasuring:
    def test_everyone_gets_rounds_and_the_ratio_is_of_medians(self) -> None:
        result = measure(case(peer=Contender(right)), seconds=0.0)
        assert list(result.timings) == ["poise", "peer"]
        assert all(timing.n_rounds >= MIN_ROUNDS for timing in result.timings.values())
        assert result.ratio("poise") == 1.0
        assert result.ratio("peer") == result.timings["peer"].median / result.timings["poise"].median
        assert result.ratio("peer", to="peer") == 1.0
        assert result.best_ratio("peer") == result.timings["peer"].minimum / result.timings["poise"].minimum

    def test_times_are_per_unit(self) -> None:
        calls = []

        def counted() -> np.ndarray:
            calls.append(1)
            return right()

        one = measure(case(peer=Contender(counted, units=1.0)), seconds=0.0)
        many = measure(case(peer=Contender(counted, units=1e6)), seconds=0.0)
        # A million units per call: no machine is so uneven that this could turn round.
        assert many.timings["peer"].median < one.timings["peer"].minimum

    def test_the_collector_of_cycles_is_as_it_was(self) -> None:
        import gc

        assert gc.isenabled()
        measure(case(), seconds=0.0)
        assert gc.isenabled()


class TestAgreement:
    def test_another_answer_is_named_and_not_timed(self) -> None:
        result = measure(case(peer=Contender(lambda: right() * 1.001)), seconds=0.0)
        assert "peer" not in result.timings
        assert "off by 1.0e-03, 1e-09 allowed" in result.failed["peer"]

    def test_within_the_tolerance_it_is_timed(self) -> None:
        result = measure(case(1e-2, peer=Contender(lambda: right() * 1.001)), seconds=0.0)
        assert "peer" in result.timings
        assert result.failed == {}

    @pytest.mark.parametrize(
        "answer",
        [
            np.array([1.0, 2.0]),
            np.array([1.0, 0.0, 2.0]),
            np.array([1.0, np.nan, np.inf]),
            np.full(3, np.nan),
        ],
        ids=["shape", "a number for a gap", "infinite", "a gap for a number"],
    )
    def test_shapes_gaps_and_infinities_differ(self, answer: np.ndarray) -> None:
        result = measure(case(peer=Contender(lambda: answer)), seconds=0.0)
        assert "off by inf" in result.failed["peer"]

    def test_what_is_expected_may_be_another_mode(self) -> None:
        peer = Contender(lambda: [7.0], expected=[7.0])
        assert "peer" in measure(case(peer=peer), seconds=0.0).timings

    def test_the_answer_may_be_read_apart_from_the_call(self) -> None:
        peer = Contender(lambda: "an object", answer=right)
        assert "peer" in measure(case(peer=peer), seconds=0.0).timings

    def test_who_answers_another_question_is_not_compared(self) -> None:
        peer = Contender(lambda: "VaR", differs="VaR only")
        assert "peer" in measure(case(peer=peer), seconds=0.0).timings


class TestAbsence:
    def test_a_missing_peer_is_named_with_its_reason(self) -> None:
        result = measure(case(peer=Missing("not installed")), seconds=0.0)
        assert result.missing == {"peer": "not installed"}
        assert list(result.timings) == ["poise"]

    def test_a_peer_that_raises_is_named(self) -> None:
        def broken() -> None:
            raise ValueError("no such axis\nmore words")

        result = measure(case(peer=Contender(broken)), seconds=0.0)
        assert result.failed == {"peer": "raised ValueError: no such axis"}

    def test_a_peer_that_raises_later_is_named(self) -> None:
        calls = []

        def tired() -> np.ndarray:
            calls.append(1)
            if len(calls) > 2:
                raise RuntimeError("worn out")
            return right()

        result = measure(case(peer=Contender(tired)), seconds=0.0)
        assert result.failed == {"peer": "raised RuntimeError: worn out"}
        assert list(result.timings) == ["poise"]

    def test_an_exception_of_poise_passes_through(self) -> None:
        calls = []

        def breaks(after: int) -> np.ndarray:
            calls.append(1)
            if len(calls) > after:
                raise ZeroDivisionError
            return right()

        for after in (0, 2):
            calls.clear()
            broken = Case("X", "q", "s", {"poise": Contender(lambda after=after: breaks(after))})
            with pytest.raises(ZeroDivisionError):
                measure(broken, seconds=0.0)
