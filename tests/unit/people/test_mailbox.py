"""E-mail addresses: one mailbox and nothing else, at every place where one comes in."""

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.matching.directory.feed import read_directory
from services.matching.settings import MatchingSettings
from shared.platform.localities import LOCALITIES_FILE, LocalitiesError, load_localities
from shared.platform.people.mailbox import MailboxNotAccepted, is_mailbox, parse_mailbox
from shared.platform.web.mail import hand_over
from tests.harness.feed.records import TODAY, lunch_club
from tests.harness.matching.decision_harness import worker

NOT_ONE_MAILBOX = (
    "",
    "pat",
    "pat@localhost",
    "pat@@example.org",
    "pat@example.org, eve@example.org",
    "pat@example.org,eve@example.org",
    "pat@example.org;eve@example.org",
    "pat@example.org eve@example.org",
    "Pat <pat@example.org>",
    "<pat@example.org>",
    "pat@example.org (Pat)",
    '"pat, eve"@example.org',
    "pat@example.org\r\nBcc: eve@example.org",
    "pat@example.org\nBcc: eve@example.org",
    "pat@example.org\x00",
    "pat@example.org\u2028",
    "pat%0aBcc:eve@example.org\r",
    "pat@[192.0.2.1]",
    "group: pat@example.org;",
    "@relay.example,:pat@example.org",
    "pät@example.org",
    "p" * 65 + "@example.org",
    "pat@" + "e" * 250 + ".org",
)


@pytest.mark.parametrize("written", NOT_ONE_MAILBOX)
def test_mailbox_of_more_than_one_address_is_refused(written: str) -> None:
    with pytest.raises(MailboxNotAccepted) as refused:
        parse_mailbox(written)
    assert refused.value.code == "email_invalid"
    assert not written or written not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("pat@example.org", "pat@example.org"),
        (" pat@example.org\t", "pat@example.org"),
        ("Pat.O'Neil+asks@EXAMPLE.org", "Pat.O'Neil+asks@example.org"),
        ("asks@debt-help.example", "asks@debt-help.example"),
        ("asks@bücher.example", "asks@xn--bcher-kva.example"),
    ],
)
def test_mailbox_is_given_in_one_form(written: str, mailbox: str) -> None:
    assert parse_mailbox(written) == mailbox
    assert is_mailbox(mailbox)


@given(st.text(alphabet="ab@.,;:<>\"'()\\ \r\n\t\x00é", max_size=40))
def test_mailbox_holds_nothing_that_a_header_reads(written: str) -> None:
    try:
        mailbox = parse_mailbox(written)
    except MailboxNotAccepted:
        return
    message = EmailMessage(policy=SMTP)
    message["To"] = mailbox
    assert mailbox.isascii()
    assert [each.addr_spec for each in message["To"].addresses] == [mailbox]
    assert parse_mailbox(mailbox) == mailbox


def test_link_worker_with_two_addresses_is_refused() -> None:
    assert worker(email=" priya@links.example ").email == "priya@links.example"
    with pytest.raises(ValidationError, match="email_invalid"):
        worker(email="priya@links.example, eve@example.org")


def test_feed_with_two_addresses_has_its_service_without() -> None:
    read = read_directory(lunch_club(email="asks@help.example, eve@example.org"), "feed", TODAY)
    assert read.services[0].email is None
    assert "email_unusable" in {defect.code for defect in read.defects}


def test_localities_file_with_two_addresses_is_refused(tmp_path: Path) -> None:
    whole = LOCALITIES_FILE.read_text(encoding="utf-8")
    address = load_localities().hub.email
    for name in LOCALITIES_FILE.parent.glob("*.csv*"):
        (tmp_path / name.name).write_bytes(name.read_bytes())
    file = tmp_path / "localities.toml"
    file.write_text(whole.replace(address, f"{address}, eve@example.org", 1), encoding="utf-8")
    with pytest.raises(LocalitiesError, match="one e-mail address"):
        load_localities(file)


def test_sender_with_two_addresses_is_refused() -> None:
    with pytest.raises(ValidationError, match="one email address"):
        MatchingSettings(env="development", mail_from="a@example.org, b@example.org")


@pytest.mark.parametrize(
    "headers",
    [
        {"To": "pat@example.org, eve@example.org"},
        {"To": "Pat <pat@example.org>"},
        {"To": "pat@example.org", "Cc": "eve@example.org"},
        {"To": "pat@example.org", "Bcc": "eve@example.org"},
        {},
    ],
)
async def test_mail_to_more_than_one_mailbox_stays_here(headers: dict[str, str]) -> None:
    message = EmailMessage(policy=SMTP)
    for name, value in headers.items():
        message[name] = value
    # Nothing listens at this port: a mail that was handed over would fail in another way.
    settings = MatchingSettings(env="development", smtp_port=9)
    with pytest.raises(ValueError, match="not one mailbox"):
        await hand_over(message, settings, 1.0)
