"""The wording of messages, and words that they must never use."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.notifications.channels.gsm import count_parts
from services.notifications.messages.message import Recipient, Template
from services.notifications.messages.wording import TEMPLATES, Channel, MessageTemplates
from shared.contract.events.vocabulary import MeetingMode, Need, SensitiveNeed
from shared.contract.labels import NEEDS
from shared.platform.localities import load_localities

LOCALITIES = load_localities()
PRACTICES = [practice for locality in LOCALITIES for practice in locality.practices]
LONGEST_SENDER = max((practice.name for practice in PRACTICES), key=len)
LONGEST_PLACE = max(
    (f"{practice.site}, {practice.postcode}" for practice in PRACTICES),
    key=len,
)
RENDERER = MessageTemplates()
FACTS: dict[str, Any] = {
    "starts_at": datetime(2026, 9, 30, 11, 30, tzinfo=UTC),  # Wednesday 30 September: the longest there is
    "promised": date(2026, 9, 30),
    "mode": "face_to_face",
    "place": LONGEST_PLACE,
    "ring": "01632 960200",
    "others": True,
    "sent_back": False,
    "interpreter": True,
    "reference": "00000000-0000-7000-8000-000000abcdef",
    "short_reference": "abcdef",
    "sender": LONGEST_SENDER,
    "service": "Meir debt desk (example)",
    "link_worker": "Priya Wainwright",
    "locality": "Chesterton and Silverdale",
    "programme": "North Staffordshire social prescribing (example)",
    "link": "http://localhost:8080/somewhere",
}
FILES = sorted(path.name for path in (TEMPLATES / "en").glob("*.txt"))
TO_PERSON = [name for name in FILES if name.startswith("person.")]
ABOUT_HEALTH = (
    "social", "prescri", "link worker", "referral", "gp", "nhs", "health", "debt", "benefit", "housing",
    "lonel", "service", "programme", "linkwork", "surgery", "doctor", "need", "support", "dna", "provider",
    "patient",
)  # fmt: skip


def render(file: str, language: str = "en", **changed: Any) -> tuple[str, str]:
    recipient, template, channel, _ = file.split(".")
    rendered = RENDERER.render(
        Template(template), Recipient(recipient), _channel(channel), language, **(FACTS | changed)
    )
    return rendered.subject, rendered.body


def _channel(name: str) -> Channel:
    return "text" if name == "text" else "mail"


def test_templates_cover_every_message() -> None:
    to_three = [Template.BOOKED, Template.REBOOKED, Template.CANCELLED]
    wanted = {f"{who}.{what}.mail.txt" for who in ("person", "link_worker", "referrer") for what in to_three}
    alone = {"reminder", "no_appointment_yet"}
    wanted |= {f"person.{what}.mail.txt" for what in alone} | {"service.asked.mail.txt"}
    wanted |= {"referrer.returned.mail.txt"}
    wanted |= {f"person.{what}.text.txt" for what in [*to_three, *alone]}
    assert set(FILES) == wanted


@pytest.mark.parametrize("file", TO_PERSON)
@pytest.mark.parametrize("mode", list(MeetingMode))
def test_message_to_person_reveals_no_subject(file: str, mode: MeetingMode) -> None:
    subject, body = render(file, mode=mode.value, place="Room 4, 1 High Street", sender="Meadow House")
    rendered = f"{subject} {body}".lower()
    found = [word for word in ABOUT_HEALTH if re.search(rf"\b{word}", rendered)]
    assert found == []
    assert not [need for need in (*Need, *SensitiveNeed) if need.value in rendered.split()]
    assert "01632 960200" in body


TEXTS = [name for name in TO_PERSON if ".text." in name]
# A name as people type it, and letters that the alphabet of text messages lacks.
NAMES = [*(practice.name for practice in PRACTICES), "St Chad’s Surgery – “The Willows”", "Tŷ Llŵyd Łódź"]
SITES = [
    *(f"{practice.site}, {practice.postcode}" for practice in PRACTICES),
    "Joiner’s Square, ST1\u00a03NF",
]


@pytest.mark.parametrize("file", TEXTS)
@pytest.mark.parametrize("sender", sorted({*NAMES, *(each.text_sender or "" for each in LOCALITIES)} - {""}))
def test_text_of_every_place_has_two_gsm_parts_at_most(file: str, sender: str) -> None:
    for place in sorted(set(SITES)):
        for mode in MeetingMode:
            _, body = render(file, sender=sender, place=place, mode=mode.value)
            assert count_parts(body) <= 2, (len(body), body)  # parts() refuses a letter outside the alphabet
            assert "\n" not in body


@pytest.mark.parametrize("file", TEXTS)
def test_text_begins_with_its_sender(file: str) -> None:
    _, body = render(file, sender="Meir Primary Care Centre")
    assert body.startswith("Meir Primary Care Centre: ")


@pytest.mark.parametrize("file", [name for name in TO_PERSON if ".mail." in name])
def test_mail_to_person_names_its_sender(file: str) -> None:
    subject, body = render(file, sender="Meir Primary Care Centre")
    assert "Meir Primary Care Centre" not in subject
    assert "\nMeir Primary Care Centre\n" in body


@pytest.mark.parametrize(
    "file", [name for name in TO_PERSON if "no_app" not in name and "cancel" not in name]
)
def test_messages_give_day_and_place_in_london_time(file: str) -> None:
    _, body = render(file)
    assert "Wednesday 30 September 2026 at 12:30pm" in body
    assert LONGEST_PLACE in body


@pytest.mark.parametrize(
    ("mode", "where"), [("home", "at your home"), ("phone", "by telephone"), ("video", "by video call")]
)
def test_meeting_elsewhere_names_no_practice(mode: str, where: str) -> None:
    _, body = render("person.booked.text.txt", mode=mode)
    assert where in body
    assert LONGEST_PLACE not in body


@pytest.mark.parametrize("file", [name for name in FILES if name.startswith(("referrer", "link_worker"))])
def test_mail_to_staff_has_reference_and_link_only(file: str) -> None:
    subject, body = render(file)
    assert "abcdef" in subject
    assert FACTS["reference"] in body
    assert FACTS["link"] in body
    assert not re.search("September|12:30|960200", body)


def test_mail_to_service_has_a_link_and_no_person() -> None:
    subject, body = render("service.asked.mail.txt")
    assert FACTS["link"] in body
    assert not re.search("abcdef|September|960200", subject + body)


def test_mail_to_service_names_programme_and_link_worker() -> None:
    subject, body = render("service.asked.mail.txt")
    for name in ("service", "link_worker", "locality", "programme"):
        assert FACTS[name] in body
    assert subject == "Can you take somebody? Priya Wainwright asks"
    assert FACTS["service"] not in subject  # a service's name may say what is needed
    assert not [label for label in NEEDS.values() if label.lower() in subject.lower()]


def test_mail_to_service_fits_on_a_screen() -> None:
    _, body = render("service.asked.mail.txt", service="S" * 60, link_worker="L" * 40)
    lines = body.splitlines()
    assert len(lines) <= 12
    assert max(len(line) for line in lines) <= 160


def test_mail_to_service_for_partner_names_no_link_worker() -> None:
    subject, body = render("service.asked.mail.txt", link_worker="")
    assert subject == "Can you take somebody?"
    assert "A link worker in Chesterton and Silverdale asks whether" in body


@pytest.mark.parametrize("file", [name for name in FILES if ".mail." in name])
def test_mails_have_a_one_line_subject_and_a_body(file: str) -> None:
    subject, body = render(file)
    assert subject
    assert "Subject" not in body
    assert "\n\n\n" not in body
    assert len(subject) < 70


def test_other_language_uses_its_file_or_english(
    tmp_path: Path,
) -> None:
    for language, text in (("en", "In English {{ ring }}"), ("pl", "Po polsku {{ ring }}")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "person.booked.text.txt").write_text(text)
    templates = MessageTemplates(tmp_path)
    rendered = [
        templates.render(Template.BOOKED, Recipient.PERSON, "text", language, ring="1").body
        for language in ("pl", "ur")
    ]
    assert rendered == ["Po polsku 1", "In English 1"]
    _, body = render("person.booked.text.txt", "ur")
    assert "An interpreter has been asked for." in body
    _, body = render("person.booked.text.txt", "ur", interpreter=False)
    assert "interpreter" not in body
