"""The records that the compared programs are given."""

from collections import Counter
from itertools import islice

from bench.events import newcomers, records
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.models import ReferralCreated
from shared.contract.events.topics import topic


def test_every_record_is_an_event_of_ours() -> None:
    for record in [*records("meir", 300), *records("meir", 50, hexkit=True)]:
        event = read(topic("meir", "referral-created"), record.key, record.value, record.headers)
        assert isinstance(event, Envelope)
        assert isinstance(event.body, ReferralCreated)
        assert event.body.referral_id.encode() == record.key


def test_some_come_twice_and_some_referrals_have_a_second_fact() -> None:
    made = list(records("meir", 5000))
    ids = Counter(dict(record.headers)["ce_id"] for record in made)
    referrals = {record.key for record in made}
    assert sum(record.new for record in made) == len(referrals)
    assert 20 <= sum(count - 1 for count in ids.values()) <= 100
    assert 50 <= len(ids) - len(referrals) <= 200


def test_new_referrals_only() -> None:
    made = list(islice(newcomers("meir"), 40))
    assert len({record.key for record in made}) == 40
