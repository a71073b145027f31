"""`linkwork hand-over plan`: what a hand-over will do, and what speaks against it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from linkwork.errors import CommandError
from linkwork.hand_over.steps import Stored
from linkwork.hand_over.stores import Stores
from shared.contract.compatibility.published import status
from shared.contract.events.topics import event_topics
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.access.comparison import in_words
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import OURS, Source

_ANSWERS_WITHIN: Final = 5.0
# Records that a follower may be behind, and still be called level.
_LEVEL: Final = 100


@dataclass(frozen=True)
class Plan:
    """What will happen, in figures and names.

    Attributes:
        followers: records behind the log's end, by consumer group of the new owner; None for a group that
            commits no offsets.
        report: what the conformance report says, or that there is none.
        warnings: what speaks against it, in sentences.
    """

    locality: str
    part: str
    owner: str
    to: str
    epoch: int
    open_referrals: int
    meetings_to_come: int
    unanswered: int
    followers: Mapping[str, int | None]
    rights: tuple[str, ...]
    api: str
    report: str
    warnings: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The plan in a few lines."""
        yield f"{self.part} of {self.locality}: {self.owner} -> {self.to}, in epoch {self.epoch}"
        yield f"open referrals     {self.open_referrals}, of them without an answer {self.unanswered}"
        yield f"meetings to come   {self.meetings_to_come}, which stand"
        follows = [f"{group}, {_behind(records)}" for group, records in self.followers.items()]
        yield f"follows            {'; '.join(follows) or '-'}"
        yield f"rights             {'; '.join(self.rights) or 'none to move'}"
        yield f"operations         {self.api}"
        yield f"conformance        {self.report}"
        yield from (f"! {warning}" for warning in self.warnings)


def _behind(records: int | None) -> str:
    if records is None:
        return "which commits no offsets: ask the partner how far it is"
    return f"{records} records behind"


async def plan_of(stores: Stores, stored: Stored, to: str, report: "Report") -> Plan:
    """The plan of giving the part to this owner.

    Raises:
        KafkaError, PyMongoError: a store is away.
    """
    waiting = {"locality": stores.slug, "view.open": True}
    referrals = stores.admission[REFERRALS]
    booked = {**waiting, "view.meeting.starts_at": {"$gt": stores.clock()}}
    unanswered = {**waiting, "view.unanswered": {"$ne": None}}
    source = stores.locality.source_named(to)
    followers = {} if source is None else await _followers(stores.config.kafka, stores, to)
    api = await _answers(source)
    return Plan(
        locality=stores.slug,
        part=stores.part,
        owner=stored.owner,
        to=to,
        epoch=stored.epoch + 1,
        open_referrals=await referrals.count_documents(waiting),
        meetings_to_come=await referrals.count_documents(booked),
        unanswered=await referrals.count_documents(unanswered),
        followers=followers,
        rights=tuple(_rights(stores, stored, to)),
        api=api,
        report=report.says,
        warnings=tuple(_warnings(source, followers, api, report)),
    )


def _rights(stores: Stores, stored: Stored, to: str) -> Iterator[str]:
    if stored.owner in stored.may_write:
        yield f"- {in_words(stores.partner(stored.owner).speaks)}"
    if to != OURS and to not in stored.may_write_everywhere:
        yield f"+ {in_words(stores.partner(to).speaks)}"


def _warnings(
    source: Source | None, followers: Mapping[str, int | None], api: str, report: "Report"
) -> Iterator[str]:
    if source is None:
        return
    behind = [records for records in followers.values() if records is not None]
    if not followers:
        yield "there is no consumer group of the new owner: does it follow the three topics?"
    elif behind and min(behind) > _LEVEL:
        yield f"the new owner is {min(behind)} records behind: referrals wait until it is level"
    if not api.startswith("answers"):
        yield f"our pages ask the new owner over HTTP: {api}"
    if not report.passed:
        yield report.says


async def _followers(kafka: KafkaConnection, stores: Stores, to: str) -> dict[str, int | None]:
    """Records behind the end, by consumer group of the partner.

    Left out is a group that has committed offsets of other topics only, such as the refusals.
    """
    prefix, topics = stores.partner(to).group_prefix, event_topics(stores.slug)
    places = await partitions_of(kafka, topics)
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        groups = [name for name, *_ in await admin.list_consumer_groups() if name.startswith(prefix)]
        held = {group: await admin.list_consumer_group_offsets(group) for group in sorted(groups)}
    finally:
        await admin.close()
    ends = await _ends(kafka, places) if held else {}
    return {
        group: sum(end - max(offsets[at].offset, 0) for at, end in ends.items() if at in offsets)
        if offsets
        else None
        for group, offsets in held.items()
        if not offsets or {at.topic for at in offsets} >= set(topics)
    }


async def _ends(kafka: KafkaConnection, places: list[TopicPartition]) -> Mapping[TopicPartition, int]:
    async with AIOKafkaConsumer(**kafka.client_arguments()) as consumer:
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(places)
        return ends


async def _answers(source: Source | None) -> str:
    """Whether the address of the new owner's operations answers at all, with a certificate that holds."""
    if source is None:
        return "answers: they are ours"
    if source.api is None:
        return "no address stands in the table"
    try:
        async with httpx.AsyncClient(timeout=_ANSWERS_WITHIN) as client:
            await client.get(source.api)
    except httpx.HTTPError as error:
        return f"{source.api} does not answer ({type(error).__name__})"
    # Any status will do: the contract says nothing of the address itself.
    return f"answers at {source.api}"


@dataclass(frozen=True)
class Report:
    """The kit's report on the new owner.

    Attributes:
        not_tried: the clauses that the kit could not try, of which it knows nothing.
    """

    says: str
    passed: bool = False
    not_tried: tuple[str, ...] = ()


def read_report(file: Path | None, part: str, to: str) -> Report:
    """The report of the conformance kit on the new owner's part.

    It is a JSON object with `contract`, `part`, `owner`, `passed` and `not_tried`.

    Raises:
        CommandError: the file cannot be read, or is no report.
    """
    if file is None:
        return Report("no report of the conformance kit was given (--report FILE)")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        contract, of_part, passed = content["contract"], content["part"], content["passed"]
        owner = content["owner"]
        not_tried = tuple(str(each) for each in content["not_tried"])
    except OSError as error:
        raise CommandError(f"{file.name} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            f"{file.name} is no report: it needs a JSON object with contract, part, owner, passed, not_tried."
        ) from None
    if of_part != part:
        return Report(f"the report is about {of_part}, and {part} is handed over")
    if owner != to:
        return Report(f"the report is about {owner}, and {part} goes to {to}")
    version = str(status()["version"])
    # A system that was built on an earlier state of a version goes on working.
    if str(contract).partition(".")[0] != version.partition(".")[0]:
        return Report(f"the report is of contract {contract}, and this is {version}")
    if passed is not True:
        return Report(f"the report says that {part} has not passed, by contract {contract}")
    if not_tried:
        left = f"{len(not_tried)} clauses were not tried ({', '.join(not_tried)})"
        return Report(f"passed, by contract {contract}, but {left}", passed=True, not_tried=not_tried)
    return Report(f"passed, by contract {contract}", passed=True)
