"""The contract's reader reads the events of a run's partner, and refuses its poison."""

import random
from collections import defaultdict

from aiokafka.partitioner import DefaultPartitioner

from chaos.journeys import Partner
from chaos.poison import PARTITIONS, sorts
from chaos.says import Saying
from services.referral.partners.checks import judge
from services.referral.partners.table import ProgrammeTable
from shared.contract.events.envelope import Envelope, Refused, read
from shared.contract.events.marker import Marker
from shared.platform.localities import load_localities
from tests.harness.chaos.small import NOW, identity


def a_partner(seed: int = 1) -> Partner:
    return Partner("meir", ["M83100"], random.Random(seed))


def read_by_the_contract(said: Saying) -> Envelope | Marker | Refused:
    return read(said.topic, said.key, said.value, said.headers)


def test_everything_that_a_partner_tells_is_an_event() -> None:
    partner = a_partner()
    told = [each for _ in range(200) for each in partner.history(NOW)]
    told += [partner.referral(NOW)[1] for _ in range(50)]
    told += [each for _ in range(200) for each in partner.outcomes(identity(1), identity(2), NOW)]
    assert [said for said in told if isinstance(read_by_the_contract(said), Refused)] == []


def test_admission_refuses_nothing_that_a_partner_tells() -> None:
    partner, table = a_partner(), ProgrammeTable(load_localities())
    told = [each for _ in range(200) for each in partner.history(NOW)]
    told += [each for _ in range(200) for each in partner.outcomes(identity(1), identity(2), NOW)]
    for said in (*told, partner.referral(NOW)[1]):
        assert said.inbox == "in.meir.history"
        judged = judge("/meir/history", said.key, said.value, said.headers, table)
        assert isinstance(judged, Envelope), judged


def poison(seed: int) -> list[tuple[str, Saying, bool]]:
    return sorts(a_partner(seed), NOW, random.Random(seed))


def test_poison_is_refused_or_read_as_each_case_demands() -> None:
    for sort, record, aside in (each for seed in range(10) for each in poison(seed)):
        assert isinstance(read_by_the_contract(record), Refused) == aside, sort


def test_each_sort_of_poison_comes_on_each_topic_where_it_can() -> None:
    topics: dict[str, set[str]] = defaultdict(set)
    for sort, record, _ in (each for seed in range(30) for each in poison(seed)):
        topics[sort].add(record.topic)
    assert {sort for sort, on in topics.items() if len(on) < 3} == {"an unknown kind"}


def test_another_partition_is_never_that_of_the_key() -> None:
    partitions = list(range(PARTITIONS))
    for seed in range(50):
        (elsewhere,) = (record for sort, record, _ in poison(seed) if sort == "another partition")
        assert elsewhere.partition in partitions
        assert elsewhere.partition != DefaultPartitioner()(elsewhere.key, partitions, partitions)


def test_the_same_seed_tells_the_same() -> None:
    assert a_partner(4).history(NOW) == a_partner(4).history(NOW)
