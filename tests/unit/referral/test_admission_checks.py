"""Each record of an inbox is judged once, and its copy is the record."""

from dataclasses import replace

import pytest

from services.referral.partners.checks import Refusal, copy_of, judge
from services.referral.partners.table import AdmissionTable, ProgrammeTable
from shared.contract.authority import REFUSALS
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.inbox_end import EndOfInbox
from shared.contract.events.outcomes import Retracted
from shared.contract.events.refusals import SENTENCES, RefusalCode
from shared.contract.events.vocabulary import RetractReason
from shared.platform.localities import load_localities
from tests.harness.delivery.toy import said
from tests.harness.referral.partners import PARTNER, FixedTable, Sent, attempt, bad_records, creation, sent

SOURCE = f"/meir/{PARTNER}"
GOOD = sent(creation("meir"))
OUTCOME = sent(attempt("meir"))
TABLE = ProgrammeTable(load_localities())

BAD = bad_records("meir")


def judged(record: Sent, table: AdmissionTable = TABLE) -> Envelope | EndOfInbox | Refusal:
    return judge(SOURCE, record.key, record.value, record.headers, table)


@pytest.mark.parametrize("what", BAD)
def test_judge_refuses_with_a_code_and_a_place(what: str) -> None:
    found = judged(BAD[what].record)
    assert isinstance(found, Refusal)
    assert (found.code, found.pointer, found.problem) == (
        BAD[what].code,
        BAD[what].pointer,
        BAD[what].problem,
    )


@pytest.mark.parametrize("record", [GOOD, OUTCOME])
def test_judge_accepts_what_the_contract_allows(record: Sent) -> None:
    found = judged(record)
    assert isinstance(found, Envelope)
    assert (found.id, found.source, found.raw) == (record.attribute("id"), SOURCE, record.value)


def test_judge_names_the_id_only_in_its_right_form() -> None:
    refused = judged(GOOD.with_body(needs=None))
    assert isinstance(refused, Refusal)
    assert (refused.id, refused.referral) == (GOOD.attribute("id"), GOOD.attribute("subject"))
    unnamed = judged(GOOD.with_header("ce_id", b"Mary Smith"))
    assert isinstance(unnamed, Refusal)
    assert unnamed.id is None


def test_judge_repeats_no_name_of_the_input() -> None:
    found = judged(GOOD.with_body(needs=None, agreement={"Mary Smith": 1}))
    assert "Mary" not in repr(found)


@pytest.mark.parametrize(
    ("code", "pointer"), [("not_yours_to_say", "/data/kind"), ("not_your_fact", "/data/event_source")]
)
def test_judge_asks_the_table_of_outcomes(code: str, pointer: str) -> None:
    found = judged(OUTCOME, FixedTable(code=RefusalCode(code)))
    assert isinstance(found, Refusal)
    assert (found.code, found.pointer) == (code, pointer)


def test_judge_asks_the_table_of_a_creation() -> None:
    found = judged(GOOD, FixedTable(code=RefusalCode.NOT_YOURS_TO_SAY))
    assert isinstance(found, Refusal)
    assert found.pointer == "/type"


def test_judge_survives_a_table_that_fails() -> None:
    class Broken(FixedTable):
        def refusal(self, event: Envelope) -> RefusalCode | None:
            raise RuntimeError("Mary Smith")

    found = judged(GOOD, Broken())
    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.UNREADABLE


def test_source_without_an_entry_is_refused() -> None:
    other = sent(creation("meir", partner="stranger"))
    found = judge("/meir/stranger", other.key, other.value, other.headers, TABLE)
    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.UNKNOWN_SOURCE


def test_copy_is_the_record_with_a_receipt() -> None:
    record = replace(GOOD, partition=2).with_header("ce_time", b"2026-11-24T10:00:00.123456+00:00")
    event = judged(record)
    assert isinstance(event, Envelope)
    copy = copy_of(event, record, "7")
    assert (copy.topic, copy.key, copy.value) == ("meir.referral-created.v1", record.key, record.value)
    assert {name: copy.headers[f"ce_{name}"] for name in ("id", "source", "time", "subject")} == {
        name: record.attribute(name) for name in ("id", "source", "time", "subject")
    }
    assert {name: value for name, value in copy.headers.items() if name.startswith("linkwork-")} == {
        "linkwork-inbox": "in.meir.vast-hub",
        "linkwork-inbox-partition": "2",
        "linkwork-inbox-offset": "7",
        "linkwork-table-version": "7",
    }


def test_copy_is_read_as_the_event_by_every_service() -> None:
    event = judged(GOOD)
    assert isinstance(event, Envelope)
    copy = copy_of(event, GOOD, "7")
    headers = [(name, value.encode()) for name, value in copy.headers.items()]
    assert read(copy.topic, copy.key, copy.value, headers) == event


def test_copy_leaves_other_headers_behind() -> None:
    record = GOOD.with_header("x-name", b"Mary Smith").with_header("ce_note", b"owes money")
    event = judged(record.with_header("ce_dataschema", b"Mary Smith"))
    assert isinstance(event, Envelope)
    assert "Mary" not in repr(copy_of(event, record, "7").headers)


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(RefusalCode)
    assert set(REFUSALS) <= set(RefusalCode)


def test_retraction_of_a_neighbours_fact_is_refused() -> None:
    body = Retracted(
        referral_id=OUTCOME.attribute("subject"),
        locality="meir",
        event_source="/meir/history",
        event_id=OUTCOME.attribute("id"),
        reason=RetractReason.ENTERED_IN_ERROR,
    )
    found = judged(sent(said(body, PARTNER)))
    assert isinstance(found, Refusal)
    assert (found.code, found.pointer) == ("not_your_fact", "/data/event_source")
