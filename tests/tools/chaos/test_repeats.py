"""Repeats of a message: each needs a fault that struck its sender, or a yes that the sender missed."""

from dataclasses import replace

import pytest

from chaos.evidence import Trouble
from chaos.messages import repeated
from chaos.reconcile import reconcile
from tests.harness.chaos.small import kept


def trouble(fault: str, *targets: str, since: float = 104.0) -> Trouble:
    return Trouble(fault, targets, since, since + 3)


def test_message_repeated_after_sender_death_counts_apart() -> None:
    evidence = kept()
    again = replace(
        evidence,
        handed=[*evidence.handed, replace(evidence.handed[0], at=166.0, sender="notifications-2")],
        troubles=[trouble("killed at the gateway's yes", "notifications")],
    )
    assert reconcile(again) == []
    assert [len(times) for times in repeated(again).values()] == [2]


@pytest.mark.parametrize(
    "other",
    [
        trouble("notifications killed", "notifications-2"),
        trouble("matching killed", "matching"),
        trouble("Kafka killed", "matching", "notifications"),
        trouble("notifications killed", "notifications", since=300.0),
        trouble("notifications killed", "notifications", since=20.0),
    ],
)
def test_fault_elsewhere_or_at_another_time_is_no_reason(other: Trouble) -> None:
    evidence = kept()
    again = [*evidence.handed, replace(evidence.handed[0], at=166.0)]
    findings = {
        (each.kind, each.what) for each in reconcile(replace(evidence, handed=again, troubles=[other]))
    }
    assert ("doubled", "a message handed over again without a reason") in findings


def test_sender_that_hung_up_before_the_yes_may_repeat_once() -> None:
    evidence = kept()
    unheard = replace(evidence.handed[0], heard=False)
    for times, findings in ((1, 0), (2, 1)):
        again = [unheard, *evidence.handed[1:], *[replace(evidence.handed[0], at=240.0)] * times]
        assert len(reconcile(replace(evidence, handed=again))) == findings


def test_one_death_is_a_reason_for_one_more_time_only() -> None:
    evidence = kept()
    again = [*evidence.handed, *(replace(evidence.handed[0], at=at) for at in (166.0, 230.0))]
    for deaths, findings in ((1, 1), (2, 0)):
        struck = [trouble("MongoDB killed", "matching", "notifications")] * deaths
        assert len(reconcile(replace(evidence, handed=again, troubles=struck))) == findings
