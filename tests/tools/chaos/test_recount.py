"""The recount equals the evaluation's count, for all events of the load."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest

from chaos.account import accounts
from chaos.counting import RANKS
from chaos.journeys import Partner
from chaos.log import Entry, Event, read
from chaos.recount import recounted, shown
from chaos.says import Saying, saying
from services.evaluation.contributions.contribution import contribution_of
from services.evaluation.contributions.measures import MeasureKey
from services.evaluation.reports.programme import FiguresRequest, Programme
from services.evaluation.totals.periods import Calendar
from services.evaluation.totals.totals import PROGRAMME
from shared.contract.events.envelope import Envelope
from shared.contract.events.envelope import read as read_by_the_contract
from shared.contract.events.fact import Fact
from shared.contract.history import fold_referral
from shared.delivery.model.facts import ReceivedEvent
from shared.platform.localities import load_localities
from tests.harness.chaos.small import NOW
from tests.harness.history.sources import RankedBy


def told(seed: int) -> list[Saying]:
    """Histories, and what becomes of meetings that were found."""
    partner = Partner("meir", ["M83100"], random.Random(seed))
    said = [each for _ in range(150) for each in partner.history(NOW)]
    for _ in range(100):
        referral, created = partner.referral(NOW)
        meeting = {
            "referral_id": referral,
            "meeting_id": partner.new_id(),
            "sequence": 0,
            "link_worker": "lw-meir-1",
            "practice": "M83100",
            "starts_at": (NOW + timedelta(days=2)).isoformat(),
            "minutes": 30,
        }
        booked = saying("meir", "meeting-booked", partner.new_id(), NOW, meeting, "matching")
        said += [created, booked, *partner.outcomes(referral, str(meeting["meeting_id"]), NOW)]
    return said


def events_of(said: list[Saying]) -> list[Event]:
    entries = [
        Entry(s.topic, 0, place, 100.0 + place, s.key, s.value, tuple(s.headers))
        for place, s in enumerate(said)
    ]
    return [event for entry in entries if (event := read(entry))]


SOURCES = RankedBy(lambda source: RANKS[source.rpartition("/")[2]])


def counted_by_the_service(said: list[Saying]) -> dict[str, Counter[str]]:
    localities = load_localities()
    facts: dict[str, list[Fact]] = defaultdict(list)
    for each in said:
        envelope = read_by_the_contract(each.topic, each.key, each.value, each.headers)
        assert isinstance(envelope, Envelope)
        facts[envelope.body.referral_id].append(ReceivedEvent.of(envelope).fact)
    sums: Counter[MeasureKey] = Counter()
    for of_one in facts.values():
        sums.update(dict(contribution_of(fold_referral(of_one, SOURCES))))
    calendar = Calendar(date(2025, 1, 6), NOW.date())
    names = {each.slug: each.name for each in localities}
    answer = Programme({"meir": sums}, names, calendar).figures(
        FiguresRequest(("meir",), calendar.since_start, exact=True)
    )
    return {place.place: shown(place.model_dump(mode="json")) for place in answer.places}


@pytest.mark.parametrize("seed", range(2))
def test_both_counts_agree(seed: int) -> None:
    said = told(seed)
    again, service = recounted(accounts(events_of(said)).values()), counted_by_the_service(said)
    for place in (PROGRAMME, "meir"):
        assert +again[place] == +service[place]
    names = " ".join(+again["meir"])
    for what in ("waits", "unmet", "routes", "follow-up paired", "follow-up due", "change", "barriers"):
        assert what in names, f"the load says nothing that makes {what}"
