from datetime import timedelta

import pytest

from poise.domain.proposals import Trigger, TriggerReading, Urgency
from poise.rebalancing import RebalanceRules, urgency_of
from poise.rebalancing.readings import fired, quiet, unavailable
from poise.rebalancing.urgency import benefit_per_cost, cooldown, leading_trigger


def readings(*severities: float) -> list[TriggerReading]:
    """The first triggers of the table fire, the rest do not."""
    calling = [
        fired(trigger, "", severity=severity, value=1.0, threshold=1.0)
        for trigger, severity in zip(Trigger, severities, strict=False)
    ]
    return calling + [quiet(t, "", value=0.0, threshold=1.0) for t in list(Trigger)[len(severities) :]]


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ((), Urgency.NONE),
        ((0.0,), Urgency.LOW),
        ((0.499,), Urgency.LOW),
        ((0.5,), Urgency.MEDIUM),
        ((0.999,), Urgency.MEDIUM),
        ((1.0,), Urgency.HIGH),
        ((1.999,), Urgency.HIGH),
        ((2.0,), Urgency.CRITICAL),
        ((0.6, 0.5), Urgency.MEDIUM),
        ((0.5, 0.6, 0.5), Urgency.HIGH),
        ((0.6, 0.5, 0.49), Urgency.MEDIUM),
        ((1.2, 0.5, 0.5), Urgency.CRITICAL),
        ((2.5, 0.5, 0.5), Urgency.CRITICAL),
    ],
)
def test_the_most_severe_sets_it_and_two_others_raise_it(
    severities: tuple[float, ...], expected: Urgency
) -> None:
    assert urgency_of(readings(*severities)) is expected


def test_unavailable_triggers_do_not_count() -> None:
    assert urgency_of([unavailable(trigger, "warming") for trigger in Trigger]) is Urgency.NONE


def test_a_broken_limit_is_critical_by_itself() -> None:
    assert urgency_of(readings(), breaches=("tail loss above its limit",)) is Urgency.CRITICAL


def test_the_leading_trigger_is_the_most_severe_and_the_earliest_among_equals() -> None:
    assert leading_trigger(readings(0.2, 0.9, 0.9)) is Trigger.DEVIATION
    assert leading_trigger(readings()) is Trigger.DEVIATION


def test_benefit_asked_per_dollar_of_cost() -> None:
    asked = [benefit_per_cost(u) for u in (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH, Urgency.CRITICAL)]
    assert asked == [2.0, 1.5, 1.0, 1.0]


def test_cooldowns() -> None:
    rules = RebalanceRules(cooldown_hours=24.0)
    pauses = [cooldown(u, rules) for u in (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH, Urgency.CRITICAL)]
    assert pauses == [timedelta(hours=h) for h in (24, 24, 4, 4)]
