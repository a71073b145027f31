"""A run seen from outside: with stores of others', so that it starts in a second."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.local.started import Started, alive, start, wait_for

Start = Callable[..., Started]


@pytest.fixture
def run(tmp_path: Path, kafka: KafkaConnection, mongo_url: str) -> Iterator[Start]:
    started: list[Started] = []
    stores = {**kafka.environment(), "LINKWORK_MONGO_URL": mongo_url}

    def begin(*arguments: str, port: int | None = None) -> Started:
        started.append(start(tmp_path / "state", *arguments, port=port, stores=stores))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_when_told_and_leaves_no_process(run: Start, number: signal.Signals) -> None:
    started = run()
    started.until("is ready")
    children = started.children()
    assert len(alive(children)) == 7  # Five stand-ins, the front and the reaper.
    assert started.end(number) == 0
    assert alive(children) == []
    assert not (started.state / "processes").exists()


def test_the_front_passes_each_address_to_its_part(run: Start) -> None:
    started = run()
    started.until("is ready")
    address = f"http://127.0.0.1:{started.port}"
    paths = ("/", "/api/matching/v1/diary", "/notifications/", "/evaluation/", "/dev/mailbox")
    answers = [httpx.get(address + path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 5
    assert httpx.get(f"{address}/s/abc").text == httpx.get(f"{address}/api/matching/v1/diary").text


def test_stores_alone_start_no_service(tmp_path: Path) -> None:
    started = start(tmp_path / "state", "stores")
    try:
        started.until("no service runs")
        children = started.children()
        reaped = {started.child(each) for each in ("mongod", "kafka.Kafka", "deploy.local.reaper")}
        assert set(alive(children)) == reaped
    finally:
        assert started.end() == 0
    assert alive(children) == []


def test_children_end_with_a_supervisor_that_is_killed(run: Start) -> None:
    started = run()
    started.until("is ready")
    children = started.children()
    started.end(signal.SIGKILL)
    wait_for(lambda: alive(children) == [])


def test_a_part_that_dies_is_started_again(run: Start) -> None:
    started = run()
    started.until("is ready")
    os.kill(started.child("tests.harness.local.stand_in"), signal.SIGKILL)
    started.until(r"development ended \(code -9\): starting it again in 0.5 s")
    started.until("development answers again")
    assert httpx.get(f"http://127.0.0.1:{started.port}/dev/mailbox").status_code == 200


def test_process_that_cannot_start_ends_run_with_its_message(run: Start) -> None:
    started = run("matching=tests.harness.local.no_part")
    assert started.process.wait(30) == 2
    assert "matching ended while starting: LINKWORK_MAGIC_LINK_KEY is not set." in started.said()
    assert "Traceback" not in started.said()
    assert not (started.state / "processes").exists()


def test_demonstration_is_played_once_while_pages_answer(run: Start) -> None:
    first = run("demo=tests.harness.local.played")
    first.until("stories: 1 of 2")
    assert httpx.get(f"http://127.0.0.1:{first.port}/").status_code == 200
    first.until("The invented programme is in")
    assert first.end() == 0
    again = run("demo=tests.harness.local.played")
    again.until("is ready")
    assert again.end() == 0
    assert "programme" not in again.said().partition("is ready")[2]


def test_a_part_that_is_missing_is_said_before_anything_starts(run: Start) -> None:
    started = run("matching=services.nowhere")
    assert started.process.wait(30) == 2
    assert started.said().strip() == (
        "services.nowhere is missing from this folder: fetch the whole of Linkwork again."
    )


def test_a_busy_port_is_one_sentence(run: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        started = run(port=port)
        assert started.process.wait(30) == 2
    assert started.said().strip() == (
        f"Port {port} is taken by another program: stop that program, or choose another port, "
        f"as in `make run PORT={port + 1}`."
    )


def test_a_second_run_in_the_same_folder_is_refused(run: Start) -> None:
    first = run()
    first.until("is ready")
    second = run()
    assert second.process.wait(30) == 2
    assert f"Linkwork is running already (process {first.process.pid})" in second.said()
    assert len(alive(first.children())) == 7


def test_stores_that_do_not_answer_are_one_sentence(tmp_path: Path, mongo_url: str) -> None:
    nobody = {"LINKWORK_KAFKA_BOOTSTRAP": "127.0.0.1:9", "LINKWORK_MONGO_URL": mongo_url}
    started = start(tmp_path / "state", stores=nobody)
    assert started.process.wait(60) == 2
    assert (
        "No Kafka answers at 127.0.0.1:9: start it, or put LINKWORK_KAFKA_BOOTSTRAP right." in started.said()
    )
    assert "Traceback" not in started.said()
