"""The scaling measurements: the table that they make, what they count, and what they report."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from bench.report import described
from bench.scale.moves import name_of, names, usual_waits
from bench.scale.observing import connections_to, until
from bench.scale.table import slugs, write_table
from chaos.commits import Commits
from chaos.faults import StrikeRecord
from chaos.plan import Strike
from chaos.stack import ONE_EACH, USUAL
from shared.platform.localities import load_localities
from tests.harness.bench.scaled import LOCALITIES, REPLICAS


def test_table_has_as_many_localities_as_asked(tmp_path: Path) -> None:
    file, served = write_table(tmp_path, 40)
    table = load_localities(file)
    assert [place.slug for place in table.real] == served
    assert len(served) == 40
    assert len({practice.ods for place in table.real for practice in place.practices}) >= 40


def test_table_smaller_than_the_standard_one_names_a_part(tmp_path: Path) -> None:
    file, served = write_table(tmp_path, 2)
    standard = [place.slug for place in load_localities().real]
    assert served == standard[:2]
    assert [place.slug for place in load_localities(file).real] == standard


def test_slugs_of_a_country_are_all_different() -> None:
    assert len(set(slugs(1_250))) == 1_250


def test_replica_targets_name_their_service() -> None:
    assert name_of("matching", 1) == "matching"
    assert names([1, 3])[:2] == ["referral", "referral-3"]
    assert Strike("killed", ("matching-4", "referral")).parts == ("matching", "referral")


def test_shapes_name_the_senders() -> None:
    assert USUAL.senders == ["notifications", "notifications-2"]
    assert ONE_EACH.senders == ["notifications"]
    assert ONE_EACH.proxied == ()


async def test_connections_to_a_port_are_counted() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert connections_to(os.getpid(), port) == 0
    writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(3)]
    assert connections_to(os.getpid(), port) == 3
    for writer in writers:
        writer.close()
    server.close()


async def test_waiting_goes_on_while_a_process_is_away() -> None:
    answers: Iterator[bool | None] = iter([None, False, True])

    async def test() -> bool:
        answer = next(answers)
        if answer is None:
            raise OSError("away")
        return answer

    assert 0.3 < await until("it answers", test, 10) < 5


def test_usual_waits_count_steady_times_alone() -> None:
    steady = StrikeRecord(Strike("steady", ("matching",), rest=2), 10.0, 20.0)
    joins = StrikeRecord(Strike("joins", ("matching-2",)), 20.0, 30.0)
    assert usual_waits([steady, joins], [], Commits([])) == []


def test_replicas_report_says_shares_costs_waits_and_ratios() -> None:
    title, text = described("replicas", REPLICAS)
    assert title == "1, 2 and 4 replicas of each service"
    assert "| 1 | 100 | 100 | 100 | 100 | 55 | 5, 10 |" in text
    assert "| 2 | 50/50 | 50/50 | 50/50 | 50/50 | 65 | 5, 10 |" in text
    assert "**lost 0, doubled 0, wrong 0**" in text
    assert "| 2 of each, no move | 0.6 (0.6) | 0.7 (0.7) | 0.8 (0.8) | 0.9 (0.9) |" in text
    assert "| replicas join | 2.0 (3.0) | 2.1 (3.1) | 2.2 (3.2) | 2.3 (3.3) |" in text
    assert "| a replica stops | – | – | – | – |" in text
    assert "| matching | 1,500 | 1,750 | 1.25 | 2.00 to 2.50 |" in text


def test_replicas_report_says_what_was_lost() -> None:
    _, text = described("replicas", {**REPLICAS, "findings": {"lost": 2}, "worked_off": []})
    assert "**lost 2**" in text
    assert "Ratios within a round" not in text


def test_localities_report_has_a_column_for_each_number() -> None:
    _, text = described("localities", LOCALITIES)
    assert "|  | 8 localities | 200 localities |" in text
    assert "| every stream runs, s | 108 | 300 |" in text
    assert "| idle: cores, four services | 0.03 | 0.80 |" in text
    assert "| connections to Kafka, a service | 16–19 | 400–403 |" in text
    assert "| MongoDB: documents written a second | 1,234 | 1,234 |" in text
    assert "| larger share of two | 52% | 52% |" in text
    assert "Not measured" not in text


def test_localities_report_names_what_was_not_measured() -> None:
    failed = {**LOCALITIES, "failed": ["200 localities: not within 300 s: all streams of matching"]}
    _, text = described("localities", failed)
    assert "Not measured: 200 localities: not within 300 s: all streams of matching." in text
