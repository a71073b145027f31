"""What the partner of a run says is read by the contract's own reader; its poison is refused by it."""

import random

from chaos.journeys import Partner
from chaos.poison import sorts
from chaos.says import Saying
from shared.events.envelope import Envelope, Refused, read
from tests.chaos.small import NOW, identity


def a_partner(seed: int = 1) -> Partner:
    return Partner("meir", ["M83100"], random.Random(seed))


def read_by_the_contract(said: Saying) -> Envelope | Refused:
    return read(said.topic, said.key, said.value, said.headers)


def test_everything_that_a_partner_tells_is_an_event() -> None:
    partner = a_partner()
    told = [each for _ in range(200) for each in partner.history(NOW)]
    told += [partner.referral(NOW)[1] for _ in range(50)]
    told += [each for _ in range(200) for each in partner.outcomes(identity(1), identity(2), NOW)]
    assert [said for said in told if isinstance(read_by_the_contract(said), Refused)] == []


def test_poison_is_refused_where_it_can_only_be_set_aside_and_read_where_not() -> None:
    for sort, record, aside in sorts(a_partner(), NOW):
        assert isinstance(read_by_the_contract(record), Refused) == aside, sort


def test_the_same_seed_tells_the_same() -> None:
    assert a_partner(4).history(NOW) == a_partner(4).history(NOW)
