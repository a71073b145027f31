"""`linkwork trigger STORY`: performs a golden story in a sandbox, and shows what is said and what answers."""

import json
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final

import orjson
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from linkwork.arguments import AsJson
from linkwork.config import Config
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.output import table
from linkwork.tables import table_in_force
from shared.contract.events.envelope import Envelope, UnknownOutcome, read_any
from shared.contract.events.topics import event_topics, inbox_topic, partner_source, refusals_topic
from shared.contract.stories import Story, load_all
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.performance import Line, NotSeen, cannot_perform, cast, perform
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Locality

SOURCE: Final = "trigger"
_POLL_MS: Final = 200
HELP: Final = """Perform a golden story in a sandbox. Without a name, list the stories.

Says as the sandbox's source `trigger`, in its inbox, what people would say, and waits for admission's copies
and for booking's answers. Days of a story pass in seconds."""
EPILOG: Final = """\b
examples:
  linkwork trigger
  linkwork trigger withdrawn
  linkwork trigger first-visit --locality sandbox --json

--json prints an object a line: what (said, seen, heard), label, kind, source, id, referral, seconds; in the
end, if something is missing, an object with `missing`.

exit codes: 0 everything was seen; 1 something was not seen in time, or admission refused it;
2 refused, with a sentence"""


def trigger(
    story: Annotated[str | None, typer.Argument(help="The story's name.")] = None,
    locality: Annotated[str, typer.Option(help="A sandbox.")] = "sandbox",
    as_json: AsJson = False,
) -> "TriggerCommand":
    """Parses `trigger`."""
    return TriggerCommand(story, locality, as_json)


@dataclass(frozen=True)
class TriggerCommand:
    """One performance of a story, or the list of stories."""

    story: str | None
    locality: str = "sandbox"
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Performs the story.

        Returns:
            0 if everything was seen that must be seen, else 1.
        """
        stories = load_all()
        if self.story is None:
            print(_listed(stories.values(), as_json=self.as_json))
            return 0
        story = _performed(stories, self.story)
        place = _sandbox((await table_in_force(config)).by_slug.get(self.locality), self.locality)
        source = partner_source(place.slug, SOURCE)
        play = cast(story, place, SOURCE, system_clock, new_id)
        try:
            async with _stage(config.kafka, place.slug, source) as stage:
                async for line in perform(play, stage, system_clock):
                    self._print(line)
        except NotSeen as missing:
            self._print_missing(str(missing))
            return 1
        except (KafkaError, OSError) as error:
            raise CommandError(
                f"Kafka does not answer, or refuses us ({type(error).__name__}): do its topics exist?"
            ) from error
        return 0

    def _print(self, line: Line) -> None:
        if self.as_json:
            print(orjson.dumps(asdict(line)).decode(), flush=True)
        else:
            row = (
                f"{line.seconds:5.1f} s",
                f"{line.what:<6}",
                f"{line.kind:<20}",
                f"{line.label:<12}",
                line.source,
            )
            print("  ".join(row), line.referral if line.what == "said" else line.id, sep="  ", flush=True)

    def _print_missing(self, sentence: str) -> None:
        if self.as_json:
            print(orjson.dumps({"missing": sentence}).decode())
        else:
            print(sentence, file=sys.stderr)


def _listed(stories: Iterable[Story], *, as_json: bool) -> str:
    rows = [(story.name, cannot_perform(story) or "", story.sentence) for story in stories]
    if as_json:
        return to_json([{"story": name, "cannot": why or None, "sentence": said} for name, why, said in rows])
    return table(
        ("STORY", "PERFORMS", "SENTENCE"), [(name, "no" if why else "yes", said) for name, why, said in rows]
    )


def _performed(stories: dict[str, Story], name: str) -> Story:
    story = stories.get(name)
    if story is None:
        raise CommandError(f"There is no story {name}. There are: {', '.join(stories)}.")
    if why := cannot_perform(story):
        raise CommandError(f"The story {name} cannot be performed here: {why}.")
    return story


def _sandbox(place: Locality | None, slug: str) -> Locality:
    if place is None:
        raise CommandError(f"There is no locality {slug}.")
    if not place.sandbox:
        raise CommandError(f"{slug} is no sandbox: what is said there stands for ever, and is about people.")
    source = partner_source(slug, SOURCE)
    if source not in place.sources:
        raise CommandError(f"The table names no source {source}: add it to the sandbox's sources.")
    return place


@asynccontextmanager
async def _stage(kafka: KafkaConnection, locality: str, source: str) -> AsyncIterator["_Stage"]:
    """The inbox, and the locality's topics from now on. It belongs to no consumer group."""
    partitions = await partitions_of(kafka, [*event_topics(locality), refusals_topic(source)])
    consumer = AIOKafkaConsumer(
        **kafka.client_arguments(), group_id=None, enable_auto_commit=False, isolation_level="read_committed"
    )
    producer = AIOKafkaProducer(**kafka.client_arguments(), acks="all")
    try:
        await consumer.start()
        await producer.start()
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        yield _Stage(consumer, producer, locality, source)
    finally:
        await consumer.stop()
        await producer.stop()


@dataclass
class _Stage:
    """Says in the source's inbox; hears the locality's topics and the source's refusals."""

    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    locality: str
    source: str
    _said: set[str] = field(default_factory=set)

    async def say(self, event: Envelope) -> None:
        """As Stage."""
        self._said.add(event.id)
        key, headers = event.body.referral_id.encode(), event.headers()
        await self.producer.send_and_wait(inbox_topic(self.source), event.raw, key=key, headers=headers)

    async def heard(self) -> Sequence[Envelope]:
        """As Stage."""
        found: list[Envelope] = []
        for at, records in (await self.consumer.getmany(timeout_ms=_POLL_MS)).items():
            for record in records:
                if at.topic == refusals_topic(self.source):
                    self._refused(json.loads(record.value))
                    continue
                event = read_any(self.locality, record.key, record.value, record.headers)
                if isinstance(event, Envelope) and not isinstance(event.body, UnknownOutcome):
                    found.append(event)
        return found

    def _refused(self, refusal: dict[str, Any]) -> None:
        if refusal.get("id") in self._said:
            where = f" at {refusal['pointer']}" if refusal.get("pointer") else ""
            raise NotSeen(f"Admission refused an event: {refusal['code']}{where}. {refusal['detail']}")
