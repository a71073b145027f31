"""Details of plans for a person's own practice, read from matching for each page and audited.

A page shows them if the person agreed, by our own state and by matching's. If matching does not answer, the
page still shows stage and codes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.referral.clients.matching import Matching
from services.referral.identity.context import ReferralContext
from services.referral.identity.vault import entries
from services.referral.tracking.schemas import PlanState
from shared.contract.api.casework import PlanSummary
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, with the person's own words if the vault holds them."""

    need: v.Need
    words: str | None
    actions: tuple[v.ActionCode, ...]


@dataclass(frozen=True, slots=True)
class PlannedService:
    """A service of the plan. `status` is a code of `labels.PRESCRIPTIONS`, true since that day."""

    name: str
    need: v.Need
    status: str
    since: date


@dataclass(frozen=True, slots=True)
class Plan:
    """The part of a plan that a practice may see."""

    state: PlanState
    goals: tuple[Goal, ...] = ()
    services: tuple[PlannedService, ...] = ()


def may_see_details(caller: Principal, row: Row) -> bool:
    """True if this reader may see more than stage and codes. A practice needs the person's agreement."""
    return caller.role != "referrer" or row["view"]["details_to_gp"] == v.Agreed.YES


async def read_plans(
    context: ReferralContext, matching: Matching, caller: Principal, rows: Collection[Row]
) -> Mapping[str, Plan]:
    """The plans of these referrals, by id, as their practice may see them. Silence raises nothing."""
    found = {row["referral"]: Plan(_state_without_matching(caller, row)) for row in rows}
    for locality in sorted({row["locality"] for row in rows}):
        wanted = [r for r in rows if r["locality"] == locality and found[r["referral"]].state == "away"]
        if wanted:
            found |= await _from_matching(context, matching, caller, locality, wanted)
    return found


def _state_without_matching(caller: Principal, row: Row) -> PlanState:
    view = row["view"]
    if not view["plan"] or caller.role != "referrer":
        return "none"
    agreed = view["details_to_gp"] == v.Agreed.YES and view["stage"] != "erased"
    return "away" if agreed else "not_agreed"


async def _from_matching(
    context: ReferralContext, matching: Matching, caller: Principal, locality: str, rows: Sequence[Row]
) -> dict[str, Plan]:
    referrals = [row["referral"] for row in rows]
    await context.audits.reads(caller, "read_plan", sorted({row["view"]["person"] for row in rows}), "plan")
    summaries = await matching.plans(locality, referrals, caller.subject)
    if summaries is None:
        return {}
    words = await _words(context, caller, locality, summaries)
    return {
        referral: _plan(summaries[referral], words.get(referral, {}))
        if referral in summaries
        else Plan("not_agreed")
        for referral in referrals
    }


def _plan(summary: PlanSummary, words: Mapping[str, str]) -> Plan:
    return Plan(
        "shown",
        tuple(Goal(goal.need, words.get(goal.words or ""), goal.actions) for goal in summary.goals),
        tuple(PlannedService(each.name, each.need, each.status, each.since) for each in summary.services),
    )


async def _words(
    context: ReferralContext, caller: Principal, locality: str, summaries: Mapping[str, PlanSummary]
) -> dict[str, dict[str, str]]:
    """Goals in the people's own words, by referral and note, as far as our vault holds them."""
    ids = [goal.words for summary in summaries.values() for goal in summary.goals if goal.words]
    if not ids:
        return {}
    mongo = context.mongo
    held = await entries.entries(mongo, locality, list(summaries))
    mine = {referral: entry for referral, entry in held.items() if caller.may_practice(entry.practice)}
    keys = await context.vault.keys(mongo, {entry.person for entry in mine.values()})
    notes = await entries.notes(mongo, locality, list(mine), ids=ids, kinds=["goal"])
    return {
        referral: {
            note.id: entries.note_text(note, keys[note.person])
            for note in notes.get(referral, [])
            if note.person == entry.person and note.person in keys
        }
        for referral, entry in mine.items()
    }
