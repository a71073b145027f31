"""Finds people whom the caller may see. Each search is audited, before its answer is shown.

The index is searched at the caller's practices only. What it finds is narrowed by the same rules as lists and
names, and only then decrypted and compared.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.referral.identity.context import ReferralContext
from services.referral.identity.find.fitting import EXACT, distance_of
from services.referral.identity.find.index import MAX_CANDIDATES, Place, TooManyCandidates, candidates
from services.referral.identity.find.query import PersonQuery
from services.referral.identity.find.search_limit import count_search
from services.referral.identity.find.terms import TERM_FIELDS, criteria_of
from services.referral.identity.people import DetailsLocation, details_location
from services.referral.identity.person import StoredFields
from services.referral.identity.vault import entries
from services.referral.identity.vault.entries import Entry
from services.referral.referral_state.queries import in_localities, visible
from services.referral.web.errors import ValidationFailed
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.principal import Principal, Role
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceUnavailable
from shared.platform.web.validation import FieldError

# The roles that may search.
SEARCHERS: Final[tuple[Role, ...]] = ("referrer", "link_worker", "programme_admin")
MAX_SHOWN: Final = 20
_DIED: Final = frozenset({v.CloseReason.DIED.value, v.WithdrawReason.DIED.value})
_TOO_WIDE: Final = (
    "Add the NHS number, the reference, or a name with the date of birth: names are not shown to you, "
    "so that a search must mean one person"
)


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person by one of their referrals: the open one, or else the latest.

    Attributes:
        row: the stored referral.
        details: the person's details as this referral shows them; empty if the caller may not know them.
        kept: the vault that holds them.
        died: the referral ended by their death.
    """

    row: Row
    details: StoredFields
    kept: DetailsLocation
    died: bool = False

    @property
    def preferred_name(self) -> str | None:
        """The name that they like, if it is known, and the caller may know it."""
        return self.details.get("preferred_name")

    @property
    def name(self) -> str | None:
        """The full name, if the caller may know it."""
        if "family_name" not in self.details:
            return None
        return " ".join(self.details[part] for part in ("given_name", "family_name") if part in self.details)


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """The people who fit, best first. `too_many`: more fit than are shown, or than are compared."""

    people: list[FoundPerson]
    too_many: bool = False


@dataclass(frozen=True, slots=True)
class _Fitting:
    entry: Entry
    row: Row
    details: StoredFields
    distance: int

    @property
    def order(self) -> tuple[int, bool, float]:
        """Best first, then open, then latest."""
        view = self.row["view"]
        return self.distance, not view["open"], -view["created"].timestamp()


async def find_people(context: ReferralContext, caller: Principal, query: PersonQuery) -> FoundPeople:
    """The people who fit, of those whom the caller may see. Nobody else leaves a trace in the answer.

    Raises:
        ValidationFailed: the programme team searches too widely.
        Problem: 403 for another role; 429 after too many searches; 503 for a link worker while casework's
            owner does not say whose cases these are.
    """
    if caller.role not in SEARCHERS:
        raise Problem(403, code="role", detail="Your role does not include this.")
    if caller.role == "programme_admin" and not query.names_one_person:
        raise ValidationFailed([FieldError("/name", "search_too_wide", _TOO_WIDE)])
    await count_search(context, caller)
    try:
        found = await _found(context, caller, query)
    except TooManyCandidates:
        found = FoundPeople([], too_many=True)
    await _audit(context, caller, query, found)
    return found


async def _found(context: ReferralContext, caller: Principal, query: PersonQuery) -> FoundPeople:
    rows = await _rows_within_reach(context, caller, query)
    held = await _entries_of(context, caller, rows)
    if query.fields == ("reference",) and not held:
        # A referral of the caller's whose person was erased, or is in a partner's vault.
        mine = [row for row in rows.values() if caller.role != "link_worker" or _is_mine(caller, row)]
        located = [(row, details_location(context, row)) for row in mine]
        return FoundPeople([FoundPerson(row, {}, kept) for row, kept in located if kept != "here"])
    details = await context.vault.details_of_referrals(context.mongo, list(held.values()), TERM_FIELDS)
    fitting = [
        _Fitting(held[referral], rows[referral], known, distance)
        for referral, known in details.items()
        if (distance := distance_of(query, known)) is not None
        and (distance == EXACT or caller.role != "programme_admin")
    ]
    fitting.sort(key=lambda each: each.order)
    best: dict[str, _Fitting] = {}
    for each in fitting:
        best.setdefault(each.entry.person, each)
    shown = list(best.values())[:MAX_SHOWN]
    people = [await _shown(context, caller, each) for each in shown]
    return FoundPeople(people, too_many=len(best) > len(shown))


async def _rows_within_reach(
    context: ReferralContext, caller: Principal, query: PersonQuery
) -> dict[str, Row]:
    """Referrals that the caller may see and that the index says may fit, by referral.

    For a link worker: of their localities, until casework says which they may open.
    """
    reach = in_localities(caller) if caller.role == "link_worker" else visible(caller)
    if query.reference is not None:
        which = {"referral": query.reference} | reach
    else:
        found = await candidates(context.mongo, _places(context, caller), criteria_of(query))
        which = {"_id": {"$in": found}} | reach
    rows = context.mongo[REFERRALS].find(which, {"facts": 0})
    return {row["referral"]: row async for row in rows if context.speaks(row["locality"])}


def _places(context: ReferralContext, caller: Principal) -> list[Place]:
    """The practices at which the caller may find somebody, where referral is ours."""
    places = []
    for slug in sorted(caller.localities):
        locality = context.localities.by_slug.get(slug)
        if locality is None or not context.speaks(slug):
            continue
        all_of_them = [practice.ods for practice in locality.practices]
        theirs = [code for code in all_of_them if caller.role != "referrer" or caller.may_practice(code)]
        if theirs:
            places.append(Place(context.vault.index(slug), theirs))
    return places


async def _entries_of(
    context: ReferralContext, caller: Principal, rows: Mapping[str, Row]
) -> dict[str, Entry]:
    """The vault's entries of these referrals. It says itself which practice made one, and no event does."""
    held: dict[str, Entry] = {}
    for locality in sorted({row["locality"] for row in rows.values()}):
        referrals = [referral for referral, row in rows.items() if row["locality"] == locality]
        found = await entries.entries(context.mongo, locality, referrals)
        theirs = await _theirs(context, caller, locality, found, rows)
        held |= {referral: found[referral] for referral in theirs}
    if len(held) > MAX_CANDIDATES:
        raise TooManyCandidates
    return held


async def _theirs(
    context: ReferralContext,
    caller: Principal,
    locality: str,
    found: Mapping[str, Entry],
    rows: Mapping[str, Row],
) -> Collection[str]:
    """Those of these referrals whose person the caller may find: a link worker's own, and covered ones."""
    if caller.role == "referrer":
        return [referral for referral, entry in found.items() if caller.may_practice(entry.practice)]
    if caller.role == "programme_admin":
        return list(found)
    mine = {each for each in found if _is_mine(caller, rows[each])}
    try:
        cases = await context.opened_by(caller, locality, list(found))
    except ServiceUnavailable:
        if not mine:
            return ()  # The refusal would tell that there is somebody.
        detail = "It cannot be checked whose cases these are just now. Try again in a minute."
        raise Problem(503, code="casework_away", detail=detail) from None
    return (mine & cases.own) | cases.covered


def _is_mine(caller: Principal, row: Row) -> bool:
    """True if the caller is the link worker of a referral by its events."""
    return caller.link_worker is not None and bool(row["view"]["link_worker"] == caller.link_worker)


async def _shown(context: ReferralContext, caller: Principal, each: _Fitting) -> FoundPerson:
    row = each.row
    details = {} if caller.role == "programme_admin" else each.details
    died = not row["view"]["open"] and await _died(context, row)
    return FoundPerson(row, details, details_location(context, row), died)


async def _died(context: ReferralContext, row: Row) -> bool:
    whole = await context.mongo[REFERRALS].find_one({"_id": row["_id"]})
    if whole is None:
        return False
    endings = context.kernel.definition.fold(context.kernel.facts_of(whole)).story.endings
    return any(str(ending.reason) in _DIED for ending in endings)


async def _audit(context: ReferralContext, caller: Principal, query: PersonQuery, found: FoundPeople) -> None:
    """Stores the fields and the number of hits of a search, and the people whom it shows."""
    persons: Sequence[str] = sorted({each.row["view"]["person"] for each in found.people})
    hits = "many" if found.too_many else str(len(persons))
    await context.audits.reads(caller, "search_people", [f"search:{hits}"], ".".join(query.fields))
    await context.audits.reads(caller, "find_person", persons, "find")
