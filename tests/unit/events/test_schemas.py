"""The committed JSON Schemas are those of the models, and a validator that is not ours agrees with them."""

import json

import jsonschema
import pytest

from shared.contract.events.schema import FOLDER, committed, files
from tests.harness.delivery.toy import created, missed


def test_the_committed_schemas_are_current() -> None:
    assert committed() == files()


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((FOLDER / f"org.linkwork.{name}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_partners_validator_accepts_what_we_publish() -> None:
    body = created("meir")
    validator("referral-created").validate(json.loads(body.model_dump_json(exclude_none=True)))
    event = missed("meir", body.referral_id, body.person_ref)
    validator("outcome-recorded").validate(json.loads(event.model_dump_json(exclude_none=True)))


@pytest.mark.parametrize(
    ("name", "change"),
    [("person_ref", "Mary Smith"), ("needs", ["owes money"]), ("practice", "Meir"), ("age_band", "70")],
)
def test_a_partners_validator_refuses_an_identity(name: str, change: object) -> None:
    body = json.loads(created("meir").model_dump_json(exclude_none=True)) | {name: change}
    assert not validator("referral-created").is_valid(body)
