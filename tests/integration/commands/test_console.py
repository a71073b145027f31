"""The console's configuration, arguments and output."""

import json
import re
import signal
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
import typer

from deploy.local.ports import free_port
from linkwork.__main__ import main
from linkwork.arguments import moment, moment_argument
from linkwork.config import read_config
from linkwork.dead_letter_decisions import newest, seal_of, status_of
from linkwork.dead_letter_log import REASONS, FoundLetter
from linkwork.errors import CommandError
from linkwork.output import format_time, table
from shared.contract.events import bodies, envelope
from shared.delivery.consumer.batch import DEAD_LETTER_REASONS
from shared.delivery.outbox.rows import Message
from shared.delivery.rebuild.bulk import _ignore_interrupts

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
STORES = {"LINKWORK_KAFKA_BOOTSTRAP": "kafka:9092", "LINKWORK_MONGO_URL": "mongodb://mongo"}


def letter(offset: int, sealed: bytes = b"one", minutes: int = 0) -> FoundLetter:
    place = {"topic": "meir.referral-created.v1", "partition": "0", "offset": "7"}
    headers = {f"dlq-original-{name}": value for name, value in place.items()}
    message = Message("linkwork.dead-letter.matching.v1", b"", sealed, headers)
    return FoundLetter("matching", message, 0, offset, NOW + timedelta(minutes=minutes))


def test_the_environment_comes_before_a_run() -> None:
    around = read_config(STORES | {"LINKWORK_OPERATOR": "ada"}, Path("nowhere"))
    assert (around.kafka.bootstrap, around.operator) == ("kafka:9092", "ada")
    assert around.database("matching") == "linkwork_matching"
    assert "mongo" not in repr(around)
    with pytest.raises(CommandError, match="LINKWORK_DEAD_LETTER_KEY"):
        around.dead_letter_key()
    assert read_config(STORES | {"LINKWORK_ENV": "development"}, Path("nowhere")).dead_letter_key()


def test_half_an_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="LINKWORK_MONGO_URL is not set"):
        read_config({"LINKWORK_KAFKA_BOOTSTRAP": "kafka:9092"}, tmp_path)
    with pytest.raises(CommandError, match="there is no run"):
        read_config({}, tmp_path)


def test_a_run_on_this_machine_is_found(tmp_path: Path) -> None:
    folder = tmp_path / ".linkwork"
    folder.mkdir()
    (folder / "ports.json").write_text(json.dumps({"kafka": 9, "mongod": 8}))
    (folder / "secrets").write_text(json.dumps({"dead_letter_key": "k"}))
    (folder / "kafka" / "users").mkdir(parents=True)
    (folder / "kafka" / "users" / "operator").write_text("p\n")
    with pytest.raises(CommandError, match="has been stopped"):
        read_config({}, tmp_path)
    (folder / "processes").touch()
    around = read_config({}, tmp_path)
    assert around.kafka.bootstrap == "127.0.0.1:9"
    assert (around.kafka.user, around.kafka.password.get_secret_value()) == ("operator", "p")
    assert around.mongo_url == "mongodb://127.0.0.1:8/?directConnection=true"
    assert around.dead_letter_key() == b"k"


def test_a_sentence_and_a_code_for_whoever_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KAFKA_BOOTSTRAP", "MONGO_URL", "STATE"):
        monkeypatch.delenv(f"LINKWORK_{name}", raising=False)
    assert main(["dead-letters", "list"]) == 2
    assert "no run in .linkwork" in capsys.readouterr().err


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    for name, value in STORES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("linkwork.dead_letter_commands.DeadLettersCommand.run", interrupted)
    assert main(["dead-letters", "list"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_ctrl_c_in_a_terminal_does_not_reach_those_that_fold() -> None:
    with ProcessPoolExecutor(1, get_context("spawn"), _ignore_interrupts) as pool:
        assert pool.submit(signal.raise_signal, signal.SIGINT).result() is None


def test_stores_that_do_not_answer_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mongo_url: str
) -> None:
    monkeypatch.setenv("LINKWORK_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("LINKWORK_MONGO_URL", mongo_url)
    assert main(["dead-letters", "list"]) == 2
    assert "The broker does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-07-01T09:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-07-01T09:00Z", datetime(2026, 7, 1, 9, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_meant_in_london(typed: str, meant: datetime) -> None:
    assert moment(typed, NOW) == meant


def test_moment_malformed_is_refused_with_examples() -> None:
    with pytest.raises(typer.BadParameter, match="2h or 7d"):
        moment_argument()("yesterday")
    for typed in ("0001-01-01", "1969-12-31", "99999d"):
        with pytest.raises(typer.BadParameter, match="before 1970"):
            moment_argument()(typed)
    assert format_time(NOW) == "2026-07-01 13:00:00+01:00"


@pytest.mark.parametrize("verb", ["show", "replay", "discard"])
@pytest.mark.parametrize("blank", ["", "   "])
def test_a_reason_is_asked_for(verb: str, blank: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dead-letters", verb, "--why", blank])
    assert ended.value.code == 2
    assert "say why, in a few words" in capsys.readouterr().err


def test_of_several_letters_about_one_record_the_last_is_meant() -> None:
    assert newest([letter(3), letter(5, b"two", minutes=1)]) == [letter(5, b"two", minutes=1)]


def test_a_decision_says_nothing_of_a_letter_set_aside_since() -> None:
    old = letter(5)
    row = {"state": "discarded", "of": {"partition": 0, "offset": 5, "seal": seal_of(old)}}
    assert status_of(old, None).state == "new"
    assert status_of(old, row).state == "discarded"
    assert status_of(letter(9), row).state == "discarded", "the relay published it twice"
    assert status_of(letter(9, b"sealed anew"), row).state == "new"
    assert status_of(letter(9, b"sealed anew"), row | {"state": "asked"}).state == "waiting"
    assert status_of(old, row | {"state": "failed", "result": "bad_json"}).state == "new"


def test_reasons_match_those_of_letters_and_the_runbook() -> None:
    source = Path(envelope.__file__).read_text() + Path(bodies.__file__).read_text()
    refused = {
        name for line in re.findall(r"Refused\((.*)\)", source) for name in re.findall(r'"(\w+)"', line)
    }
    assert set(REASONS) == refused | {*DEAD_LETTER_REASONS.values(), "handler_failed", "unreadable"}
    runbook = (Path(__file__).parents[3] / "docs/runbooks.md").read_text()
    assert [name for name in REASONS if f"`{name}`" not in runbook] == []


def test_help_has_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["dead-letters", "--help"])
    told = capsys.readouterr().out
    assert told.count("\n    linkwork dead-letters ") == 2
    assert "exit codes: 0 done" in told


def test_columns_line_up() -> None:
    assert table(("A", "B"), [("long", "x"), ("s", "")]) == "A     B\nlong  x\ns"
