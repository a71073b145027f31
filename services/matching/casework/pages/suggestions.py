"""Suggested services for one need on the meeting page, with reasons, and near misses with reasons against."""

from dataclasses import dataclass

from fastapi import Request

from services.matching.directory.pages.service_words import ServiceInWords, in_words
from services.matching.directory.ranking import RankedService, WhyNot
from services.matching.referral_state.commands import GOING_ON
from services.matching.referral_state.views import CaseShown
from services.matching.web.features import queries
from services.matching.web.templating import today
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.platform.web.principal import Principal

MOST_SHOWN = 10
# This many are shown with their reasons. The others are folded away below them.
AT_FIRST = 3

UNMET_BY: dict[WhyNot, v.UnmetReason] = {
    WhyNot.FULL: v.UnmetReason.FULL,
    WhyNot.WAITING_LIST: v.UnmetReason.FULL,
    WhyNot.TOO_FAR: v.UnmetReason.TOO_FAR,
    WhyNot.AGE: v.UnmetReason.INELIGIBLE,
    WhyNot.NOT_STEP_FREE: v.UnmetReason.ACCESS,
    WhyNot.NO_TIMES: v.UnmetReason.HOURS,
    WhyNot.CLOSED: v.UnmetReason.NO_SERVICE,
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One service and its reasons. `add` and `share` name its fields in the form."""

    add: str
    share: str
    listing: ServiceInWords
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    next_session: str
    can_be_asked: bool
    in_plan: bool


@dataclass(frozen=True, slots=True)
class NeedSuggestions:
    """The services of the directory for one need. `likely_reason` is the code of an unmet reason.

    `best` and `others` are suitable, in the order of the ranking. If none is suitable, `likely_reason` is
    the reason that most near misses share.
    """

    code: str
    title: str
    best: tuple[Suggestion, ...]
    others: tuple[Suggestion, ...]
    near_misses: tuple[Suggestion, ...]
    likely_reason: str


async def suggested(request: Request, caller: Principal, case: CaseShown, need: v.Need) -> NeedSuggestions:
    """The services worth showing for one need."""
    ranked = await queries(request).prescribing.ranked_services(
        caller, case.line.referral_id, need, MOST_SHOWN
    )
    open_already = {each.service_id for each in case.prescriptions if each.status in GOING_ON}
    day = today(request)

    def suggestion(each: RankedService) -> Suggestion:
        return Suggestion(
            add=f"add:{need.value}:{each.service.id}",
            share=f"share:{need.value}:{each.service.id}",
            listing=in_words(each.service, day, each.availability),
            reasons=each.sentences,
            against=each.against,
            next_session=each.next_session or "",
            can_be_asked=each.can_be_asked,
            in_plan=each.service.id in open_already,
        )

    suitable = tuple(suggestion(each) for each in ranked if each.suitable)
    return NeedSuggestions(
        code=need.value,
        title=labels.NEEDS[need.value],
        best=suitable[:AT_FIRST],
        others=suitable[AT_FIRST:],
        near_misses=tuple(suggestion(each) for each in ranked if not each.suitable),
        likely_reason=_likely_reason(ranked).value,
    )


def _likely_reason(ranked: list[RankedService]) -> v.UnmetReason:
    found = [UNMET_BY[why] for each in ranked for why in each.why_not if why in UNMET_BY]
    return max(found, key=found.count) if found else v.UnmetReason.NO_SERVICE
