import copy
import pickle

import numpy as np
import pytest

from poise.costs import CostModel
from poise.domain.proposals import Trigger, TriggerReading
from poise.errors import StateError
from poise.rebalancing import RebalanceRules, TriggerEngine
from tests.reference.rebalancing import book, regime


@pytest.fixture
def triggers(rules: RebalanceRules, costs: CostModel) -> TriggerEngine:
    return TriggerEngine(rules, costs)


def walk(rng: np.random.Generator, n_bars: int, start: int = 0):
    """A book of two assets under a market that changes its mind."""
    labels = ("bull", "bear", "high_volatility")
    return [
        book(
            rng.uniform(0.1, 0.5, 2),
            rng.uniform(0.1, 0.5, 2),
            days=start + t,
            trend=rng.uniform(-1.0, 1.0, 2),
            average_correlation=float(rng.uniform(0.4, 0.9)),
            drawdown=float(rng.uniform(0.0, 0.5)),
            state=regime(labels[t // 7 % 3]),
            book_return=float(rng.normal() * 0.02 * (1 + 4 * (t % 30 == 0))),
        )
        for t in range(n_bars)
    ]


def told(readings: tuple[TriggerReading, ...]) -> str:
    """Readings as text: NaN equals NaN there."""
    return repr(readings)


def test_seven_readings_in_the_order_of_the_table(triggers: TriggerEngine) -> None:
    readings = triggers.observe(book([0.3, 0.3], [0.3, 0.3]))
    assert [r.trigger for r in readings] == list(Trigger)
    assert all(r.reason for r in readings)


def test_before_any_rebalance(triggers: TriggerEngine) -> None:
    readings = {r.trigger: r for r in triggers.observe(book([0.3, 0.3], [0.3, 0.3], state=regime()))}
    assert readings[Trigger.TIME].fired is True
    assert readings[Trigger.MOMENTUM].fired is None
    assert readings[Trigger.REGIME].fired is None
    assert triggers.last_rebalance is None


def test_the_band_follows_the_cost_model(rules: RebalanceRules) -> None:
    snapshot = book([0.3], [0.35], spread_bps=10.0)
    cheap, dear = (TriggerEngine(rules, CostModel(fee_bps=fee)).observe(snapshot)[1] for fee in (1.0, 50.0))
    # Cost 6 and 55 basis points one way: the ratio falls with the cube root.
    assert cheap.value / dear.value == pytest.approx((55.0 / 6.0) ** (1.0 / 3.0))


def test_reading_a_bar_again_learns_nothing_twice(
    triggers: TriggerEngine, rules: RebalanceRules, costs: CostModel, rng: np.random.Generator
) -> None:
    once = TriggerEngine(rules, costs)
    for snapshot in walk(rng, 150):
        first = triggers.observe(snapshot)
        assert told(triggers.observe(snapshot)) == told(first) == told(once.observe(snapshot))


def test_reading_a_bar_again_looks_at_the_book_anew(triggers: TriggerEngine) -> None:
    assert triggers.observe(book([0.0], [0.35]))[1].fired is True
    assert triggers.observe(book([0.35], [0.35]))[1].fired is False


def test_an_older_bar_is_refused(triggers: TriggerEngine) -> None:
    triggers.observe(book([0.3], [0.3], days=2.0))
    with pytest.raises(StateError, match="2021-03-02"):
        triggers.observe(book([0.3], [0.3], days=1.0))


def test_a_change_of_pace_is_refused(triggers: TriggerEngine) -> None:
    triggers.observe(book([0.3], [0.3]))
    with pytest.raises(StateError, match="bars_per_day"):
        triggers.observe(book([0.3], [0.3], days=1.0, bars_per_day=24.0))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])  # noqa: S301
def test_a_copy_continues_alike_and_apart(triggers: TriggerEngine, rng: np.random.Generator, copied) -> None:
    past, future = walk(rng, 140), walk(rng, 20, start=140)
    for t, snapshot in enumerate(past):
        triggers.observe(snapshot)
        if t == 130:
            triggers.mark_rebalanced(snapshot)
    twin = copied(triggers)
    expected = [told(triggers.observe(snapshot)) for snapshot in future]
    assert [told(twin.observe(snapshot)) for snapshot in future] == expected


def test_no_reading_depends_on_the_future(rules: RebalanceRules, costs: CostModel) -> None:
    def run(tail_seed: int) -> list[str]:
        engine = TriggerEngine(rules, costs)
        head = walk(np.random.default_rng(1), 150)
        tail = walk(np.random.default_rng(tail_seed), 10, start=150)
        return [told(engine.observe(snapshot)) for snapshot in [*head, *tail]]

    one, other = run(2), run(3)
    assert one[:150] == other[:150]
    assert one[150:] != other[150:]


def test_every_trigger_fires_on_its_own_cause(rules: RebalanceRules, costs: CostModel) -> None:
    def calling(**changes) -> set[Trigger]:
        engine = TriggerEngine(rules, costs)
        calm = {
            "trend": 0.5,
            "state": regime("bull"),
            "drawdown": 0.01,
        }
        for t in range(140):
            snapshot = book(
                [0.4, 0.4],
                [0.4, 0.4],
                days=t,
                average_correlation=0.5 + 0.1 * (t % 2),
                book_return=0.01 * (-1) ** t,
                **calm,
            )
            engine.observe(snapshot)
        engine.mark_rebalanced(snapshot)
        usual = {"held": [0.4, 0.4], "target": [0.4, 0.4], "days": 140, "book_return": 0.01}
        after = engine.observe(book(**(usual | calm | {"average_correlation": 0.55} | changes)))
        assert all(r.fired is not None for r in after)
        return {r.trigger for r in after if r.fired}

    assert calling() == set()
    assert calling(days=147) == {Trigger.TIME}
    assert calling(held=[0.5, 0.4]) == {Trigger.DEVIATION}
    assert calling(book_return=0.06) == {Trigger.VOLATILITY}
    assert calling(average_correlation=0.9) == {Trigger.CORRELATION}
    assert calling(trend=-0.1) == {Trigger.MOMENTUM}
    assert calling(drawdown=0.2) == {Trigger.DRAWDOWN}
    assert calling(state=regime("bear")) == {Trigger.REGIME}
