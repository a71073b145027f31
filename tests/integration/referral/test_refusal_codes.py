"""Refusals that the programme's table decides: the same code on Kafka and over HTTP, and neighbours pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from services.referral.partners.table import ProgrammeTable
from shared.contract.events.envelope import Envelope
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import LinkWorkerChanged, Retracted
from shared.contract.events.refusals import RecordRefused, RefusalCode
from shared.contract.events.topics import inbox_topic, refusals_topic
from shared.contract.events.vocabulary import RetractReason
from shared.delivery.kafka.topics import create_topics
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, Source
from tests.harness.delivery.toy import said
from tests.harness.referral.admission import admission_bench, heard
from tests.harness.referral.partners import PARTNER, Sent, attempt, creation, sent
from tests.harness.referral.running import ReferralHarness

BASE = "/api/contract/v1"


def with_sources(known: Localities, slug: str, *sources: Source) -> Localities:
    """The table with these sources in place of a locality's own. Each owns the part that it brings."""
    owners = {one.part: one.name for one in sources if one.brings}
    rows = [
        replace(each, sources=MappingProxyType({one.source: one for one in sources}), owners=owners)
        if each.slug == slug
        else each
        for each in known
    ]
    return Localities(known.name, known.hub, tuple(rows), (), version=known.version + 1)


@contextmanager
def table_of(referral: ReferralHarness, *more: Source) -> Iterator[None]:
    """The running service's table with more sources here."""
    known = referral.context.localities
    before = Localities.unread()
    before.become(known)
    known.become(with_sources(known, referral.here, *known.by_slug[referral.here].sources.values(), *more))
    try:
        yield
    finally:
        known.become(before)


async def on_kafka(referral: ReferralHarness, record: Sent, partner: str) -> RecordRefused:
    """The line about a record that a partner put into its inbox."""
    source = f"/{referral.here}/{partner}"
    put = await referral.producer.send_and_wait(
        inbox_topic(source), record.value, key=record.key, headers=list(record.headers)
    )
    place = f"{put.topic}/{put.partition}/{put.offset}".encode()
    found = await heard(referral.kafka, [refusals_topic(source)], 1, 20, lambda line: line.key == place)
    return RecordRefused.model_validate_json(found[0].value or b"")


async def by_http(referral: ReferralHarness, record: Sent, partner: str) -> tuple[str, str]:
    """Code and pointer of the answers to the same event, which agree."""
    answers = set()
    for path in ("events", "validate"):
        answer = await referral.http.post(
            f"{BASE}/{path}", json=record.structured(), headers=referral.partner(partner)
        )
        assert answer.status_code == 422, answer.text
        problem: dict[str, Any] = answer.json()
        answers.add((problem["type"].rpartition(":")[2], problem["errors"][0]["pointer"]))
    (only,) = answers
    return only


def of(body: EventBody, partner: str) -> Sent:
    return sent(said(body, partner))


async def test_neighbours_fact_is_not_retracted(referral: ReferralHarness) -> None:
    body = Retracted(
        referral_id=new_id(),
        locality=referral.here,
        event_source=f"/{referral.here}/history",
        event_id=new_id(),
        reason=RetractReason.ENTERED_IN_ERROR,
    )
    line = await on_kafka(referral, of(body, PARTNER), PARTNER)
    expected = ("not_your_fact", "/data/event_source")
    assert (line.code.value, line.pointer) == expected
    assert await by_http(referral, of(body, PARTNER), PARTNER) == expected


async def test_owner_of_one_part_says_no_other_parts_kinds(referral: ReferralHarness) -> None:
    diary = Source(f"/{referral.here}/vast-diary", "booking", 20, "own")
    await create_topics(referral.kafka, [], [diary.source])
    body = LinkWorkerChanged(referral_id=new_id(), locality=referral.here, link_worker="lw-meir-1")
    with table_of(referral, diary):
        line = await on_kafka(referral, of(body, "vast-diary"), "vast-diary")
        expected = ("not_yours_to_say", "/data/kind")
        assert (line.code.value, line.pointer) == expected
        assert await by_http(referral, of(body, "vast-diary"), "vast-diary") == expected
        created = sent(creation(referral.here, "vast-diary"))
        assert await by_http(referral, created, "vast-diary") == ("not_yours_to_say", "/type")


async def test_source_that_no_list_names_is_unknown_by_http(referral: ReferralHarness) -> None:
    record = sent(attempt(referral.here, partner="stranger"))
    assert await by_http(referral, record, "stranger") == ("unknown_source", "/source")


class Late(ProgrammeTable):
    """A table whose sources are followed before their entries, or after they have left."""

    def partners(self) -> tuple[str, ...]:
        slugs = {source.split("/")[1] for source in super().partners()}
        return (*super().partners(), *(f"/{slug}/stranger" for slug in slugs))


async def test_source_that_no_list_names_is_unknown_on_kafka(
    kafka: KafkaConnection, mongo_url: str, tmp_path: Path
) -> None:
    async with admission_bench(tmp_path, kafka, mongo_url) as here:
        source = f"/{here.locality}/stranger"
        await create_topics(kafka, [], [source])
        await here.send(sent(attempt(here.locality, partner="stranger")), source=source)
        await here.send(sent(attempt(here.locality)))
        async with here.admission(table=Late(here.localities)):
            (record,) = await heard(kafka, [refusals_topic(source)], 1)
            assert len(await here.copies(1)) == 1
        line = RecordRefused.model_validate_json(record.value or b"")
        assert (line.code, line.pointer) == (RefusalCode.UNKNOWN_SOURCE, "/source")


async def test_record_that_breaks_the_judge_is_unreadable(
    referral: ReferralHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = sent(attempt(referral.here)), sent(creation(referral.here))
    judged = ProgrammeTable.refusal

    def refusal(table: ProgrammeTable, event: Envelope) -> RefusalCode | None:
        if event.id == broken.attribute("id"):
            raise RuntimeError("Mary Smith")
        return judged(table, event)

    monkeypatch.setattr(ProgrammeTable, "refusal", refusal)
    line = await on_kafka(referral, broken, PARTNER)
    assert (line.code, line.pointer, line.id) == (RefusalCode.UNREADABLE, "", broken.attribute("id"))
    assert await by_http(referral, broken, PARTNER) == ("unreadable", "")
    assert "Mary" not in line.model_dump_json()
    answer = await referral.http.post(f"{BASE}/events", json=good.structured(), headers=referral.partner())
    assert answer.status_code == 202, answer.text
