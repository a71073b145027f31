"""`linkwork streams list|resume`: how far a service has read each partition, and where it goes on."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from linkwork.arguments import AsJson, command_group, reason
from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.output import table
from linkwork.tables import table_in_force
from shared.contract.events.topics import Part, event_topics, group
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.operations import note
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import BEGINS, Begin, StreamState, Verdict, judge, resume
from shared.delivery.rebuild.log import consumer
from shared.platform.clock import system_clock
from shared.platform.ids import new_id

_HEAD: Final = ("LOCALITY", "PARTITION", "HANDLED", "COMMITTED", "END", "STATE")
_EPILOG: Final = """\b
examples:
  linkwork streams list matching
  linkwork streams resume matching meir --from start --why "topics made anew after the disk failed"

STATE: ok; passed_over (another client committed records that were not handled: the service goes back by
itself); topic_missing; log_replaced; log_shortened; database_behind.

exit codes: 0 done; 1 a stream is not ok, or is not stopped; 2 refused, with a sentence"""

Service = Annotated[Part, typer.Argument(help="The service that reads.")]
application = command_group(
    "Show how far a service has read, and let a stopped stream go on.",
    "The streams of a service: the handled offsets of its database beside those of the broker.",
    _EPILOG,
)


@application.command("list", help="List every partition: handled, committed, end and state.")
def list_(
    service: Service,
    locality: Annotated[str | None, typer.Option(help="One locality only.")] = None,
    as_json: AsJson = False,
) -> "StreamsList":
    """Parses `list`."""
    return StreamsList(service, locality, as_json)


@application.command("resume", help="Let a stopped stream go on from where you say.")
def resume_(
    service: Service,
    locality: Annotated[str, typer.Argument(help="The locality whose stream is stopped.")],
    begin: Annotated[
        Begin,
        typer.Option(
            "--from",
            help="start: accept the log that is there now. handled: decide anew on what the database lost. "
            "committed: leave out what the database lost.",
        ),
    ],
    why: Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")],
) -> "StreamResume":
    """Parses `resume`."""
    return StreamResume(service, locality, begin, why)


@dataclass(frozen=True)
class StreamsList:
    """Prints the offsets of a service's streams."""

    service: Part
    locality: str | None = None
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Prints a row for each partition.

        Returns:
            0 if every stream is ok, else 1.
        """
        slugs = (await table_in_force(config)).slugs
        wanted = [self.locality] if self.locality is not None else list(slugs)
        rows: list[dict[str, Any]] = []
        async with _Stores(config, self.service) as stores:
            for locality in wanted:
                rows += _rows(locality, await stores.state(locality))
        if self.as_json:
            print(to_json(rows))
        else:
            print(table(_HEAD, [[_cell(value) for value in row.values()] for row in rows]))
        return int(any(row["state"] != "ok" for row in rows))


@dataclass(frozen=True)
class StreamResume:
    """Lets one stopped stream go on."""

    service: Part
    locality: str
    begin: Begin
    why: str

    async def run(self, config: Config) -> int:
        """Writes the handled offsets with which the stream goes on; the service sees them within seconds.

        Returns:
            0 if the stream goes on, 1 if it was not stopped.
        """
        async with _Stores(config, self.service) as stores:
            state = await stores.state(self.locality)
            verdict = judge(state)
            if verdict.mismatch is None:
                print(f"The stream of {self.locality} is not stopped for its offsets: nothing was changed.")
                return 1
            try:
                offsets = resume(state, verdict, self.begin)
            except ValueError:
                allowed = " or ".join(BEGINS[verdict.mismatch])
                raise CommandError(f"After {verdict.mismatch} a stream goes on from {allowed}.") from None
            about = {"locality": self.locality, "mismatch": verdict.mismatch, "from": self.begin}

            async def work(tx: Transaction) -> None:
                now, by = system_clock(), config.operator
                await note(tx, new_id, now, what="stream resumed", by=by, why=self.why, about=dict(about))

            await stores.mongo.transact(work)
            await HandledOffsets(stores.mongo, self.locality).replace(offsets)
        print(f"{len(offsets)} partitions of {self.locality} go on from {self.begin}.")
        return 0


class _Stores:
    """The database of a service, and the broker."""

    def __init__(self, config: Config, service: Part) -> None:
        self.mongo: Mongo
        self._config = config
        self._service: Part = service
        self._broker = BrokerView(config.kafka)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> "_Stores":
        self.mongo = await self._open.enter_async_context(database_of(self._config, self._service))
        self._open.push_async_callback(self._broker.close)
        return self

    async def __aexit__(self, *ended: Any) -> None:
        await self._open.__aexit__(*ended)

    async def state(self, locality: str) -> StreamState:
        """The offsets of one locality.

        Raises:
            CommandError: the broker does not answer.
        """
        try:
            topics = await self._broker.topics(event_topics(locality))
            committed = await self._broker.committed(group(locality, self._service))
            partitions = [TopicPartition(name, n) for name, topic in topics.items() for n in topic.partitions]
            ends = await self._ends(partitions) if partitions else {}
        except (KafkaError, OSError) as error:
            raise CommandError(f"The broker does not answer ({type(error).__name__}).") from error
        rows = HandledOffsets(self.mongo, locality)
        handled = await rows.read()
        return StreamState(topics, handled, committed, ends, not handled and await rows.adopts())

    async def _ends(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        async with consumer(self._config.kafka) as reader:
            ends: Mapping[TopicPartition, int] = await reader.end_offsets(partitions)
            return ends


def _rows(locality: str, state: StreamState) -> list[dict[str, Any]]:
    verdict = judge(state)
    missing = [name for name in event_topics(locality) if name not in state.topics]
    rows: list[dict[str, Any]] = [
        {
            "locality": locality,
            "partition": f"{at.topic}/{at.partition}",
            "handled": state.handled[at].next if at in state.handled else None,
            "committed": state.committed[at].offset if at in state.committed else None,
            "end": end,
            "state": _state(at, verdict),
        }
        for at, end in sorted(state.ends.items())
    ]
    nowhere: dict[str, Any] = {"handled": None, "committed": None, "end": None, "state": "topic_missing"}
    return rows + [{"locality": locality, "partition": name, **nowhere} for name in missing]


def _state(at: TopicPartition, verdict: Verdict) -> str:
    if at in verdict.partitions:
        return str(verdict.mismatch)
    return "passed_over" if at in verdict.passed_over else "ok"


def _cell(value: str | int | None) -> str:
    return "-" if value is None else str(value)
