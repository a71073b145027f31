"""A practice and a partner join while everything runs: the next version of the programme's table."""

from __future__ import annotations

import copy
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contract.events.topics import partner_topics
from shared.delivery.kafka.topics import PARTNER_PARTITIONS, partners_kept
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities.document import Document

LOCALITY: Final = "shelton"
PRACTICE: Final = "M83123"
SOURCE: Final = f"/{LOCALITY}/walking-group"
AUTHOR: Final = "demonstration"
_PRACTICE: Final = {"ods": PRACTICE, "site": "Birches Head Medical Centre"}
_PARTNER: Final = {
    "name": SOURCE.rpartition("/")[2],
    "part": "partner",
    "rank": 12,
    "vault": "https://vault.walking-group.example/",
}


def with_newcomers(table: Document) -> Document | None:
    """The table with both; None if it has no such locality, or does not know the practice."""
    grown: dict[str, Any] = copy.deepcopy(dict(table))
    found = [each for each in grown["locality"] if each["slug"] == LOCALITY]
    if not found or PRACTICE not in {each["ods"] for each in grown["practices"]}:
        return None
    for key, entry, by in (("practices", _PRACTICE, "ods"), ("sources", _PARTNER, "name")):
        entries = found[0].setdefault(key, [])
        if entry[by] not in {each[by] for each in entries}:
            entries.append(entry)
    return grown


async def make_partner_topics(kafka: KafkaConnection) -> None:
    """Makes the inbox and the refusals of the new partner, unless they exist. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        wanted = [
            NewTopic(name, PARTNER_PARTITIONS, 1, topic_configs=partners_kept())
            for name in partner_topics(SOURCE)
        ]
        answer = await admin.create_topics(wanted, timeout_ms=30_000)
    finally:
        await admin.close()
    for _, code, *_ in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)()
