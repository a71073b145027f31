"""The declaration of users and rights, and its comparison with what a broker holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.platform.access.cluster import Held
from shared.platform.access.comparison import Difference, compare, settings_findings
from shared.platform.access.declaration import Declaration, Grant, Partner, Quota, declare
from shared.platform.access.users import kept_passwords
from shared.platform.localities import Claim, load_localities
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_claim, with_owner
from tests.harness.control import BEGIN, shipped, with_part

LOCALITIES = load_localities()
DECLARED = declare(LOCALITIES)
HELD = Held(frozenset({"broker", *DECLARED.users}), frozenset(DECLARED.grants), frozenset(DECLARED.quotas))
PARTNER = Partner("meir", "history")


def may(user: str, operation: str, resource: str, name: str, declared: Declaration = DECLARED) -> bool:
    """True if the broker would let the user do it, by these grants alone."""
    return any(
        grant.user == user
        and grant.resource == resource
        and grant.operation in (operation, "all")
        and (grant.name in (name, "*") or (grant.pattern == "prefixed" and name.startswith(grant.name)))
        for grant in declared.grants
    )


def test_every_prefix_ends_in_a_dot() -> None:
    assert all(grant.name.endswith(".") for grant in DECLARED.grants if grant.pattern == "prefixed")


def test_only_services_admission_and_operator_write_events() -> None:
    writers = {user for user in DECLARED.users if may(user, "write", "topic", "meir.referral-created.v1")}
    assert writers == {"referral", "matching", "notifications", "evaluation", "admission", "operator"}
    demo = declare(LOCALITIES, demo=True)
    assert may("demo", "write", "topic", "meir.referral-created.v1", demo)
    assert "demo" not in DECLARED.users


@pytest.mark.parametrize(
    ("operation", "resource", "name", "allowed"),
    [
        ("read", "topic", "meir.referral-created.v1", True),
        ("read", "topic", "meir-park.referral-created.v1", False),
        ("read", "topic", "longton.referral-created.v1", False),
        ("write", "topic", "meir.referral-created.v1", False),
        ("write", "topic", "in.meir.history", True),
        ("read", "topic", "in.meir.history", False),
        ("write", "topic", "in.meir.history-two", False),
        ("write", "topic", "in.longton.history", False),
        ("read", "topic", "refused.meir.history", True),
        ("write", "topic", "refused.meir.history", False),
        ("read", "topic", "refused.meir.vast-hub", False),
        ("read", "topic", "linkwork.control.v1", False),
        ("read", "topic", "linkwork.dead-letter.matching.v1", False),
        ("read", "group", "meir.history.one", True),
        ("read", "group", "meir.matching", False),
        ("read", "group", "meir.history-two.one", False),
        ("delete", "topic", "in.meir.history", False),
    ],
)
def test_partner_may_do_this_and_no_more(operation: str, resource: str, name: str, allowed: bool) -> None:
    assert may(PARTNER.user, operation, resource, name) is allowed


@pytest.mark.parametrize(
    ("owner", "to", "speaks"),
    [
        ("linkwork", None, False),
        ("linkwork", "booking-js", True),
        ("booking-js", None, True),
        ("booking-js", "linkwork", True),
        ("other-js", None, False),
    ],
)
def test_source_of_a_part_speaks_while_it_owns_it(owner: str, to: str | None, speaks: bool) -> None:
    document = with_part(with_part(shipped(), "booking-js", "booking"), "other-js", "booking")
    owned = with_owner(document, "meir", "booking", owner, 0 if owner == "linkwork" else 1)
    if to is not None:
        owned = with_claim(owned, "meir", "booking", Claim(to, BEGIN))
    declared = declare(localities_of(owned, "a document"))
    user = "meir.booking-js"
    assert may(user, "write", "topic", "in.meir.booking-js", declared) is speaks
    assert may(user, "read", "topic", "meir.referral-created.v1", declared)
    assert may(user, "read", "topic", "refused.meir.booking-js", declared)


def test_only_partners_have_quotas() -> None:
    partners = {f"{slug}.history" for slug in LOCALITIES.slugs} | {"meir.vast-hub", "meir.booking-js"}
    partners |= {"sandbox.heartbeat", "sandbox.trigger"}
    assert {quota.user for quota in DECLARED.quotas} == partners


def test_what_is_held_as_declared_needs_no_change() -> None:
    difference = compare(DECLARED, HELD)
    assert difference.is_empty
    assert list(difference.lines()) == []
    assert DECLARED.digest() == declare(LOCALITIES).digest()
    assert DECLARED.digest() != declare(LOCALITIES, demo=True).digest()


def test_missing_users_rights_and_quotas_are_added() -> None:
    empty = Held(frozenset(), frozenset(), frozenset())
    difference = compare(DECLARED, empty)
    assert difference.users == DECLARED.users
    assert difference.grants == DECLARED.grants
    assert set(difference.quotas) == set(DECLARED.quotas)
    assert compare(DECLARED, empty, with_users=False).users == ()


def test_partner_that_left_loses_writing_first_and_its_user() -> None:
    gone = Partner("meir", "former-hub")
    writes = Grant(gone.user, "topic", "literal", gone.inbox, "write")
    reads = Grant(gone.user, "topic", "literal", "meir.meeting-booked.v1", "read")
    held = replace(
        HELD,
        users=HELD.users | {gone.user},
        grants=HELD.grants | {reads, writes},
        quotas=HELD.quotas | {Quota(gone.user, 1, 1, 1)},
    )
    difference = compare(DECLARED, held)
    assert difference == Difference(
        withdrawn_users=(gone.user,), withdrawn_grants=(writes, reads), lifted_quotas=(gone.user,)
    )


@pytest.mark.parametrize(
    ("grant", "ours"),
    [
        (Grant("stranger", "topic", "prefixed", "", "read"), True),
        (Grant("stranger", "topic", "prefixed", "mei", "read"), True),
        (Grant("stranger", "topic", "literal", "*", "read"), True),
        (Grant("stranger", "group", "literal", "meir.matching", "read"), True),
        (Grant("stranger", "topic", "literal", "in.meir.history", "write"), True),
        (Grant("stranger", "topic", "literal", "billing.v1", "write"), False),
        (Grant("stranger", "topic", "prefixed", "meirion.", "write"), False),
        (Grant("stranger", "cluster", "literal", "kafka-cluster", "alter"), False),
        (Grant("matching", "topic", "literal", "billing.v1", "write"), True),
    ],
)
def test_only_rights_on_our_names_are_withdrawn(grant: Grant, ours: bool) -> None:
    difference = compare(DECLARED, replace(HELD, grants=HELD.grants | {grant}))
    assert difference.withdrawn_grants == ((grant,) if ours else ())


def test_users_of_others_are_left_alone() -> None:
    held = replace(HELD, users=HELD.users | {"billing", "billing.reports"})
    assert compare(DECLARED, held).is_empty


def test_our_service_with_a_quota_is_freed() -> None:
    held = replace(HELD, quotas=HELD.quotas | {Quota("matching", 1, 0, 0)})
    assert compare(DECLARED, held).lifted_quotas == ("matching",)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("group.consumer.assignors", "uniform", "must be range"),
        ("group.consumer.migration.policy", "bidirectional", "must be disabled"),
        ("transaction.max.timeout.ms", "900000", "must be 60000"),
        ("authorizer.class.name", "", "nobody's rights are checked"),
        ("super.users", "User:broker;User:ANONYMOUS", "whoever connects without a user"),
    ],
)
def test_settings_that_break_the_guard_are_found(name: str, value: str, said: str) -> None:
    (finding,) = settings_findings(replace(HELD, settings={name: value}))
    assert said in finding
    assert list(settings_findings(replace(HELD, settings={name: None}))) == []


def test_quota_of_every_user_is_found() -> None:
    held = replace(HELD, quotas=HELD.quotas | {Quota("<default>", 1, 1, 1)}, foreign=("denies User:a",))
    assert len(list(settings_findings(held))) == 2


def test_passwords_are_made_once_and_read_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "users"
    first = kept_passwords(folder, ["matching", "operator"])
    assert kept_passwords(folder, ["matching", "operator", "referral"]).items() > first.items()
    assert len(set(kept_passwords(folder, ["matching", "operator", "referral"]).values())) == 3
    for file in (folder, *folder.iterdir()):
        assert file.stat().st_mode & 0o077 == 0
