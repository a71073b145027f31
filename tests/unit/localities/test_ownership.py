"""Owners, epochs, claims and addresses of a locality's parts, in the table and in its changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.delivery.control.publishing import next_version
from shared.platform.localities import Claim, LocalitiesError
from shared.platform.localities.differences import differences
from shared.platform.localities.ownership import (
    is_address,
    with_claim,
    with_hand_overs_of,
    with_owner,
    without_claim,
)
from shared.platform.localities.versions import VersionRefused, Versions
from tests.harness.control import BEGIN, Document, locality_of, shipped, version, with_part

SINCE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
JS = Claim("booking-js", SINCE)


def with_partner() -> Document:
    return with_part(shipped(), "booking-js", "booking", api="https://booking.partner.example/")


def test_part_without_an_owner_is_ours_in_epoch_0() -> None:
    meir = version(1, with_partner()).localities.by_slug["meir"]
    assert (meir.owner("booking"), meir.epoch("booking")) == ("linkwork", 0)
    assert (meir.claim("booking"), meir.address("booking")) == (None, None)


def test_owner_epoch_claim_and_address_stand_in_the_table() -> None:
    document = with_owner(with_partner(), "meir", "booking", "booking-js", 3)
    document = with_claim(document, "meir", "booking", Claim("linkwork", SINCE))
    locality_of(dict(document))["owners"]["directory"] = "linkwork"
    read = version(1, document)
    meir = read.localities.by_slug["meir"]
    assert [meir.owner(part) for part in ("booking", "directory", "casework")] == [
        "booking-js",
        "linkwork",
        "linkwork",
    ]
    assert [meir.epoch(part) for part in ("booking", "directory", "casework")] == [3, 0, 0]
    assert (meir.claim("booking"), meir.claim("casework")) == (Claim("linkwork", SINCE), None)
    assert meir.address("booking") == "https://booking.partner.example"
    assert read.under_way()
    assert not version(1, with_partner()).under_way()


def test_source_brings_the_part_that_it_names() -> None:
    meir = version(1, with_partner()).localities.by_slug["meir"]
    brings = {source.name: source.brings for source in meir.sources.values()}
    assert (brings["booking-js"], brings["booking"], brings["vast-hub"]) == ("booking", None, None)
    assert "/meir/booking-js" in meir.partners()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owners": {"diary": "linkwork"}}, "owners: diary is not a part; parts are referral, booking"),
        (
            {"owners": {"booking": {"owner": "vast-hub", "epoch": 1}}},
            "owners, booking: vast-hub is neither linkwork nor a source of this locality whose part is book",
        ),
        (
            {"owners": {"casework": {"owner": "booking-js", "epoch": 1}}},
            "owners, casework: booking-js is neither linkwork nor a source of this locality whose part is",
        ),
        ({"owners": {"booking": {"owner": "booking", "epoch": 1}}}, "booking is neither linkwork nor"),
        (
            {"owners": {"booking": "booking-js"}},
            "booking: epoch must be at least 1, since booking-js owns",
        ),
        ({"owners": {"booking": {"owner": "linkwork", "epoch": -1}}}, "epoch must be a whole number from 0"),
        ({"owners": {"booking": {"owner": "linkwork"}}}, "owners, booking: epoch is missing"),
        ({"handing_over": {"diary": {}}}, "handing_over: diary is not a part"),
        (
            {"handing_over": {"booking": {"to": "vast-hub", "since": "2026-11-30T09:00:00Z"}}},
            "handing_over, booking: vast-hub is neither linkwork nor a source",
        ),
        (
            {"handing_over": {"booking": {"to": "booking-js", "since": "2026-11-30T09:00:00"}}},
            "handing_over, booking: since must be a time with its zone",
        ),
        ({"handing_over": {"booking": {"to": "booking-js"}}}, "handing_over, booking: since is missing"),
    ],
)
def test_wrong_owner_or_claim_is_named(changes: dict[str, Any], sentence: str) -> None:
    document = with_partner()
    locality_of(document).update(changes)
    with pytest.raises(VersionRefused, match=sentence):
        version(1, document)


@pytest.mark.parametrize(
    ("name", "part", "api", "sentence"),
    [
        ("booking-js", "booking", "http://booking.partner.example", "api must start with https"),
        ("vast-hub", "partner", "https://x.example", "only a partner's source that brings a part has an api"),
        ("linkwork", "booking", None, "linkwork is a name of ours"),
    ],
)
def test_wrong_source_of_a_part_is_named(name: str, part: str, api: str | None, sentence: str) -> None:
    with pytest.raises(VersionRefused, match=sentence):
        version(1, with_part(shipped(), name, part, api=api))


@pytest.mark.parametrize(
    ("source", "pages", "sentence"),
    [
        (0, "https://x.example/home", "only a partner's source that brings a part has pages"),
        (1, "http://x.example", "pages must start with https"),
        (1, "https://booking.partner.example/home", ""),
    ],
)
def test_pages_of_an_owner_are_an_https_address(source: int, pages: str, sentence: str) -> None:
    document = with_partner()
    locality_of(document)["sources"][source]["pages"] = pages
    if not sentence:
        found = version(1, document).localities.by_slug["meir"].source_named("booking-js")
        assert found is not None
        assert (found.pages, found.api) == (pages, "https://booking.partner.example")
        return
    with pytest.raises(VersionRefused, match=sentence):
        version(1, document)


@pytest.mark.parametrize(
    ("part", "ours", "rank"),
    [("booking", 40, 39), ("booking", 40, 41), ("referral", 30, 15), ("notifications", 20, 40)],
)
def test_source_of_a_part_weighs_as_ours(part: str, ours: int, rank: int) -> None:
    sentence = f"number 2: rank must be {ours}, which is that of /meir/{part}, since /meir/another brings"
    document = shipped()
    locality_of(document)["sources"] = locality_of(document)["sources"][:1]
    assert version(1, with_part(document, "another", part, rank=ours)).number == 1
    with pytest.raises(VersionRefused, match=sentence):
        version(1, with_part(document, "another", part, rank=rank))


def test_source_of_a_part_weighs_as_the_source_of_before() -> None:
    document = shipped()
    document["programme"]["sources"] = [
        each for each in document["programme"]["sources"] if each["name"] != "booking"
    ]
    with pytest.raises(VersionRefused, match="rank must be 40, which is that of /meir/matching"):
        version(1, with_part(document, "another", "booking", rank=15))


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://booking.example", True),
        ("https://booking.example:8443/", True),
        ("http://127.0.0.1:9000", True),
        ("http://[::1]:9000", True),
        ("http://localhost:9000", True),
        ("http://10.0.0.1:9000", False),
        ("http://localhost.example", False),
        ("https://user:secret@booking.example", False),
        ("https://booking.example/path", False),
        ("https://booking.example?x=1", False),
        ("https://booking.example:port", False),
        ("https://", False),
        ("ftp://booking.example", False),
        ("booking.example", False),
    ],
)
def test_address_is_https_or_on_this_machine(address: str, good: bool) -> None:
    assert is_address(address) == good


def test_hand_over_changes_claim_and_owner_alone() -> None:
    before = with_partner()
    claimed = with_claim(before, "meir", "booking", JS)
    assert without_claim(claimed, "meir", "booking") == before
    done = with_owner(claimed, "meir", "booking", "booking-js", 1)
    assert done == with_owner(before, "meir", "booking", "booking-js", 1)
    assert version(1, claimed).localities.by_slug["longton"].handing_over == {}


def test_hand_over_is_told_in_the_differences() -> None:
    claimed = with_claim(with_partner(), "meir", "booking", JS)
    done = with_owner(claimed, "meir", "booking", "booking-js", 1)
    assert differences(with_partner(), claimed) == [
        "locality meir, handing_over, booking: to is “booking-js”, and was not given.",
        "locality meir, handing_over, booking: since is “2026-11-30T09:00:00+00:00”, and was not given.",
    ]
    assert "locality meir, owners, booking: owner is “booking-js”, and was not given." in differences(
        claimed, done
    )


def test_file_that_names_no_owner_keeps_those_that_stand() -> None:
    standing = with_claim(
        with_owner(with_partner(), "meir", "booking", "booking-js", 1),
        "meir",
        "booking",
        Claim("linkwork", SINCE),
    )
    assert with_hand_overs_of(with_partner(), standing) == standing
    assert with_hand_overs_of(standing, standing) == standing
    other = with_owner(with_partner(), "meir", "booking", "linkwork", 2)
    with pytest.raises(LocalitiesError, match="locality meir: owners differs from what stands"):
        with_hand_overs_of(other, standing)


def standing(*documents: Document) -> Versions:
    versions = Versions()
    for number, document in enumerate(documents, start=1):
        versions.offer(version(number, document).encoded())
    return versions


@pytest.mark.parametrize(
    "change",
    [
        lambda document: with_owner(document, "meir", "booking", "booking-js", 2),
        lambda document: with_claim(document, "longton", "booking", Claim("linkwork", SINCE)),
    ],
)
def test_publishing_a_file_hands_nothing_over(change: Callable[[Any], Any]) -> None:
    owned = with_owner(with_partner(), "meir", "booking", "booking-js", 1)
    versions = standing(dict(owned))
    assert next_version(versions, with_partner(), "a-test", BEGIN) is None
    with pytest.raises(VersionRefused) as refused:
        next_version(versions, change(with_partner()), "a-test", BEGIN)
    assert refused.value.code == "ownership_changed"


def test_no_version_may_wait_behind_a_hand_over() -> None:
    versions = standing(dict(with_claim(with_partner(), "meir", "booking", JS)))
    changed = with_part(with_partner(), "more-js", "booking")
    assert next_version(versions, changed, "a-test", BEGIN) is not None
    with pytest.raises(VersionRefused, match="publish this one after it"):
        next_version(versions, changed, "a-test", BEGIN, BEGIN + timedelta(days=1))
