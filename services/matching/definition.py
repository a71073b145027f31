"""Matching as the kernel drives it: fold, decisions, tasks, and the store of resources."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import (
    DECISIONS,
    RETRY_BOOKING,
    reconcile_now,
    reserve_for_urgent,
    retry_booking,
)
from services.matching.booking.repository import DiaryStore, release_times, to_look_at
from services.matching.booking.standing import reserve_standing
from services.matching.casework.consents import drop_consents, record_consents
from services.matching.casework.drafts import drop_drafts
from services.matching.casework.team.handed import drop_hand_overs
from services.matching.provider.link_states import drop_links
from services.matching.referral_state.state import FOLD_VERSION, ReferralState, fold, to_document
from services.matching.roster.covers import drop_covers
from shared.contract.events.fact import Fact
from shared.contract.history import SourceTable
from shared.delivery.model.service_definition import (
    Changed,
    Loaded,
    ServiceDefinition,
    no_fold_rules,
    no_sandbox,
)
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities.rules import ProgrammeRules, step_days, usual_rules


class MatchingStore:
    """The store that a unit of work reads from and writes to: diaries, consents, drafts of erased people."""

    def __init__(self, diaries: DiaryStore) -> None:
        self._diaries = diaries

    async def load(
        self, tx: Transaction, referrals: Sequence[Loaded[ReferralState]], now: datetime
    ) -> Diaries:
        """Loads the diaries of these referrals. Among several, urgent referrals get reservations first.

        Read in the transaction of the decision, like the other open referrals of persons whose referral was
        returned.
        """
        diaries = await self._diaries.load(tx, referrals, now)
        reserve_for_urgent([(one.referral_id, one.view) for one in referrals], diaries)
        diaries.referred_again = await _referred_again(tx, [one for one in referrals if one.view.is_returned])
        return diaries

    async def save(
        self, tx: Transaction, changes: Sequence[Changed[ReferralState]], resources: Diaries
    ) -> None:
        """Writes the touched diaries and the consents. Raises Conflict if another writer was first."""
        erased = [
            aggregate_id(each.locality, each.referral_id) for each in changes if each.after.story.erased
        ]
        await drop_drafts(tx, erased)
        await record_consents(tx, changes)
        await self._diaries.save(tx, resources)


async def forget_referrals(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes all that is kept beside the facts of referrals that a sandbox forgets."""
    cases = [aggregate_id(locality, referral) for referral in referrals]
    await drop_drafts(tx, cases)
    await drop_consents(tx, cases)
    await drop_links(tx, locality, referrals)
    await drop_covers(tx, locality, referrals)
    await drop_hand_overs(tx, locality, referrals)
    await release_times(tx, locality, referrals)


async def _referred_again(tx: Transaction, returned: Sequence[Loaded[ReferralState]]) -> frozenset[str]:
    """Those of these referrals whose person has another open one in the locality."""
    people = {
        one.referral_id: (one.locality, one.view.story.created.person_ref)
        for one in returned
        if one.view.story.created is not None
    }
    if not people:
        return frozenset()
    wanted = {
        "view.created.person_ref": {"$in": sorted({person for _, person in people.values()})},
        "view.open": True,
    }
    fields = {"locality": 1, "referral": 1, "view.created.person_ref": 1}
    found: dict[tuple[str, str], set[str]] = {}
    async for row in tx[REFERRALS].find(wanted, fields, session=tx.session):
        person = (row["locality"], row["view"]["created"]["person_ref"])
        found.setdefault(person, set()).add(row["referral"])
    return frozenset(referral for referral, person in people.items() if found.get(person, set()) - {referral})


def service_definition(
    sources: SourceTable,
    diaries: DiaryStore | None = None,
    *,
    rules: Callable[[], ProgrammeRules] = usual_rules,
    fold_rules_version: Callable[[str], int] = no_fold_rules,
    is_sandbox: Callable[[str], bool] = no_sandbox,
) -> ServiceDefinition[ReferralState, Diaries]:
    """The definition for a programme whose sources have these priorities (from its table)."""

    def folded(facts: Sequence[Fact]) -> ReferralState:
        return fold(facts, sources, step_days(rules()))

    return ServiceDefinition(
        name="matching",
        fold=folded,
        fold_version=FOLD_VERSION,
        to_document=to_document,
        repository=MatchingStore(diaries or DiaryStore()),
        decisions=DECISIONS,
        tasks={RETRY_BOOKING: retry_booking},
        exclusive="booker",
        fold_rules_version=fold_rules_version,
        is_sandbox=is_sandbox,
        forget=forget_referrals,
        look=reconcile_now,
        look_first=reserve_standing,
        look_at=to_look_at,
    )
