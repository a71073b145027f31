"""Dead letters on a real broker and database: listed and opened."""

import json
from dataclasses import replace

import pytest

from linkwork.config import Config
from linkwork.errors import CommandError
from shared.contract.events.topics import topic
from tests.harness.delivery.letters import Mended, broken, operations
from tests.harness.delivery.toy import TOY, Bench, created, fold, said
from tests.integration.commands.conftest import Console


async def test_opening_one_is_written_down_and_warned_of(place: Bench, letters: Console) -> None:
    kernel = place.kernel()
    async with kernel.running():
        event = said(created(place.locality))
        key = event.body.referral_id.encode()
        headers = [*event.headers(), ("trace", b"\xff"), ("none", None)]
        await place.producer.send_and_wait(event.topic(), b"{not\x1bjson", key=key, headers=headers)
        await place.dead_letters(1)

        opened = await letters("show", "--why", "to tell its publisher")

        assert opened.code == 0
        assert "may hold somebody's identity" in opened.err
        assert "base64:" in opened.out
        assert "\x1b" not in opened.out
        assert f"ce_id: {event.id}" in opened.out
        [row] = await operations(kernel)
        assert (row["what"], row["why"], row["by"]) == ("dead letter opened", "to tell its publisher", "ada")
        record = json.loads((await letters("show", "--why", "once more", "--json")).out)["record"]
        assert record["key"] == key.decode()
        assert record["headers"][-2:] == [["trace", "base64:/w=="], ["none", None]]


async def test_another_key_opens_nothing(place: Bench, letters: Console, around: Config) -> None:
    kernel = place.kernel(replace(TOY, fold=Mended()))
    async with kernel.running():
        await broken(place)
        with pytest.raises(CommandError, match="sealed with another key"):
            await letters("show", "--why", "w", around=replace(around, key=b"another"))
        with pytest.raises(CommandError, match="LINKWORK_DEAD_LETTER_KEY is not set"):
            await letters("show", "--why", "w", around=replace(around, key=b""))
    other = place.kernel(replace(TOY, fold=fold), dead_letter_key=b"the key was changed meanwhile")
    async with other.running():
        failed = await letters("replay", "--why", "w", "--json")
        assert failed.code == 1
        assert json.loads(failed.out)[0]["last_replay"] == "sealed_with_another_key"


async def test_names_that_nothing_has_are_told(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        await broken(place)
        mended.faulty = False
        [row] = json.loads((await letters("list", "--json")).out)
        nowhere = f"{topic(place.locality, 'referral-created')}/0/999"
        said = f"No dead letter of {nowhere} is like that.\n"

        alone = await letters("discard", nowhere, "--why", "theirs")
        assert (alone.code, alone.out, alone.err) == (1, "", said)
        assert (await letters("list", nowhere, "--json")).out == "[]\n"
        listed = await letters("list", nowhere, row["letter"])
        assert (listed.code, listed.err, row["letter"] in listed.out) == (1, said, True)
        done = await letters("replay", nowhere, row["letter"], "--why", "mended", "--json")
        assert (done.code, done.err) == (1, said)
        assert [one["state"] for one in json.loads(done.out)] == ["replayed"]

        with pytest.raises(CommandError, match=r"There is no locality atlantis\. There are: .*meir"):
            await letters("list", "--locality", "atlantis")
        with pytest.raises(
            CommandError, match=r"There is no reason nonsense\. There are: bad_json, .*handler_failed"
        ):
            await letters("list", "--reason", "nonsense")
        assert (
            await letters("list", "--locality", "meir", "--reason", "too_large", "--since", "0m")
        ).code == 0


async def test_no_value_is_not_the_text_none(place: Bench, letters: Console) -> None:
    async with place.kernel().running():
        for value in (None, b"None"):
            event = said(created(place.locality))
            key = event.body.referral_id.encode()
            headers = [*event.headers(), ("none", None)]
            await place.producer.send_and_wait(event.topic(), value, key=key, headers=headers)
        await place.dead_letters(2)
        null = await letters("show", "--reason", "empty_body", "--why", "to tell its publisher")
        assert "value    no value (null)\n" in null.out
        assert "header   none: no value (null)\n" in null.out
        text = await letters("show", "--reason", "bad_json", "--why", "to tell its publisher")
        assert "value    None\n" in text.out
