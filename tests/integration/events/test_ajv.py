"""Ajv takes every schema in its strict mode, and judges bodies as our validator does."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deploy.local.assets import npm
from shared.contract.events.models import EventBody
from shared.contract.events.rules import RULES
from shared.contract.events.schema import FOLDER, READING, schemas
from shared.contract.events.topics import event_type
from tests.harness.contract.validators import validator
from tests.harness.history.sayings import SAYINGS

HERE = Path(__file__).parent / "ajv"
WRONG: list[Any] = ["", "x\n", "Mary Smith", "to_be_invented", "٤٥", "3", 3, 3.5, -1, True, None, [], {}]
EVENTS = {"ReferralCreated": event_type("referral-created"), "MeetingBooked": event_type("meeting-booked")}


def cases() -> list[tuple[str, Any]]:
    """Bodies of each kind, as they are and with each field in turn left out or wrong, and headers."""
    random = Random(1)
    found: list[tuple[str, Any]] = []
    for sayings in SAYINGS:
        if not isinstance(sayings[0], EventBody):
            continue
        name = f"{EVENTS.get(type(sayings[0]).__name__, event_type('outcome-recorded'))}.json"
        for saying in sayings[:4]:
            body = json.loads(saying.to_json()) if isinstance(saying, EventBody) else {}
            altered = [body, body | {"of_a_later_version": 1}]
            altered += [{key: each for key, each in body.items() if key != left} for left in body]
            altered += [body | {key: random.choice(WRONG)} for key in body]
            found += [(folder + name, each) for folder in ("", READING) for each in altered]
    for rule in RULES:
        headers = {key: value.decode() for key, value in rule.example.pairs()}
        found += [("headers.json", headers), ("headers.json", headers | {"ce_time": "1850-01-01T00:00:00Z"})]
    return found


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ajv")
    for name in ("package.json", "package-lock.json", "check.mjs"):
        shutil.copy(HERE / name, folder)
    manager = npm(folder)
    subprocess.run([*manager, "ci", "--ignore-scripts", "--silent", "--no-audit"], cwd=folder, check=True)
    for name in schemas():
        (folder / "schemas" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / name, folder / "schemas" / name)
    (folder / "cases.json").write_text(json.dumps(cases()))
    command = [*manager, "start", "--silent", "--", "schemas", "cases.json"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ajv_takes_every_schema_in_strict_mode(answer: Any) -> None:
    assert answer["names"] == sorted(schemas())


def test_ajv_judges_bodies_as_our_validator_does(answer: Any) -> None:
    wanted = [validator(name).is_valid(body) for name, body in cases()]
    assert answer["answers"] == wanted
    assert {True, False} <= set(wanted)
