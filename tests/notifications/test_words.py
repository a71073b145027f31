"""What messages say, and what they must never say."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.notifications.messages import Recipient, Template
from services.notifications.wording import TEMPLATES, Channel, Words
from shared.events.vocabulary import MeetingMode, Need, SensitiveNeed
from shared.localities import load_localities

LONGEST_PLACE = max(
    (
        f"{practice.site}, {practice.postcode}"
        for locality in load_localities()
        for practice in locality.practices
    ),
    key=len,
)
FACTS: dict[str, Any] = {
    "starts_at": datetime(2026, 9, 30, 11, 30, tzinfo=UTC),  # Wednesday 30 September: the longest there is
    "promised": date(2026, 9, 30),
    "mode": "face_to_face",
    "place": LONGEST_PLACE,
    "ring": "01632 960200",
    "others": True,
    "interpreter": True,
    "reference": "00000000-0000-7000-8000-000000abcdef",
    "short_reference": "abcdef",
    "link": "http://localhost:8080/somewhere",
}
FILES = sorted(path.name for path in (TEMPLATES / "en").glob("*.txt"))
TO_PERSON = [name for name in FILES if name.startswith("person.")]
# The basic alphabet of text messages: one letter outside it halves what fits.
GSM = re.compile(r"[A-Za-z0-9 @£$¥_!\"#%&'()*+,\-./:;<=>?\n]*")
ABOUT_HEALTH = (
    "social", "prescri", "link worker", "referral", "gp", "nhs", "health", "debt", "benefit", "housing",
    "lonel", "service", "programme", "linkwork", "surgery", "doctor", "need", "support", "dna", "provider",
    "patient",
)  # fmt: skip


def say(file: str, language: str = "en", **changed: Any) -> tuple[str, str]:
    recipient, template, channel, _ = file.split(".")
    said = Words().say(
        Template(template), Recipient(recipient), _channel(channel), language, **(FACTS | changed)
    )
    return said.subject, said.body


def _channel(name: str) -> Channel:
    return "text" if name == "text" else "mail"


def test_there_is_a_file_for_every_message_that_can_be_asked_for() -> None:
    to_three = [Template.BOOKED, Template.REBOOKED, Template.CANCELLED]
    wanted = {f"{who}.{what}.mail.txt" for who in ("person", "link_worker", "referrer") for what in to_three}
    alone = {"reminder", "no_appointment_yet"}
    wanted |= {f"person.{what}.mail.txt" for what in alone} | {"service.asked.mail.txt"}
    wanted |= {f"person.{what}.text.txt" for what in [*to_three, *alone]}
    assert set(FILES) == wanted


@pytest.mark.parametrize("file", TO_PERSON)
@pytest.mark.parametrize("mode", list(MeetingMode))
def test_a_message_to_the_person_tells_nobody_else_what_it_is_about(file: str, mode: MeetingMode) -> None:
    subject, body = say(file, mode=mode.value, place="Room 4, 1 High Street")
    said = f"{subject} {body}".lower()
    found = [word for word in ABOUT_HEALTH if re.search(rf"\b{word}", said)]
    assert found == []
    assert not [need for need in (*Need, *SensitiveNeed) if need.value in said.split()]
    assert "01632 960200" in body


@pytest.mark.parametrize("file", [name for name in TO_PERSON if ".text." in name])
def test_a_text_fits_into_two_parts_with_the_longest_words(file: str) -> None:
    _, body = say(file)
    assert len(body) <= 320
    assert "\n" not in body
    assert GSM.fullmatch(body)


@pytest.mark.parametrize(
    "file", [name for name in TO_PERSON if "no_app" not in name and "cancel" not in name]
)
def test_day_time_and_place_are_told_by_the_london_clock(file: str) -> None:
    _, body = say(file)
    assert "Wednesday 30 September 2026 at 12:30pm" in body
    assert LONGEST_PLACE in body


@pytest.mark.parametrize(
    ("mode", "where"), [("home", "at your home"), ("phone", "by telephone"), ("video", "by video call")]
)
def test_a_meeting_elsewhere_names_no_practice(mode: str, where: str) -> None:
    _, body = say("person.booked.text.txt", mode=mode)
    assert where in body
    assert LONGEST_PLACE not in body


@pytest.mark.parametrize("file", [name for name in FILES if name.startswith(("referrer", "link_worker"))])
def test_practices_and_link_workers_get_a_reference_and_a_link_and_nothing_of_the_meeting(file: str) -> None:
    subject, body = say(file)
    assert "abcdef" in subject
    assert FACTS["reference"] in body
    assert FACTS["link"] in body
    assert not re.search("September|12:30|960200", body)


def test_a_service_gets_its_link_and_nothing_of_the_person() -> None:
    subject, body = say("service.asked.mail.txt")
    assert FACTS["link"] in body
    assert not re.search("abcdef|September|960200", subject + body)


@pytest.mark.parametrize("file", [name for name in FILES if ".mail." in name])
def test_every_mail_has_a_subject_of_one_line_and_a_body(file: str) -> None:
    subject, body = say(file)
    assert subject
    assert "Subject" not in body
    assert "\n\n\n" not in body
    assert len(subject) < 70


def test_another_language_has_its_own_words_and_else_english_with_a_note_of_the_interpreter(
    tmp_path: Path,
) -> None:
    for language, text in (("en", "In English {{ ring }}"), ("pl", "Po polsku {{ ring }}")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "person.booked.text.txt").write_text(text)
    words = Words(tmp_path)
    said = [
        words.say(Template.BOOKED, Recipient.PERSON, "text", language, ring="1").body
        for language in ("pl", "ur")
    ]
    assert said == ["Po polsku 1", "In English 1"]
    _, body = say("person.booked.text.txt", "ur")
    assert "An interpreter has been asked for." in body
    _, body = say("person.booked.text.txt", "ur", interpreter=False)
    assert "interpreter" not in body
