"""Each service's view is a function of the set of facts, and of those about its referral alone."""

from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import services.evaluation.definition
import services.matching.definition
import services.notifications.definition
import services.referral.definition
from shared.contract.events.envelope import UnknownOutcome
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import NoRepository, ServiceDefinition
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, UnitOfWork
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import Localities
from shared.platform.localities.loading import localities_of
from tests.harness.control import shipped, with_part
from tests.harness.delivery.memory import Memory, Stored
from tests.harness.history.journeys import LOCALITY, REFERRAL, contested, journeys, ref
from tests.harness.history.sayings import BRINGING


def localities() -> Localities:
    """The shipped table with sources of partners that bring the parts of these tests."""
    document = shipped()
    for source, part in BRINGING.items():
        document = with_part(document, source.rpartition("/")[2], part, LOCALITY)
    return localities_of(document, "table")


LOCALITIES = localities()
PARTS: list[ServiceDefinition[Any, Any]] = [
    services.evaluation.definition.service_definition(LOCALITIES),
    services.matching.definition.service_definition(LOCALITIES),
    services.notifications.definition.folding_definition(LOCALITIES),
    services.referral.definition.service_definition(LOCALITIES),
]
# Two other referrals, and one of another locality that goes by the same id.
OTHERS = [("meir", ref(2)), ("meir", ref(3)), ("longton", REFERRAL)]
often = settings(suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@often
@given(facts=st.one_of(journeys(), contested()), others=journeys(most=10), seed=st.integers(0, 2**32 - 1))
def test_any_interleaving_and_any_repetition_give_the_same_view(
    part: ServiceDefinition[Any, Any], facts: list[Fact], others: list[Fact], seed: int
) -> None:
    random = Random(seed)
    said = [heard(fact) for fact in facts]
    about_others = [heard(elsewhere(fact, random.choice(OTHERS))) for fact in others]
    coming = [*said, *about_others, *random.choices(said, k=len(said) // 2)]
    random.shuffle(coming)
    expected = part.to_document(part.fold(facts))
    assert view_after(part, in_batches(coming, random)) == expected


def heard(fact: Fact) -> ReceivedEvent:
    """The fact with its body as it stands on the bus."""
    if isinstance(fact.body, EventBody):
        raw = fact.body.model_dump_json(exclude_none=True).encode()
    else:
        raw = b'{"referral_id":"%s","locality":"%s","kind":"%s"}' % tuple(
            part.encode() for part in (fact.body.referral_id, fact.body.locality, fact.kind)
        )
    return ReceivedEvent(fact, raw)


def elsewhere(fact: Fact, place: tuple[str, str]) -> Fact:
    """The same, said by the same source under the same id, of another referral."""
    locality, referral_id = place
    if isinstance(fact.body, EventBody):
        body = fact.body.model_copy(update={"locality": locality, "referral_id": referral_id})
        return replace(fact, body=body)
    return replace(fact, body=UnknownOutcome(referral_id, locality, fact.body.kind))


def in_batches(coming: Sequence[ReceivedEvent], random: Random) -> list[Sequence[ReceivedEvent]]:
    """Cut where it may be: what was heard before is read from the database again."""
    cuts = sorted(random.choices(range(len(coming) + 1), k=random.choice([0, 1, 2])))
    return [coming[a:b] for a, b in zip([0, *cuts], [*cuts, len(coming)], strict=True) if a < b]


def view_after(part: ServiceDefinition[Any, Any], batches: Iterable[Sequence[ReceivedEvent]]) -> Any:
    """The stored view of this referral when the kernel has heard all of them."""
    quiet = replace(part, repository=NoRepository(), decisions={}, project=None)
    stored = Stored()
    for batch in batches:
        at_once(hear(quiet, stored, batch))
    return stored.documents[REFERRALS, f"{LOCALITY}/{REFERRAL}"]["view"]


async def hear(part: ServiceDefinition[Any, Any], stored: Stored, batch: Sequence[ReceivedEvent]) -> None:
    async def work(tx: Any) -> None:
        round_: UnitOfWork[Any, Any] = UnitOfWork(part, tx, system_clock(), new_id, "lane")
        await round_.read({(each.fact.body.locality, each.fact.body.referral_id) for each in batch})
        for each in batch:
            told = round_.aggregate(each.fact.body.locality, each.fact.body.referral_id).append(each)
            assert told in {"appended", "duplicate"}
        await round_.decide(lambda _: True)
        await round_.write()

    await Memory(stored, goes_on, None).transact(work)


async def goes_on(_: str) -> None:
    return


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Runs what never waits for anything."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")
