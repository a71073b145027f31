"""Records of a source that brings a part: its owner's word in its own epoch, and nothing else."""

import pytest

from services.referral.partners.checks import judge
from services.referral.partners.ownership import refusal_of_owner
from services.referral.partners.table import ProgrammeTable
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope
from shared.contract.events.headers import EPOCH_HEADER
from shared.contract.events.outcomes import MeetingWaiting
from shared.platform.ids import new_id
from shared.platform.localities import OURS
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_owner
from tests.harness.control import shipped
from tests.harness.delivery.toy import said
from tests.harness.referral.partners import NOW, sent

SOURCE = "/meir/booking-js"


def table(owner: str, epoch: int) -> ProgrammeTable:
    document = with_owner(shipped(), "meir", "booking", owner, epoch)
    return ProgrammeTable(localities_of(document, "table"))


@pytest.mark.parametrize(
    ("owner", "epoch", "ended", "named", "code"),
    [
        ("booking-js", 1, None, None, None),
        ("booking-js", 1, None, 1, None),
        ("booking-js", 1, None, 2, "wrong_epoch"),
        ("booking-js", 1, 1, 1, "not_owner"),
        (OURS, 2, 1, None, "not_owner"),
        (OURS, 2, 1, 2, "not_owner"),
        ("booking-js", 3, 1, None, "wrong_epoch"),
        ("booking-js", 3, 1, 1, "wrong_epoch"),
        ("booking-js", 3, 1, 3, None),
        ("booking-js", 3, 3, 3, "not_owner"),
    ],
)
def test_record_of_an_owner_is_of_its_epoch(
    owner: str, epoch: int, ended: int | None, named: int | None, code: str | None
) -> None:
    assert refusal_of_owner(table(owner, epoch).locality("meir"), SOURCE, ended, named) == code


def test_source_beside_our_parts_needs_no_epoch() -> None:
    meir = table("booking-js", 3).locality("meir")
    assert refusal_of_owner(meir, "/meir/vast-hub", 1, None) is None
    assert refusal_of_owner(None, SOURCE, 1, None) is None


@pytest.mark.parametrize("value", [b"", b"03", b"three", b"3.0", b"-3", b"30000000"])
def test_epoch_in_another_form_is_a_wrong_one(value: bytes) -> None:
    body = MeetingWaiting(
        referral_id=new_id(), locality="meir", reason=v.WaitingReason.NO_SLOT, expected_by=NOW.date()
    )
    record = sent(said(body, "booking-js", time=NOW))

    def judged(epoch: bytes) -> object:
        headers = record.with_header(EPOCH_HEADER, epoch).headers
        found = judge(SOURCE, record.key, record.value, headers, table("booking-js", 3), 1)
        return None if isinstance(found, Envelope) else getattr(found, "code", found)

    assert (judged(value), judged(b"3")) == ("wrong_epoch", None)
