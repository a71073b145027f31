"""Events of the kernel's state machine: of three referrals, by others and by us."""

from functools import lru_cache

from shared.contract.events.envelope import Envelope
from shared.delivery.model.facts import canonical
from tests.harness.delivery.broker import LOCALITY, Record
from tests.harness.delivery.toy import created, missed, said

OURS = frozenset(f"/{LOCALITY}/{part}" for part in ("booking", "casework"))


def ident(sort: int, number: int) -> str:
    return f"00000000-0000-7000-800{sort}-{number:012d}"


REFERRALS_KNOWN = [ident(1, n) for n in range(3)]


def facts_about(referral_id: str) -> list[Envelope]:
    """Events of others about a referral: its creation, and two missed meetings of another system."""
    body = created(LOCALITY, referral_id).model_copy(update={"person_ref": referral_id})
    missing = [missed(LOCALITY, referral_id, ident(3, n)) for n in range(2)]
    first = REFERRALS_KNOWN.index(referral_id) * 10
    return [said(each, identity=ident(2, first + n)) for n, each in enumerate([body, *missing])]


POOL = [event for referral_id in REFERRALS_KNOWN for event in facts_about(referral_id)]


_canonical = lru_cache(canonical)


def is_ours(record: Record) -> bool:
    """True if it was said in our name."""
    return (dict(record.headers).get("ce_source") or b"").decode() in OURS


def fact_of(record: Record) -> tuple[str, str, bytes]:
    """Source, id and body of a fact, so that equal ones are the same."""
    headers = dict(record.headers)
    return (
        (headers["ce_source"] or b"").decode(),
        (headers["ce_id"] or b"").decode(),
        _canonical(record.value or b""),
    )
