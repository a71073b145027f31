"""Details of plans for a person's own practice: asked of matching at the moment of showing, and audited.

They are shown where the person said yes to it, by our own account of the story and by matching's. Where
matching does not answer, stage and codes stay.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.referral.clients.matching import Matching, PlanSummary
from services.referral.identity.vault import entries
from services.referral.intake.service import ReferralService
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.platform.web.caller import Principal

PlanState = Literal["none", "not_agreed", "shown", "away"]
"""No plan yet; not agreed, or not asked; shown; agreed, but matching does not answer just now."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal, with the person's own words for it where the vault holds them."""

    need: v.Need
    words: str | None
    actions: tuple[v.ActionCode, ...]


@dataclass(frozen=True, slots=True)
class PlannedService:
    """One service of the plan; `status`, since that day, is a code of `labels.PRESCRIPTIONS`."""

    name: str
    need: v.Need
    status: str
    since: date


@dataclass(frozen=True, slots=True)
class Plan:
    """What a practice sees of a plan."""

    state: PlanState
    goals: tuple[Goal, ...] = ()
    services: tuple[PlannedService, ...] = ()


def may_see_details(caller: Principal, row: Row) -> bool:
    """Whether this reader may see more than stage and codes: a practice only where the person said yes."""
    return caller.role != "referrer" or row["view"]["details_to_gp"] == v.Agreed.YES


async def read_plans(
    desk: ReferralService, matching: Matching, caller: Principal, rows: Collection[Row]
) -> Mapping[str, Plan]:
    """The plans of these referrals by id, as their practice may see them. Raises nothing for a silence."""
    found = {row["referral"]: Plan(_without_asking(caller, row)) for row in rows}
    for locality in sorted({row["locality"] for row in rows}):
        wanted = [r for r in rows if r["locality"] == locality and found[r["referral"]].state == "away"]
        if wanted:
            found |= await _of(desk, matching, caller, locality, wanted)
    return found


def _without_asking(caller: Principal, row: Row) -> PlanState:
    view = row["view"]
    if not view["plan"] or caller.role != "referrer":
        return "none"
    agreed = view["details_to_gp"] == v.Agreed.YES and view["stage"] != "erased"
    return "away" if agreed else "not_agreed"


async def _of(
    desk: ReferralService, matching: Matching, caller: Principal, locality: str, rows: Sequence[Row]
) -> dict[str, Plan]:
    referrals = [row["referral"] for row in rows]
    # Written down before anything is asked: what cannot be audited is not shown.
    await desk.audits.reads(caller, "read_plan", sorted({row["view"]["person"] for row in rows}), "plan")
    told = await matching.plans(locality, referrals, caller.subject)
    if told is None:
        return {}
    words = await _words(desk, caller, locality, told)
    return {
        referral: _plan(told[referral], words.get(referral, {})) if referral in told else Plan("not_agreed")
        for referral in referrals
    }


def _plan(told: PlanSummary, words: Mapping[str, str]) -> Plan:
    return Plan(
        "shown",
        tuple(Goal(goal.need, words.get(goal.words or ""), goal.actions) for goal in told.goals),
        tuple(PlannedService(one.name, one.need, one.status, one.since) for one in told.services),
    )


async def _words(
    desk: ReferralService, caller: Principal, locality: str, told: Mapping[str, PlanSummary]
) -> dict[str, dict[str, str]]:
    """Goals in the persons' own words, by referral and note, as far as our vault holds them."""
    ids = [goal.words for plan in told.values() for goal in plan.goals if goal.words]
    if not ids:
        return {}
    mongo = desk.kernel.mongo
    held = await entries.entries(mongo, locality, list(told))
    mine = {referral: entry for referral, entry in held.items() if caller.may_practice(entry.practice)}
    keys = await desk.persons.keys(mongo, {entry.person for entry in mine.values()})
    notes = await entries.notes(mongo, locality, list(mine), ids=ids, kinds=["goal"])
    return {
        referral: {
            note.id: entries.note_text(note, keys[note.person])
            for note in notes.get(referral, [])
            if note.person == entry.person and note.person in keys
        }
        for referral, entry in mine.items()
    }
