"""Changes of the table that an administrator may ask for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.delivery.control.publishing import base_of
from shared.delivery.control.requests import change_asked
from shared.platform.localities import LocalitiesError
from shared.platform.localities.changes import (
    AddLocality,
    AddPractice,
    ChangeLocality,
    ChangePractice,
    Desk,
    LocalityEntry,
    PracticeEntry,
    SetNotices,
    SetRules,
    read_change,
)
from shared.platform.localities.differences import differences
from shared.platform.localities.loading import localities_of
from shared.platform.localities.notices import Notice
from shared.platform.localities.rules import USUAL, ProgrammeRules
from shared.platform.localities.versions import VersionRefused, Versions, made_version
from tests.harness.control import BEGIN, NEW_PRACTICE, shipped, version, with_practice, with_source

DESK = Desk(name="Kidsgrove desk (example)", telephone="01632 960130", email="desk@kidsgrove.example")
ENTRY = LocalityEntry(
    name="Kidsgrove",
    place="Kidsgrove and Talke",
    live_from=date(2026, 12, 1),
    data_controller="Controller (example)",
    employer="Employer (example)",
    privacy_notice="https://privacy.linkwork.example/kidsgrove",
    younger_people=DESK,
    safeguarding=DESK,
)
NINTH = AddLocality(
    slug="kidsgrove", entry=ENTRY, practice=PracticeEntry(ods=NEW_PRACTICE, site="The Village")
)


def table(document: Any) -> Any:
    return localities_of(document, "table")


def test_ninth_locality_has_our_sources_and_its_practice() -> None:
    made = table(NINTH.apply(shipped()))
    there = made.by_slug["kidsgrove"]
    assert [each.ods for each in there.practices] == [NEW_PRACTICE]
    assert there.rank("/kidsgrove/booking") == made.by_slug["meir"].rank("/meir/booking")
    assert made.of_practice(NEW_PRACTICE) is there
    assert made.slugs[-2:] == ("kidsgrove", "sandbox")
    versions = Versions()
    versions.offer(version(1, shipped()).encoded())
    versions.offer(version(2, NINTH.apply(shipped())).encoded())


def test_practice_outside_the_register_needs_a_postcode() -> None:
    new = PracticeEntry(ods="M83999", site="New Surgery")
    with pytest.raises(LocalitiesError, match="postcode"):
        AddPractice(locality="meir", practice=new).apply(shipped())
    known = AddPractice(locality="meir", practice=new.model_copy(update={"postcode": "ST3 6AB"})).apply(
        shipped()
    )
    assert table(known).practice("M83999").locality == "meir"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (AddPractice(locality="meir", practice=PracticeEntry(ods="M83100", site="Again")), "already"),
        (AddPractice(locality="nowhere", practice=PracticeEntry(ods=NEW_PRACTICE, site="S")), "no locality"),
        (ChangePractice(locality="meir", practice=PracticeEntry(ods="M83126", site="S")), "no practice"),
        (NINTH.model_copy(update={"slug": "meir"}), "already"),
    ],
)
def test_change_that_makes_no_sense_is_refused(change: Any, reason: str) -> None:
    with pytest.raises(LocalitiesError, match=reason):
        change.apply(shipped())


def test_change_of_a_locality_keeps_owners_sources_and_practices() -> None:
    before = shipped()
    after = ChangeLocality(slug="meir", entry=ENTRY).apply(before)
    was, now = table(before).by_slug["meir"], table(after).by_slug["meir"]
    assert now.name == "Kidsgrove"
    assert (now.practices, dict(now.sources), dict(now.owners)) == (
        was.practices,
        dict(was.sources),
        dict(was.owners),
    )
    assert before == shipped()


def test_rules_and_notices_stand_in_the_table_from_a_time() -> None:
    rules = ProgrammeRules(misses=3, reminder_days=2, travel_minutes=20, nudge_days=5, review_days=60)
    notice = Notice(
        text="Closed on Friday", begins=BEGIN, ends=BEGIN + timedelta(days=1), localities=("meir",)
    )
    document = SetNotices(notices=(notice,)).apply(SetRules(rules=rules).apply(shipped()))
    made = table(document)
    assert (made.programme_rules, made.notices) == (rules, (notice,))
    assert table(shipped()).programme_rules == USUAL
    assert notice.shown(BEGIN, {"meir", "longton"})
    assert not notice.shown(BEGIN, {"longton"})
    assert not notice.shown(BEGIN + timedelta(days=1), {"meir"})
    assert made.numbered(3, {}).programme_rules == rules
    assert any("misses" in line for line in differences(shipped(), document))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rules", {"misses": 1}),
        ("rules", {"mises": 2}),
        ("notices", [{"text": "x", "begins": "2026-11-23T09:00:00Z", "ends": "2026-11-23T09:00:00Z"}]),
        (
            "notices",
            [
                {
                    "text": "x",
                    "begins": "2026-11-23T09:00:00Z",
                    "ends": "2026-11-24T09:00:00Z",
                    "localities": ["nowhere"],
                }
            ],
        ),
    ],
)
def test_wrong_rule_or_notice_is_refused_with_its_place(key: str, value: Any) -> None:
    document = shipped()
    document["programme"][key] = value
    with pytest.raises(LocalitiesError, match=key):
        table(document)


def test_rules_of_next_steps_fold_referrals_again() -> None:
    versions = Versions()
    versions.offer(version(1, shipped()).encoded())
    reminders = SetRules(rules=ProgrammeRules(reminder_days=2)).apply(shipped())
    second = versions.offer(version(2, reminders).encoded())
    assert second.localities.fold_rules_version("meir") == 1
    nudges = SetRules(rules=ProgrammeRules(nudge_days=5)).apply(shipped())
    assert versions.offer(version(3, nudges).encoded()).localities.fold_rules_version("meir") == 3


def test_change_waits_for_no_version_that_waits() -> None:
    versions = Versions()
    versions.offer(version(1, shipped()).encoded())
    versions.offer(version(2, with_practice(shipped()), days=7).encoded())
    now = BEGIN + timedelta(hours=1)
    for begins in (None, BEGIN + timedelta(days=1)):
        with pytest.raises(VersionRefused) as refused:
            base_of(versions, now, begins)
        assert refused.value.code == "another_waits"
    assert base_of(versions, now, BEGIN + timedelta(days=8)).number == 2
    assert base_of(versions, BEGIN + timedelta(days=8), None).number == 2


def test_way_back_keeps_sources_and_who_may_say_what() -> None:
    versions = Versions()
    versions.offer(version(1, shipped()).encoded())
    present = with_source(with_practice(shipped()), "new-partner", 12)
    versions.offer(version(2, present).encoded())
    back = change_asked({"kind": "back_to", "version": 1}, versions)(present)
    assert back == with_source(shipped(), "new-partner", 12)
    with pytest.raises(LocalitiesError, match="no version 9"):
        change_asked({"kind": "back_to", "version": 9}, versions)


@pytest.mark.parametrize(
    "row",
    [{"kind": "add_source"}, {}, {"kind": "set_rules", "rules": {"says": {}}}, {"kind": "add_locality"}],
)
def test_nothing_else_can_be_asked_for(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_change(row)
    with pytest.raises(LocalitiesError, match="no change"):
        change_asked(row, Versions())


def test_stored_change_is_read_as_it_was() -> None:
    assert read_change(NINTH.model_dump(mode="json")) == NINTH
    made = made_version(1, "a", datetime.now(UTC), BEGIN, NINTH.apply(shipped()))
    assert made.localities.by_slug["kidsgrove"].live_from == date(2026, 12, 1)
