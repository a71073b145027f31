"""The codes of refusals that a look-up or command may answer with, each with its status and its meaning."""

from collections.abc import Mapping
from typing import Final

# The code stands at the end of a problem document's `type`.
TYPE: Final = "urn:linkwork:problem:"
PROBLEMS: Final[Mapping[str, tuple[int, str]]] = {
    "no_token": (401, "There is no bearer token."),
    "invalid_token": (401, "The token does not hold. Ask the issuer for another."),
    "role": (403, "The token's role does not include this."),
    "scope": (403, "The token lacks a scope of the operation."),
    "part": (403, "The token is of no part that may ask this, or the part is not the partner's there."),
    "purpose": (403, "The token's part does not ask for this purpose."),
    "locality": (403, "The token does not cover the locality."),
    "no_such_referral": (404, "The referral is not known here."),
    "unknown_case": (404, "There is no such referral or meeting in the token's localities."),
    "unknown_meeting": (404, "The referral has no such meeting."),
    "unknown_link_worker": (404, "There is no such link worker in the locality."),
    "unknown_service": (404, "There is no such service in the locality's directory."),
    "unknown_prescription": (404, "There is no such service in a plan of the locality."),
    "not_owner": (409, "The part has another owner in the locality. `owner` names it."),
    "case_ended": (409, "The referral has ended."),
    "case_erased": (409, "The person has been erased."),
    "meeting_not_standing": (409, "The meeting was cancelled, moved or held."),
    "meeting_over": (409, "The meeting is over."),
    "already_booked": (409, "There is a meeting already."),
    "already_met": (409, "They have met already."),
    "slot_taken": (409, "The time is not free any more. Ask for others."),
    "no_other_time": (409, "No other time is free."),
    "next_step_needed": (422, "The referral would be left without a next step."),
    "already_started": (409, "The first visit has been recorded."),
    "signposted": (409, "Only details of the service were given: it is not asked."),
    "link_ended": (409, "The link worker ended the link, or too many wrong codes did."),
    "erased": (410, "The person has been erased. Drop what you hold."),
    "invalid": (422, "`errors` names what is wrong, and where."),
    "idempotency_key": (422, "The Idempotency-Key was used for another request."),
    "date_in_future": (422, "The day has not come yet."),
    "date_too_early": (422, "The day is before the referral."),
    "later_date": (422, "The day is from tomorrow to a year ahead."),
    "not_yours_to_say": (422, "The reason is not one that people give."),
    "too_many_requests": (429, "Wait as long as Retry-After says."),
    "unexpected": (500, "Something went wrong at the owner. Report the X-Request-ID."),
    "sign_in_unavailable": (503, "The owner cannot read the issuer's keys. Ask again."),
    "away": (503, "Not just now. Ask again after Retry-After."),
}
# Codes that every operation may answer with.
EVERYWHERE: Final = (
    "no_token",
    "invalid_token",
    "role",
    "scope",
    "part",
    "locality",
    "not_owner",
    "invalid",
    "too_many_requests",
    "unexpected",
    "sign_in_unavailable",
    "away",
)
