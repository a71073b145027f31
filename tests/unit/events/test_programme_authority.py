"""A programme's table of who may say what: the shipped one, what it may change, and what it may not."""

import copy
from typing import Any

import pytest

from services.referral.partners.table import ProgrammeTable
from shared.contract.authority import GUARDED, TABLE, Rule
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.vocabulary import Channel
from shared.contract.programme_authority import faults, rules_of, says_of
from shared.delivery.control.publishing import next_version
from shared.platform.ids import new_id
from shared.platform.localities import Localities, load_localities
from shared.platform.localities.loading import localities_of
from shared.platform.localities.versions import VersionRefused, Versions, fold_digest, read_version
from tests.harness.control import BEGIN, shipped, version
from tests.harness.delivery.toy import said

SAYS = says_of(TABLE)
ATTEMPT: EventBody = ContactAttempted(
    referral_id=new_id(), locality="meir", channel=Channel.PHONE, reached=False
)


def changed(kind: str, **roles: str | None) -> dict[str, Any]:
    """The shipped document with other roles of a kind; None takes a role away."""
    document = shipped()
    line = document["programme"]["says"].setdefault(kind, {})
    line |= {role: whose for role, whose in roles.items() if whose is not None}
    for role in [role for role, whose in roles.items() if whose is None]:
        del line[role]
    return document


def test_shipped_file_says_what_the_contract_says() -> None:
    assert set(load_localities().rules) == set(TABLE)
    assert set(rules_of(SAYS)) == set(TABLE)
    assert list(faults(SAYS)) == []


def test_table_without_the_key_is_the_contracts() -> None:
    document = shipped()
    del document["programme"]["says"]
    assert tuple(localities_of(document, "file").rules) == tuple(TABLE)
    assert next_version(Versions(), document, "a-test", BEGIN) is not None


def test_partner_that_may_not_say_a_kind_is_refused() -> None:
    known = Localities.unread()
    known.become(localities_of(shipped(), "file"))
    table, theirs, ours = ProgrammeTable(known), said(ATTEMPT, "vast-hub"), said(ATTEMPT, "casework")
    assert (table.refusal(theirs), table.refusal(ours)) == (None, None)
    known.become(localities_of(changed("contact_attempted", partner=None), "file"))
    assert table.refusal(theirs) == "not_yours_to_say"
    assert table.refusal(ours) is None


@pytest.mark.parametrize(
    ("kind", "roles", "sentence"),
    [
        ("meeting_booked", {"booking": None}, 'our own part booking needs it: write booking = "any"'),
        ("meeting_booked", {"booking": "own"}, "our own part booking needs it"),
        ("referral_created", {"referral": None}, 'write referral = "own"'),
        ("person_erased", {"partner": "any"}, 'as partner = "own"'),
        ("person_erased", {"booking": "any"}, "counts it from partner, referral only, so booking"),
        ("meeting_attended", {"partner": "own"}, 'as partner = "any"'),
        ("meeting_attended", {"booking": "own"}, "does not judge whose referral"),
        ("meeting_atended", {"partner": "any"}, "meeting_atended is not a kind of the contract"),
    ],
)
def test_table_that_no_part_could_work_with_is_not_published(
    kind: str, roles: dict[str, str | None], sentence: str
) -> None:
    with pytest.raises(VersionRefused, match=sentence) as refused:
        next_version(Versions(), changed(kind, **roles), "a-test", BEGIN)
    assert refused.value.code == "invalid_table"
    assert str(refused.value).startswith("version 1, programme, says: ")


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ({"somebody": "any"}, "somebody is no role; roles are referral, booking"),
        ({"partner": "all"}, "partner must be one of any, own"),
    ],
)
def test_table_in_another_form_is_no_version(roles: dict[str, str | None], sentence: str) -> None:
    with pytest.raises(VersionRefused, match=sentence):
        version(1, changed("meeting_booked", **roles))


def test_version_of_another_contract_stands_and_our_parts_speak() -> None:
    document = changed("kind_of_the_future", partner="any")
    del document["programme"]["says"]["meeting_booked"]
    rules = read_version(version(1, document).encoded()).localities.rules
    booked = [rule for rule in rules if rule.kind == "meeting_booked"]
    assert booked == [Rule("booking", "meeting-booked", "meeting_booked", frozenset({"booking"}))]
    assert {rule.kind for rule in rules} == {rule.kind for rule in TABLE}


def test_change_of_who_says_what_folds_nothing_again() -> None:
    before, after = (
        localities_of(document, "file")
        for document in (shipped(), changed("contact_attempted", partner=None))
    )
    assert [fold_digest(each) for each in before] == [fold_digest(each) for each in after]


def test_no_table_widens_who_says_a_guarded_kind() -> None:
    for kind in GUARDED:
        says: dict[str, Any] = copy.deepcopy(SAYS)
        says[kind]["directory"] = "any"
        assert len(list(faults(says))) == 1
