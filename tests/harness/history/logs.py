"""Vectors of the log: which facts a log holds, in which epoch of each part, and where a key lies.

`python -m tests.harness.history.vectors` writes these files too.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from shared.contract.events import topics
from shared.contract.events.envelope import Body
from shared.contract.events.fact import Fact
from shared.contract.events.marker import PartHandedOver
from shared.contract.events.partitioning import murmur2, partition_of
from shared.contract.history.vectors.files import fact_json
from tests.harness.history.rules.rule import BOOKING, HISTORY, attended, booked, fact, missed
from tests.harness.history.sayings import LOCALITY, ref

Record = Fact | PartHandedOver
Epochs = dict[str, int]
Partition = tuple[topics.EventName, int]
MET, MISSED = fact(101, attended(10)), fact(101, missed(10))
OTHERS = fact(101, attended(10).model_copy(update={"referral_id": ref(2)}))
BOOKED, LATER = fact(102, booked(10), BOOKING), fact(103, booked(11, 1), HISTORY)
PARTITIONS: Final = tuple((event, number) for event in topics.EVENTS for number in (0, 1))
# Keys whose lengths leave 0, 1, 2 and 3 bytes beside whole words, and one beyond ASCII's letters.
KEYS: Final = (
    "0199c0de-0000-7000-8000-000000000001",
    "6f4e2b1a-3c5d-4e7f-8a9b-0c1d2e3f4a5b",
    "meir",
    "booki",
    "bookin",
    "booking",
    "é",
)


def marker(epoch: int, owner: str = "together", part: topics.SourcePart = "booking") -> PartHandedOver:
    """The marker by which a part gets this owner."""
    return PartHandedOver(locality=LOCALITY, part=part, epoch=epoch, owner=owner)


class LogRule(NamedTuple):
    """A log: records by partition, the others being empty, and what it holds."""

    name: str
    rule: str
    records: Mapping[Partition, Sequence[Record]]
    facts: Sequence[tuple[Fact, Epochs]]
    owners: Mapping[str, PartHandedOver] = {}


MEETINGS: Final[Partition] = ("meeting-booked", 0)
OUTCOMES: Final[Partition] = ("outcome-recorded", 1)
EVERYWHERE: Final = {each: [marker(1)] for each in PARTITIONS}
RULES: Final = [
    LogRule(
        "before_any_marker",
        "Before any marker every part has epoch 0.",
        {MEETINGS: [BOOKED], OUTCOMES: [MET]},
        [(BOOKED, {}), (MET, {})],
    ),
    LogRule(
        "after_a_marker",
        "A fact behind a marker of its partition has the epoch of the part that the marker names.",
        {MEETINGS: [BOOKED, marker(1), LATER]},
        [(BOOKED, {}), (LATER, {"booking": 1})],
    ),
    LogRule(
        "marker_of_another_partition",
        "A marker counts in its own partition only.",
        {MEETINGS: [marker(1)], OUTCOMES: [MET]},
        [(MET, {})],
    ),
    LogRule(
        "repeat_behind_a_marker",
        "A repeat keeps the epoch of its first appearance.",
        {MEETINGS: [BOOKED, marker(1), BOOKED]},
        [(BOOKED, {})],
    ),
    LogRule(
        "marker_in_every_partition",
        "A part has a new owner once every partition of the three topics has its marker.",
        EVERYWHERE,
        [],
        {"booking": marker(1)},
    ),
    LogRule(
        "marker_in_all_partitions_but_one",
        "While one partition lacks the marker, the former owner has the part.",
        {each: [marker(1)] for each in PARTITIONS[1:]},
        [],
    ),
    LogRule(
        "given_back",
        "The next epoch is the next owner's, once every partition has its marker.",
        {
            each: [marker(1), marker(2, "linkwork"), *([BOOKED] if each == MEETINGS else [])]
            for each in PARTITIONS
        },
        [(BOOKED, {"booking": 2})],
        {"booking": marker(2, "linkwork")},
    ),
    LogRule(
        "next_marker_under_way",
        "While a partition lacks the next marker, the part is the owner's of the one before.",
        {
            each: [marker(1)] if each == MEETINGS else [marker(1), marker(2, "linkwork")]
            for each in PARTITIONS
        },
        [],
        {"booking": marker(1)},
    ),
    LogRule(
        "former_marker_written_again",
        "The owner is that of the highest epoch, in whatever order the markers stand.",
        {each: [marker(2, "linkwork"), marker(1)] for each in PARTITIONS},
        [],
        {"booking": marker(2, "linkwork")},
    ),
    LogRule(
        "two_parts",
        "Each part has epochs of its own.",
        {MEETINGS: [marker(3), BOOKED, marker(1, "together", "casework"), LATER]},
        [(BOOKED, {"booking": 3}), (LATER, {"booking": 3, "casework": 1})],
    ),
    LogRule(
        "marker_written_again",
        "A marker that comes again, behind a later one too, lowers no epoch.",
        {MEETINGS: [marker(1), marker(2), marker(1), BOOKED]},
        [(BOOKED, {"booking": 2})],
    ),
    LogRule(
        "one_key_with_another_body",
        "If a key comes again with another body, the first stands.",
        {OUTCOMES: [MET, MISSED]},
        [(MET, {})],
    ),
    LogRule(
        "one_key_about_another_referral",
        "Source and id name a fact within its referral: about another it is another fact.",
        {OUTCOMES: [MET, OTHERS]},
        [(MET, {}), (OTHERS, {})],
    ),
]


def read_log(
    partitions: Sequence[Sequence[Record]],
) -> tuple[list[tuple[Fact, Epochs]], dict[str, PartHandedOver]]:
    """The facts of a log with the epochs of parts, and the last marker that all partitions have of a part."""
    facts: dict[tuple[str, str, str, str], tuple[Fact, Epochs]] = {}
    having: dict[PartHandedOver, set[int]] = {}
    for number, records in enumerate(partitions):
        epochs: Epochs = {}
        for record in records:
            if isinstance(record, PartHandedOver):
                having.setdefault(record, set()).add(number)
                epochs[record.part] = max(record.epoch, epochs.get(record.part, 0))
            else:
                key = (record.body.locality, record.body.referral_id, *record.key)
                facts.setdefault(key, (record, dict(epochs)))
    whole = [found for found, numbers in having.items() if len(numbers) == len(partitions)]
    return list(facts.values()), {found.part: found for found in sorted(whole, key=lambda found: found.epoch)}


def log_files() -> dict[str, str]:
    """The text of each file of these vectors, by name."""
    keys = [
        {"key": key, "murmur2": murmur2(key.encode()), "of": of, "partition": partition_of(key.encode(), of)}
        for key in KEYS
        for of in (6, 12)
    ]
    return {"log.json": _text(map(_log, RULES)), "partitions.json": _text(keys)}


def _log(rule: LogRule) -> dict[str, Any]:
    partitions = [
        {
            "topic": topics.topic(LOCALITY, event),
            "partition": number,
            "records": [_record(each) for each in rule.records.get((event, number), ())],
        }
        for event, number in PARTITIONS
    ]
    facts = [
        {
            "referral_id": each.body.referral_id,
            "source": each.source,
            "id": each.id,
            "kind": _kind(each.body),
            "epochs": epochs,
        }
        for each, epochs in rule.facts
    ]
    owners = {part: {"epoch": each.epoch, "owner": each.owner} for part, each in rule.owners.items()}
    said = {"name": rule.name, "rules": ["F1" if "key" in rule.name else "F7"], "rule": rule.rule}
    return {**said, "partitions": partitions, "facts": facts, "owners": owners}


def _record(record: Record) -> dict[str, Any]:
    if isinstance(record, PartHandedOver):
        return {"marker": record.model_dump(mode="json")}
    return {"fact": fact_json(record)}


def _kind(body: Body) -> str | None:
    return getattr(body, "kind", None)


def _text(vectors: Any) -> str:
    return json.dumps({"format": 1, "vectors": list(vectors)}, indent=1) + "\n"
