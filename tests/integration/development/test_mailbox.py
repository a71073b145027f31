"""The mailbox shows sent messages to the programme team, each once."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest
from fastapi import FastAPI

from deploy.development.sink import MOST_MESSAGES, Mailbox
from deploy.development.tokens import Minter


async def read(client: httpx.AsyncClient, development: FastAPI, user: str = "admin") -> httpx.Response:
    token = Minter(development.state.settings).of(user)
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    return await client.get("/dev/mailbox.json", headers=headers)


async def messages(client: httpx.AsyncClient, development: FastAPI) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await read(client, development)).json()["messages"]
    return found


async def send(development: FastAPI, *to: str, message_id: str, text: str = "See you on Tuesday.") -> None:
    message = EmailMessage()
    message["From"] = "linkwork@example.org"
    message["To"] = ", ".join(to)
    message["Subject"] = "Your appointment – Tuesday"
    message["Message-ID"] = message_id
    message.set_content(text)
    port = development.state.settings.smtp_port
    await aiosmtplib.send(message, hostname="127.0.0.1", port=port, recipients=list(to))


async def test_texts_are_kept_once_for_a_reference(client: httpx.AsyncClient, development: FastAPI) -> None:
    text = {"to": "07700 900123", "body": "Tuesday at 2:30pm", "reference": "booked:1"}

    first = await client.post("/dev/sms", json=text)
    again = await client.post("/dev/sms", json=text | {"body": "changed"})

    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    kept = [each for each in await messages(client, development) if each["reference"] == "booked:1"]
    assert [each["text"] for each in kept] == ["Tuesday at 2:30pm"]


async def test_mail_is_kept_once_for_each_address(client: httpx.AsyncClient, development: FastAPI) -> None:
    for _ in range(2):
        await send(development, "a@example.org", "b@example.org", message_id="<booked-2@linkwork.example>")

    kept = [each for each in await messages(client, development) if "booked-2" in each["reference"]]
    assert {each["to"] for each in kept} == {"a@example.org", "b@example.org"}
    assert len(kept) == 2
    assert kept[0]["subject"] == "Your appointment – Tuesday"
    assert kept[0]["text"] == "See you on Tuesday."


async def test_the_newest_comes_first(client: httpx.AsyncClient, development: FastAPI) -> None:
    for number in (1, 2):
        text = {"to": "07700 900123", "body": str(number), "reference": f"order:{number}"}
        await client.post("/dev/sms", json=text)

    found = await messages(client, development)
    assert [each["reference"] for each in found[:2]] == ["order:2", "order:1"]


@pytest.mark.parametrize("user", ["analyst", "lw-meir-1", "referrer-m83100"])
async def test_others_do_not_read_it(client: httpx.AsyncClient, development: FastAPI, user: str) -> None:
    assert (await read(client, development, user)).status_code == 403
    assert (await client.get("/dev/mailbox.json")).status_code == 401
    assert (await client.get("/dev/mailbox")).status_code == 303


async def test_a_text_without_a_reference_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/dev/sms", json={"to": "07700 900123", "body": "x"}, headers={"accept": "application/json"}
    )

    assert answer.status_code == 422
    assert "07700" not in answer.text


def test_the_mailbox_outlives_the_process_and_stays_short(tmp_path: Path) -> None:
    def at_nine() -> datetime:
        return datetime(2026, 11, 24, 9, tzinfo=UTC)

    mailbox = Mailbox(tmp_path, at_nine)
    for number in range(MOST_MESSAGES + 5):
        mailbox.put("sms", to="07700 900123", subject="", text="x", reference=str(number))

    again = Mailbox(tmp_path, at_nine)
    assert again.newest_first() == mailbox.newest_first()
    assert len(again.newest_first()) == MOST_MESSAGES
    assert again.newest_first()[0].reference == str(MOST_MESSAGES + 4)
