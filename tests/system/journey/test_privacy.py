"""After whole journeys, identities can be read in the vault and in sent messages, and nowhere else."""

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import httpx
from bson.raw_bson import RawBSONDocument

from deploy.local.plan import LINKWORK
from shared.contract.events.topics import PARTS, dead_letter_topic, event_topics
from tests.harness.journey.adventures import UNREADABLE, Travelled
from tests.harness.journey.people import EVERYBODY
from tests.harness.journey.system import System
from tests.harness.journey.topics import records_of

# A place of writing, and the text written there.
Written = Iterable[tuple[str, bytes]]


def private(travelled: Travelled) -> list[str]:
    """Every name, number, address and sentence used on journeys and by the tests before."""
    found = {text for person in EVERYBODY for text in person.private()}
    assert found >= {text for journey in travelled.journeys for text in journey.who.private()}
    return sorted(found)


def assert_none(texts: Iterable[str], written: Written) -> None:
    places = [(where, what.lower()) for where, what in written]
    # One search of everything for each text takes seconds, one of each place minutes.
    everything = b"\n".join(what for _, what in places)
    assert everything.strip()
    found = [text for text in texts if text.lower().encode() in everything]
    told = {text: [where for where, what in places if text.lower().encode() in what] for text in found}
    assert not told, f"Told where nobody may read it: {told}"


def logs(system: System) -> Written:
    return [(path.name, path.read_bytes()) for path in system.logs]


async def bus(system: System, *, dead_letters_only: bool = False) -> list[tuple[str, bytes]]:
    topics = [dead_letter_topic(part) for part in PARTS]
    if not dead_letters_only:
        topics += [topic for slug in system.localities.slugs for topic in event_topics(slug)]
    found = []
    for record in await records_of(system.kafka, topics):
        headers = b" ".join(name.encode() + b"=" + (value or b"") for name, value in record.headers)
        found.append((record.topic, b" ".join((record.key or b"", headers, record.value or b""))))
    return found


async def databases(system: System) -> list[tuple[str, bytes]]:
    """Every document of every service.

    Those of the vault are included, because its contents are encrypted.
    """
    found = []
    for name in await system.mongo.list_database_names():
        if not name.startswith(system.databases):
            continue
        database = system.mongo[name]
        for collection in await database.list_collection_names():
            raw = database[collection].with_options(
                codec_options=database.codec_options.with_options(document_class=RawBSONDocument)
            )
            found += [(f"{name}.{collection}", bytes(document.raw)) async for document in raw.find()]
    return found


async def metrics(system: System) -> list[tuple[str, bytes]]:
    found = []
    async with httpx.AsyncClient(trust_env=False) as asking:
        for part in LINKWORK.parts:
            if part.name != "front":
                page = await asking.get(f"http://127.0.0.1:{system.port(part.name)}/metrics")
                found.append((f"/metrics of {part.name}", page.content))
    return found


def addresses(system: System) -> Iterator[tuple[str, bytes]]:
    yield from (
        (f"the address {number}", unquote(url).encode()) for number, url in enumerate(system.addresses)
    )
    yield from (("a title", title.encode()) for title in system.titles)


async def test_what_is_looked_for_is_found_where_it_may_be(system: System, travelled: Travelled) -> None:
    sent = (system.started.state / "mailbox.jsonl").read_bytes()
    for journey in travelled.journeys:
        assert [text for text in journey.who.private() if text.encode() in sent]


async def test_no_log_tells(system: System, travelled: Travelled) -> None:
    parts = {path.name for path in system.logs}
    assert {f"{part.name}.log" for part in LINKWORK.parts} <= parts
    assert_none([*private(travelled), *UNREADABLE.split(", ")], logs(system))


async def test_nothing_on_the_bus_tells(system: System, travelled: Travelled) -> None:
    assert_none(private(travelled), await bus(system))


async def test_what_could_not_be_read_is_set_aside_sealed(system: System, travelled: Travelled) -> None:
    words = UNREADABLE.split(", ")
    assert_none([*private(travelled), *words], await bus(system, dead_letters_only=True))
    assert_none(words, await databases(system))


async def test_no_metric_tells(system: System, travelled: Travelled) -> None:
    assert_none(private(travelled), await metrics(system))


async def test_no_address_and_no_title_tells(system: System, travelled: Travelled) -> None:
    assert_none(private(travelled), addresses(system))


async def test_no_database_tells(system: System, travelled: Travelled) -> None:
    written = await databases(system)
    assert {where.removeprefix(f"{system.databases}_").partition(".")[0] for where, _ in written} == set(
        PARTS
    )
    assert any(where.endswith(".referrals") for where, _ in written)
    # The programme's table names towns. It is published from a file, and knows no person.
    by_people = [each for each in written if not each[0].endswith(".control_versions")]
    assert_none(private(travelled), by_people)
