"""The preparation of a run: the machine, the secrets, and our processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import bootstrap
from deploy.local.errors import CannotRun
from deploy.local.identity import end, identity
from deploy.local.jars import HASHES
from deploy.local.keys import run_secrets
from deploy.local.plan import LINKWORK, common_environment
from deploy.local.preflight import check_platform
from deploy.local.reaper import ROOT
from deploy.local.state import State


def test_an_old_python_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match="2"):
        bootstrap.main("local")
    assert "needs Python 3.11 or later and this is 3.9" in capsys.readouterr().err


def test_too_little_disk_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bootstrap, "SPACE", 10**18)
    with pytest.raises(SystemExit, match="2"):
        bootstrap.main("local")
    assert "Linkwork needs 2 GB of free disk space" in capsys.readouterr().err


def test_lock_files_pin_every_package_by_hash_and_name_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()
    assert len(HASHES.read_text().splitlines()) == 46


def test_another_platform_needs_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(CannotRun, match="LINKWORK_KAFKA_BOOTSTRAP"):
        check_platform({})
    check_platform({"LINKWORK_KAFKA_BOOTSTRAP": "kafka:9092", "LINKWORK_MONGO_URL": "mongodb://mongo"})


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    first = run_secrets(tmp_path)
    assert run_secrets(tmp_path) == first
    assert len(set(first.values())) == len(first)
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_each_part_gets_its_own_secrets_only(tmp_path: Path) -> None:
    secrets = run_secrets(tmp_path)
    given = {part.name: set(part.own(secrets).values()) for part in LINKWORK.parts}
    assert secrets["master_key"] in given["referral"]
    assert not any(secrets["master_key"] in given[other] for other in given if other != "referral")
    assert given["front"] == set()
    common = common_environment(
        {},
        folder=tmp_path,
        mongo_url="mongodb://mongo",
        ports={part.name: part.port for part in LINKWORK.parts} | {"mail": 8106},
        session_key=secrets["session_key"],
        demo=True,
    )
    assert not (set(common.values()) & set(secrets.values())) - {secrets["session_key"]}


def test_a_process_that_took_over_a_number_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        known_as = identity(other.pid)
        assert known_as is not None
        end(other.pid, "another boot:1", grace=0.1)
        assert identity(other.pid) == known_as


def test_a_port_stays_the_same_while_it_is_free(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.port("mongod") == state.port("mongod")


def test_wiping_removes_everything_unless_a_run_has_it(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.lock()
    with pytest.raises(CannotRun, match=f"running already \\(process {os.getpid()}\\)"):
        State(tmp_path / "state").wipe()
    state.unlock()
    State(tmp_path / "state").wipe()
    assert not (tmp_path / "state").exists()
