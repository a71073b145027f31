"""Facts that do not count: each with the rule that leaves it out, whatever the order of the set."""

from random import Random

import pytest

from shared.contract.events.notices import POINTERS, NotCounted
from shared.contract.history import EffectiveFacts, uncounted
from shared.contract.history.vectors import load_all
from tests.harness.history.journeys import journey_of_random
from tests.harness.history.rules.rule import CREATED, HISTORY, SOURCES, attended, fact
from tests.harness.history.sayings import ref

FILES = load_all()
# By the names of rules: the facts that do not count, by the numbers of their ids.
EXPECTED: dict[str, dict[int, NotCounted]] = {
    "meeting_before_the_creation": {101: NotCounted.REFERRAL_NOT_CREATED},
    "meeting_of_a_retracted_creation": {},
    "meeting_whose_sequence_leaves_one_out": {102: NotCounted.SEQUENCE_LEFT_OUT},
    "meeting_whose_sequence_is_complete": {},
    "meeting_after_a_retracted_one": {},
    "outcome_of_a_meeting_that_does_not_count": {
        101: NotCounted.SEQUENCE_LEFT_OUT,
        102: NotCounted.MEETING_DOES_NOT_COUNT,
    },
    "erased_by_a_source_that_no_list_names": {101: NotCounted.NOT_YOUR_REFERRAL},
    "erased_by_an_unknown_creator": {101: NotCounted.NOT_YOUR_REFERRAL},
    "erased_by_the_creator": {},
    "erased_by_another_partner": {
        101: NotCounted.ANOTHER_CREATION_STANDS,
        102: NotCounted.NOT_YOUR_REFERRAL,
    },
    "erased_by_the_vault_of_the_programme": {},
    "link_worker_changed_by_another_partner": {102: NotCounted.NOT_YOUR_REFERRAL},
    "link_worker_changed_by_the_creator": {},
    "sharing_yes_by_another_partner": {102: NotCounted.NOT_YOUR_REFERRAL},
    "sharing_no_by_a_source_that_no_list_names": {},
    "contact_yes_by_a_source_that_no_list_names": {101: NotCounted.NOT_YOUR_REFERRAL},
    "retracted_fact_was_never_said": {},
    "retraction_of_a_fact_that_never_came": {102: NotCounted.FACT_NOT_SAID},
    "retraction_by_a_partner_of_its_own": {103: NotCounted.NOT_YOUR_FACT},
    "retraction_by_another_part": {102: NotCounted.NOT_YOUR_FACT},
    "unknown_kind_says_nothing": {},
}
VECTORS = {v.name: v for name in ("counting.json", "retraction.json") for v in FILES[name].vectors}


@pytest.mark.parametrize("name", EXPECTED)
def test_uncounted_gives_the_rule_of_each_vector(name: str) -> None:
    found = uncounted(VECTORS[name].facts, SOURCES)
    assert {each.fact.id: each.reason for each in found} == {
        ref(number): reason for number, reason in EXPECTED[name].items()
    }


@pytest.mark.parametrize("seed", range(40))
def test_uncounted_is_what_no_fold_reads_in_any_order(seed: int) -> None:
    facts = journey_of_random(Random(seed), 20)
    turned = list(reversed(facts))
    assert uncounted(turned, SOURCES) == uncounted(facts, SOURCES)
    found = {each.fact.key for each in uncounted(facts, SOURCES)}
    effective = EffectiveFacts(facts, SOURCES)
    left_out = {each.key for each in facts} - effective.keys() - effective.retracted.keys()
    assert left_out <= found


def test_judged_facts_give_the_same_rules() -> None:
    for vector in VECTORS.values():
        judged = EffectiveFacts(vector.facts, SOURCES)
        assert uncounted(vector.facts, SOURCES, judged) == uncounted(vector.facts, SOURCES)


def test_second_creation_beside_facts_that_all_count_is_named() -> None:
    again = fact(101, CREATED.body, HISTORY)
    assert [each.reason for each in uncounted([CREATED, again], SOURCES)] == [
        NotCounted.ANOTHER_CREATION_STANDS
    ]


def test_outcome_of_a_meeting_never_said_does_not_count() -> None:
    (found,) = uncounted([CREATED, fact(101, attended(10), HISTORY)], SOURCES)
    assert found.reason is NotCounted.MEETING_DOES_NOT_COUNT


def test_every_rule_has_a_place_in_the_event() -> None:
    assert set(POINTERS) == set(NotCounted)
