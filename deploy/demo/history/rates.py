"""Rates of the invented history, after what public evaluations report."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contract.events import vocabulary as v

REFERRALS = 300
WEEKS = 26

# Busier localities refer more.
LOCALITIES: Mapping[str, float] = {
    "meir": 1.2,
    "longton": 1.3,
    "middleport": 0.7,
    "burslem-cobridge": 1.1,
    "bentilee": 1.1,
    "shelton": 1.1,
    "chesterton-silverdale": 0.9,
    "leek-werrington": 0.9,
}
ROUTES: Mapping[v.Route, float] = {
    v.Route.PRACTICE: 70,
    v.Route.HUB: 10,
    v.Route.CARE_NAVIGATOR: 8,
    v.Route.HOSPITAL: 5,
    v.Route.COUNCIL: 4,
    v.Route.SELF: 3,
}
AGES: Mapping[v.AgeBand, float] = {
    v.AgeBand.FROM_18: 7,
    v.AgeBand.FROM_25: 12,
    v.AgeBand.FROM_35: 14,
    v.AgeBand.FROM_45: 16,
    v.AgeBand.FROM_55: 17,
    v.AgeBand.FROM_65: 15,
    v.AgeBand.FROM_75: 13,
    v.AgeBand.FROM_85: 6,
}
NEEDS: Mapping[v.Need, float] = {
    v.Need.BEFRIENDING: 26,
    v.Need.DEBT: 13,
    v.Need.BENEFITS: 11,
    v.Need.HOUSING: 8,
    v.Need.JOB: 6,
    v.Need.EXERCISE: 10,
    v.Need.OUTDOORS: 6,
    v.Need.GARDENING: 5,
    v.Need.CRAFT: 6,
    v.Need.CARING: 6,
    v.Need.BEREAVEMENT: 6,
    v.Need.OTHER: 3,
    v.Need.NOT_SURE: 9,
    v.Need.SENSITIVE: 3,
}
SAFE_TO_TEXT = {v.SafeToText.YES: 68, v.SafeToText.RING: 20, v.SafeToText.NOT_KNOWN: 12}
AGREED_HOW = {v.AgreedHow.IN_PERSON: 60, v.AgreedHow.PHONE: 33, v.AgreedHow.VIDEO: 5, v.AgreedHow.WRITING: 2}
LANGUAGES = {"en": 91, "ur": 4, "pl": 2, "pa": 1, "ar": 1, "ro": 1}

# Ends of referrals before a meeting, in per cent.
ENDS_EARLY = {"declined": 7, "not_reached": 3, "withdrawn": 2, "returned": 1, "goes_on": 87}
WAITS_FOR_A_SLOT = 0.08
CANCELLED = 0.07
# Days from booking to meeting, and the share who then do not come: it grows with the lead time.
LEADS: Mapping[tuple[int, int], float] = {(0, 0): 12, (1, 1): 18, (2, 7): 42, (8, 14): 28}
DID_NOT_COME = {0: 0.03, 1: 0.07, 7: 0.11, 14: 0.18}

# After the meeting.
MEASURED_BEFORE = 0.82
MEASURED_AFTER = 0.45
PLAN_AGREED = 0.94
SECOND_SERVICE = 0.45
SIGNPOSTED = 0.12
LINK_WORKER_CHANGED = 0.03
NOTHING_SUITABLE = 0.10
TOO_FAR = 0.35
REPLIES = {"accepted": 62, "waiting_list": 9, "full": 7, "not_suitable": 4, "silent": 18}
STARTS = {"accepted": 0.80, "waiting_list": 0.5, "silent": 0.5, "signposted": 0.5}
BARRIER_TOLD = 0.65
ENDED_LATER = 0.15
BARRIERS = {
    v.Barrier.TRANSPORT: 22,
    v.Barrier.NERVES: 22,
    v.Barrier.HEALTH: 17,
    v.Barrier.TIMES: 10,
    v.Barrier.CHANGED_MIND: 10,
    v.Barrier.CARING: 8,
    v.Barrier.COST: 7,
    v.Barrier.SERVICE: 4,
}
UNMET = {
    v.UnmetReason.FULL: 26,
    v.UnmetReason.TOO_FAR: 22,
    v.UnmetReason.HOURS: 14,
    v.UnmetReason.COST: 12,
    v.UnmetReason.ACCESS: 10,
    v.UnmetReason.INELIGIBLE: 8,
    v.UnmetReason.DECLINED: 8,
}
ACCOMPANIED = {
    v.AccompaniedBy.NOBODY: 40,
    v.AccompaniedBy.LINK_WORKER: 22,
    v.AccompaniedBy.VOLUNTEER: 15,
    v.AccompaniedBy.FAMILY_OR_FRIEND: 16,
    v.AccompaniedBy.NOT_KNOWN: 7,
}
# Corrections: every 24th, or 35th, of the cases that could be corrected.
RETRACTED_EVERY = 24
REOPENED_EVERY = 35
# Every 25th person says in the meeting that someone else reads their messages.
CONTACT_CHANGED_EVERY = 25
