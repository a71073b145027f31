"""The programme's own file, and what the loader says about a file that is wrong."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from shared.platform.localities import (
    LOCALITIES_FILE,
    Localities,
    LocalitiesError,
    load_localities,
)


@pytest.fixture(scope="module")
def programme() -> Localities:
    return load_localities()


def test_the_eight_localities_and_the_sandbox_in_order(programme: Localities) -> None:
    assert programme.slugs == (
        "meir",
        "longton",
        "middleport",
        "burslem-cobridge",
        "bentilee",
        "shelton",
        "chesterton-silverdale",
        "leek-werrington",
        "sandbox",
    )
    assert [locality.slug for locality in programme.real] == list(programme.slugs[:8])
    assert [slug for slug in (*programme.slugs, "nowhere") if programme.is_sandbox(slug)] == ["sandbox"]


def test_three_practices_of_one_building_are_told_apart_by_code(
    programme: Localities,
) -> None:
    meir = programme.by_slug["meir"]
    same = [practice for practice in meir.practices if practice.postcode == "ST3 6AB"]
    assert [practice.display_name for practice in same] == [
        "Meir Primary Care Centre, M83100",
        "Meir Primary Care Centre, M83713",
        "Meir Primary Care Centre, Y02521",
    ]
    assert len({practice.name for practice in same}) == 3


def test_inside_outside_and_unknown_are_three_different_answers(
    programme: Localities,
) -> None:
    inside = programme.of_practice(" m83011 ")
    assert inside is not None
    assert inside.slug == "leek-werrington"
    outside = programme.practice("M83701")
    assert outside is not None
    assert outside.locality is None
    assert outside.display_name == "Talke Pits Clinic, M83701"
    assert programme.of_practice("M83701") is None
    assert programme.practice("Z99999") is None


def test_every_practice_of_the_register_is_answered_for(programme: Localities) -> None:
    lines = LOCALITIES_FILE.with_name("gp_practices.csv").read_text().splitlines()[1:]
    assert len(lines) == 66
    assert all(programme.practice(line.split(",")[0]) for line in lines)


def test_no_telephone_of_a_real_practice_is_shipped() -> None:
    assert "Phone" not in LOCALITIES_FILE.with_name("gp_practices.csv").read_text().splitlines()[0]


def test_contacts_are_invented(programme: Localities) -> None:
    contacts = [programme.hub]
    for locality in programme:
        contacts += [locality.younger_people, locality.safeguarding]
    assert all(contact.telephone.startswith("01632 960") for contact in contacts)
    assert all(contact.email.endswith(".example") for contact in contacts)


def test_every_practice_of_the_programme_has_an_invented_mailbox(programme: Localities) -> None:
    mailboxes = [practice.mailbox for locality in programme for practice in locality.practices]
    assert all(mailbox and mailbox.endswith("@practices.example") for mailbox in mailboxes)
    assert len(set(mailboxes)) == len(mailboxes)


def test_sources_rank_and_vault(programme: Localities) -> None:
    meir = programme.by_slug["meir"]
    assert meir.rank("/meir/matching") > meir.rank("/meir/history") > meir.rank("/meir/stranger") == 0
    assert meir.vault("/meir/referral") == "own"
    assert str(meir.vault("/meir/history")).startswith("https://")
    assert meir.vault("/leek-werrington/referral") is None
    assert meir.owner("booking") == "linkwork"


def test_live_from_its_first_day_on(programme: Localities) -> None:
    leek = programme.by_slug["leek-werrington"]
    assert leek.live_on(date(2025, 4, 7))
    assert not leek.live_on(date(2025, 4, 6))


def test_localities_that_a_process_serves(programme: Localities) -> None:
    assert [one.slug for one in programme.served("leek-werrington, Meir")] == [
        "meir",
        "leek-werrington",
    ]
    assert len(programme.served("all")) == 9
    with pytest.raises(LookupError, match="no locality atlantis"):
        programme.served("meir,atlantis")
    with pytest.raises(LookupError, match="No locality is named"):
        programme.served(" , ")


def test_partners_are_the_sources_that_are_not_ours(programme: Localities) -> None:
    partners = {"/meir/vast-hub", "/meir/booking-js", "/meir/history"}
    assert set(programme.by_slug["meir"].partners()) == partners
    ours = {"/sandbox/heartbeat", "/sandbox/trigger"}
    assert set(programme.partners()) >= ours
    assert len(programme.partners()) == len(programme.slugs) + 2 + len(ours)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('slug = "longton"', 'slug = "meir"', "two localities called meir"),
        ("sandbox = true", 'sandbox = "yes"', "locality sandbox: sandbox must be true or false"),
        ('ods = "Z00001"', 'ods = "M83701"', "M83701 must be a code like Z00001 that no real practice has"),
        ('ods = "Z00001"', 'ods = "sandbox"', "sandbox must be a code like Z00001"),
        (', postcode = "ZZ99 9ZZ"', "", "postcode is missing"),
        ("sandbox = true", "sandbox = false", "practice Z00001 is not in the file of practices"),
        (
            'slug = "longton"',
            'slug = "Longton Town"',
            "locality number 2: slug must be",
        ),
        ('slug = "longton"', 'slug = "refused"', "locality number 2: slug refused is reserved"),
        ('slug = "longton"', 'slug = "in"', "locality number 2: slug in is reserved"),
        (
            "live_from = 2025-01-06",
            'live_from = "6 January"',
            "locality meir: live_from must be a date",
        ),
        (
            "minimum_age = 18",
            "minimum_age = 180",
            "locality meir: minimum_age must be a whole number from 0 to 120",
        ),
        (
            "minimum_age = 18",
            "minimum_agee = 18",
            "locality meir: minimum_age is missing",
        ),
        (
            '"M83713"',
            '"M99999"',
            "locality meir: practice M99999 is not in the file of practices",
        ),
        (
            '"M83126"',
            '"M83100"',
            "locality longton: practice M83100 belongs to meir already",
        ),
        (
            'site = "Meir Park Surgery"',
            'site = ""',
            "practices number 4: site must be a text",
        ),
        (
            "owners = {}",
            'owners = { diary = "us" }',
            "locality meir, owners: diary is not a part",
        ),
        (
            "https://privacy.linkwork.example/meir",
            "ftp://x",
            "locality meir: privacy_notice must start with https",
        ),
        (
            "youth@meir.example",
            "nobody",
            "locality meir, younger_people: email must be",
        ),
        (
            "rank = 40",
            'rank = "first"',
            "sources number 1: rank must be a whole number",
        ),
        ('name = "history"', 'name = "Old Notes"', "sources number 4: name must be one or two words"),
        ('part = "partner"', 'part = "guest"', "sources number 4: part must be one of"),
        ('name = "referral"', 'name = "matching"', "/meir/matching is named twice"),
        (
            'vault = "https',
            'vault = "http',
            "sources number 4: vault must start with https",
        ),
        ("[programme.hub]", "[programme.hbu]", "programme: hub is missing"),
        ("practices_file = ", "practises_file = ", "practices_file is missing"),
        ('"gp_practices.csv"', '"none.csv"', "none.csv cannot be read"),
        (
            'place = "Meir,',
            'colour = "red"\nplace = "Meir,',
            "locality meir: colour is not a key we know",
        ),
        (
            '"01632 960111"',
            '"O1632 96O111"',
            "locality meir, younger_people: telephone must be a telephone number",
        ),
        ('"m83100@practices.example"', '"m83100"', "mailbox must be one e-mail address"),
        ("[programme]", "[programme", "is not valid TOML"),
    ],
)
def test_wrong_file_is_refused_with_the_entry_named(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    shutil.copy(LOCALITIES_FILE.with_name("gp_practices.csv"), tmp_path)
    text = LOCALITIES_FILE.read_text()
    assert before in text
    (tmp_path / "localities.toml").write_text(text.replace(before, after, 1))
    with pytest.raises(LocalitiesError) as refused:
        load_localities(tmp_path / "localities.toml")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value).split(" (at line")[0]
