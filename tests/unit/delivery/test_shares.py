"""The shares of work among processes: whole, nearly even, and steady when processes come and go."""

from collections import Counter

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

from shared.contract.events.topics import event_topics, inbox_topic
from shared.delivery.kafka.instance import client_id
from shared.delivery.mongo.shares import set_name, shares_of

HOLDERS = ["one", "two", "three", "four"]
NAMES = [f"booker/place-{number}" for number in range(400)]
SLUGS = [f"place-{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(100)]
REPLICAS = ["matching", "matching-2", "matching-3", "matching-4"]


class Topics:
    """The part of aiokafka's metadata that an assignor asks."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def partitions_for_topic(self, _: str) -> set[int]:
        return self._partitions


def test_shares_cover_every_name_nearly_evenly() -> None:
    shares = shares_of(NAMES, HOLDERS)
    assert list(shares) == NAMES
    assert all(70 <= count <= 130 for count in Counter(shares.values()).values())
    assert shares == shares_of(NAMES, HOLDERS[::-1])


def test_shares_of_a_holder_that_goes_move_alone() -> None:
    before, after = shares_of(NAMES, HOLDERS), shares_of(NAMES, HOLDERS[:-1])
    assert {before[name] for name in NAMES if before[name] != after[name]} == {"four"}


def test_shares_of_one_holder_are_everything() -> None:
    assert set(shares_of(NAMES, ["one"]).values()) == {"one"}
    assert shares_of([], HOLDERS) == {}


def test_sets_have_one_name_in_any_order() -> None:
    assert set_name(["meir", "longton"]) == set_name(["longton", "meir"])
    assert set_name(["meir"]) != set_name(["meir", "longton"])


def _partitions_of(partitions: int, replicas: list[str], *, named: bool) -> Counter[str]:
    """The partitions of each replica over all localities. `named`: by its client ids, else by its name."""
    found: Counter[str] = Counter()
    for slug in SLUGS:
        ids = {name: client_id("matching", slug, name) if named else name for name in replicas}
        wanted = ConsumerProtocolMemberMetadata(0, event_topics(slug), b"")
        members = {f"{ids[name]}-0001": wanted for name in replicas}
        assigned = RangePartitionAssignor.assign(Topics(partitions), members)
        for name in replicas:
            topics = assigned[f"{ids[name]}-0001"].assignment
            found[name] += sum(len(numbers) for _, numbers in topics)
    return found


def test_no_replica_has_the_larger_share_everywhere() -> None:
    """Three partitions among two replicas are two and one, in half of the localities the other way round."""
    by_name = _partitions_of(3, REPLICAS[:2], named=False)
    assert by_name == {"matching": 600, "matching-2": 300}
    two = _partitions_of(3, REPLICAS[:2], named=True)
    assert all(400 <= count <= 500 for count in two.values())
    four = _partitions_of(3, REPLICAS, named=True)
    assert all(160 <= count <= 290 for count in four.values())


def test_client_id_is_found_again_by_its_successor() -> None:
    assert client_id("matching", "meir", "one") == client_id("matching", "meir", "one")
    assert client_id("matching", "meir", "one") != client_id("matching", "meir", "two")
    assert client_id("matching", "meir", "") == "linkwork-matching-meir"


def test_inboxes_are_shared_among_all_who_judge() -> None:
    inboxes = [inbox_topic(f"/{slug}/history") for slug in SLUGS]
    wanted = ConsumerProtocolMemberMetadata(0, inboxes, b"")
    assigned = RoundRobinPartitionAssignor.assign(Topics(1), dict.fromkeys(REPLICAS, wanted))
    assert {len(assigned[name].assignment) for name in REPLICAS} == {25}
