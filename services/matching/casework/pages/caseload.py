"""Today, the first page of a link worker: the day's meetings, tasks, and the caseload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.casework.case_list import CASELOAD, MINE, NOBODYS, OPEN_STAGES, chosen_cases
from services.matching.casework.pages.covering import covered_by, taken_from
from services.matching.referral_state.attention import NeedsYou
from services.matching.referral_state.pages.attention import button_for, instead_for, why
from services.matching.referral_state.pages.person_header import (
    ADDRESS,
    NAME_AND_TELEPHONE,
    Flag,
    flags,
    flags_in_brief,
    home_address,
    needs_in_words,
    person_contact,
)
from services.matching.referral_state.views import CaseLine, DiaryEntry, NeedsYouLine
from services.matching.web.banner import banner
from services.matching.web.features import queries
from services.matching.web.grammar import plural
from services.matching.web.templating import SignedInLinkWorker, localities, render, today
from shared.contract import labels
from shared.contract.events.vocabulary import MeetingMode, NextStepCode, Risk
from shared.delivery.mongo.kept_filters import KeptFilters
from shared.platform.clock import LONDON
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.lists import WAITING_DAYS, ListChoice, ListShape, part_of
from shared.platform.web.principal import Principal

router = APIRouter(include_in_schema=False)


PATH = "/matching/"
People = Mapping[str, Mapping[str, Any]]
NEEDS_YOU_LIST = ListShape("needs-you", {}, ("since",), page_name="needs_page")
_FILTERS = (
    ("stage", "How far", "Any stage", {stage.value: labels.STAGES[stage.value] for stage in OPEN_STAGES}),
    ("whose", "Link worker", "Yours, and nobody’s yet", {MINE: "Yours", NOBODYS: "Nobody’s yet"}),
    (
        "waiting",
        "Waiting since",
        "Any time",
        {str(days): f"More than {plural(days // 7, 'week')} ago" for days in WAITING_DAYS},
    ),
)

# Reasons that the link worker deals with by ringing the person.
TO_RING = frozenset({NeedsYou.RING, NeedsYou.TWO_MISSES, NeedsYou.DID_NOT_START})


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """One meeting of today."""

    meeting_id: str
    referral_id: str
    starts_at: datetime
    minutes: int
    name: str
    telephone: str | None
    about: str
    # Another owner or partner, if it is not ours.
    booked_by: str | None
    flags: tuple[Flag, ...]
    alert: bool
    # The address of a home visit, or the reason why it cannot be shown; empty for other meetings.
    home_address: str
    # The outcome, once it is known.
    over: str
    has_risk_note: bool
    risk_note: str | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next meeting, on a day without any."""

    meeting_id: str
    starts_at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task for a person. `instead` is a second, quiet link: its label and address."""

    why: str
    service_telephone: str | None
    button: str
    href: str
    # A second, quiet link: its label and address.
    instead: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Card:
    """One person under "Needs you", with all their tasks, oldest first."""

    referral_id: str
    name: str
    since: date
    waited: str
    flags: tuple[Flag, ...]
    telephone: str | None
    tasks: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of the caseload."""

    referral_id: str
    name: str
    stage: str
    stage_colour: str
    flags: tuple[Flag, ...]
    next_step: str
    # The time, if the next step is a meeting.
    at: datetime | None
    on: date | None
    overdue: bool
    made: date


@router.get(PATH)
async def caseload(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the page Today."""
    return await _today_page(request, caller)


@router.post("/matching/keep-filter")
async def keep(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Keeps the filter of the caseload, or forgets it."""
    query = text_field(form, "query", 400)
    await _kept(request).keep(caller, CASELOAD, query)
    return RedirectResponse(f"{PATH}{CASELOAD.parse(query).query}#caseload", 303)


@router.post("/matching/risk")
async def risk(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Serves the page Today with the risk note of one person shown."""
    # A POST, so that a note is in no address and going back does not show it again.
    return await _today_page(request, caller, text_field(form, "referral"))


async def _today_page(request: Request, caller: Principal, show_risk_of: str | None = None) -> Response:
    asks = queries(request)
    diary, tasks, cases = (
        await asks.booking.today(caller),
        await asks.casework.needs_you(caller),
        await asks.casework.caseload(caller),
    )
    choice, kept = await _choice(request, caller)
    needs = NEEDS_YOU_LIST.read(request.query_params)
    shown = part_of(chosen_cases(cases, choice, asks.now()), choice.page)
    by_person = part_of(_by_person(tasks), needs.page)
    ahead = _next_meeting(cases, asks.now())
    lines = {line.referral_id: line for line in (*shown, *([ahead] if ahead else []))}
    covered = {each.referral_id for each in await asks.team.covers_of_mine(caller)}
    lines |= {line.referral_id: line for line in cases if line.referral_id in covered}
    lines |= {theirs[0].case.referral_id: theirs[0].case for theirs in by_person}
    lines |= {entry.case.referral_id: entry.case for entry in diary}
    people = await asks.referrals.people(caller, list(lines.values()), NAME_AND_TELEPHONE, "caseload")
    visits = [entry.case for entry in diary if entry.meeting.mode is MeetingMode.HOME]
    addresses = await asks.referrals.people(caller, visits, ADDRESS, "meeting")
    notes: dict[str, str] = {}
    line = lines.get(show_risk_of or "")
    if line is not None and line.risk_note:
        notes = await asks.referrals.notes(caller, line.referral_id, [line.risk_note])
    day, places = today(request), localities(request)
    worker = await asks.roster.link_worker(caller)
    return render(
        request,
        "caseload.html",
        today=day,
        meetings=[_meeting(entry, people, addresses, show_risk_of, notes) for entry in diary],
        ahead=_ahead(ahead, people),
        cards=[_card(theirs, people, day) for theirs in by_person],
        covered_by=await covered_by(request, caller, people),
        needs=needs,
        needs_part=by_person,
        taken=await taken_from(request, caller),
        off_today=worker.away(day),
        booked_elsewhere=asks.booking.owner(worker.locality),
        cases=[_case(each, people, day) for each in shown],
        open_cases=len(cases),
        choice=choice,
        part=shown,
        kept=kept,
        filters=_FILTERS,
        elsewhere=sum(line.kept_elsewhere for line in lines.values()),
        names_missing=any(not line.kept_elsewhere for line in lines.values()) and not people,
        hub=places.hub,
        done=banner(request),
    )


def _kept(request: Request) -> KeptFilters:
    asks = queries(request)
    return KeptFilters(asks.casework.kernel.mongo, asks.clock)


async def _choice(request: Request, caller: Principal) -> tuple[ListChoice, str]:
    """The filter and order of the address, or else the kept one; and the kept one as it is stored."""
    kept = await _kept(request).of(caller, CASELOAD)
    choice = CASELOAD.read(request.query_params)
    if kept is not None and not CASELOAD.chooses(request.query_params):
        choice = kept
    return choice, kept.kept if kept else ""


def _meeting(
    entry: DiaryEntry, people: People, addresses: People, opened: str | None, notes: Mapping[str, str]
) -> MeetingRow:
    meeting, line = entry.meeting, entry.case
    person, warnings = person_contact(people, line.referral_id), flags(line)
    note: str | None = None
    if opened == line.referral_id:
        note = notes.get(line.risk_note or "", "The note cannot be shown just now. Try again in a minute.")
    return MeetingRow(
        meeting_id=meeting.meeting_id,
        referral_id=line.referral_id,
        starts_at=meeting.starts_at,
        minutes=meeting.minutes,
        name=person.name,
        telephone=person.telephone,
        about=f"{meeting.place}. {needs_in_words(line.needs)}.",
        booked_by=meeting.booked_by,
        home_address=home_address(meeting, line, addresses),
        flags=warnings,
        alert=line.risk is Risk.SEE_NOTE,
        over=labels.DIARY_MEETINGS[meeting.status],
        has_risk_note=line.risk is Risk.SEE_NOTE and line.risk_note is not None,
        risk_note=note,
    )


def _next_meeting(cases: Sequence[CaseLine], now: datetime) -> CaseLine | None:
    """The case of the caseload whose meeting is next."""
    booked = [(line.active.starts_at, line) for line in cases if line.active and line.active.starts_at > now]
    return min(booked, key=lambda each: each[0])[1] if booked else None


def _ahead(line: CaseLine | None, people: People) -> Ahead | None:
    if line is None or line.active is None:
        return None
    name = person_contact(people, line.referral_id).name
    return Ahead(line.active.meeting_id, line.active.starts_at, name)


def _by_person(tasks: Sequence[NeedsYouLine]) -> list[list[NeedsYouLine]]:
    """The tasks of each person, in the order of their oldest task."""
    by_person: dict[str, list[NeedsYouLine]] = {}
    for task in tasks:
        by_person.setdefault(task.case.referral_id, []).append(task)
    return list(by_person.values())


def _card(tasks: Sequence[NeedsYouLine], people: People, day: date) -> Card:
    line = tasks[0].case
    person = person_contact(people, line.referral_id)
    since = tasks[0].reason.since.astimezone(LONDON).date()
    to_ring = any(task.reason.reason in TO_RING for task in tasks)
    return Card(
        referral_id=line.referral_id,
        name=person.name,
        since=since,
        waited=_waited((day - since).days),
        flags=flags(line) if to_ring else tuple(flag for flag in flags(line) if flag.kind != "contact"),
        telephone=person.telephone if to_ring else None,
        tasks=tuple(_task(task) for task in tasks),
    )


def _task(task: NeedsYouLine) -> TaskRow:
    asks_service = task.reason.reason is NeedsYou.SERVICE_SILENT
    text, href = button_for(task)
    return TaskRow(
        why=why(task),
        service_telephone=task.service_telephone if asks_service else None,
        button=text,
        href=href,
        instead=instead_for(task),
    )


def _waited(days: int) -> str:
    return "Today" if days <= 0 else plural(days, "day")


def _case(line: CaseLine, people: People, day: date) -> CaseRow:
    step = line.step
    meets = line.active if step and step.code is NextStepCode.MEET else None
    return CaseRow(
        referral_id=line.referral_id,
        name=person_contact(people, line.referral_id).name,
        stage=labels.STAGES[line.stage.value],
        stage_colour=labels.STAGE_COLOURS.get(line.stage.value, "grey"),
        flags=flags_in_brief(line),
        next_step=labels.NEXT_STEPS[step.code.value] if step else "No next step yet",
        at=meets.starts_at if meets else None,
        on=step.on if step else None,
        overdue=step is not None and step.on < day,
        made=line.created_at.astimezone(LONDON).date(),
    )
