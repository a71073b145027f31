"""Cover as the case and Today tell of it: who opened a case, when, why, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.matching.casework.team.handed import Handed
from services.matching.casework.team.pages.words import COVER_REASONS
from services.matching.casework.team.views import CoverShown
from services.matching.referral_state.pages.person_header import person_contact
from services.matching.referral_state.views import CaseLine
from services.matching.web.features import queries
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Covering:
    """The covers of a case, as (colleague, reason, cover).

    `mine`: the reader's own, if it stands; `whose`: the name of the case's link worker then.
    """

    told: tuple[tuple[str, str, CoverShown], ...]
    mine: CoverShown | None = None
    whose: str | None = None


async def covering(request: Request, caller: Principal, line: CaseLine) -> Covering:
    """The covers of a case that the reader has open."""
    asks = queries(request).team
    found = await asks.covers_of(line.locality, line.referral_id)
    told = tuple((each.name, COVER_REASONS[each.reason], each) for each in found)
    if line.link_worker == caller.link_worker:
        return Covering(told)
    mine = next((one for one in found if one.link_worker == caller.link_worker and one.stands), None)
    whose = await asks.name_of(line.link_worker) if line.link_worker else None
    return Covering(told, mine, whose)


async def taken_from(request: Request, caller: Principal) -> list[Handed]:
    """The reader's cases that others gave to a colleague within the last day, and that can be taken back."""
    gone = await queries(request).team.gone_lately(caller)
    return [each for each in gone if each.by != caller.subject]


async def covered_by(
    request: Request, caller: Principal, people: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, str, CoverShown]]:
    """The reader's cases that colleagues cover or covered lately: person, colleague, reason, cover."""
    return [
        (person_contact(people, each.referral_id).name, each.name, COVER_REASONS[each.reason], each)
        for each in await queries(request).team.covers_of_mine(caller)
    ]
