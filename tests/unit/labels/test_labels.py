"""Every code has one label, in one package, and a variant differs only for whom it is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import get_args

import pytest

from services.evaluation.contributions import vocabulary as counted
from services.evaluation.contributions.vocabulary import ITEMS
from services.matching.directory.feed.model import Capacity
from services.matching.directory.views import ListingFault
from services.notifications.messages.message import Recipient, Template
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import KINDS
from shared.contract.events.topics import SOURCE_PARTS
from shared.contract.history import Stage
from shared.contract.history.model import MeetingStatus, PrescriptionStatus
from shared.platform.web.principal import ROLES

CODES: tuple[tuple[type[StrEnum], Mapping[str, str]], ...] = (
    (v.Need, labels.NEEDS),
    (v.Need, labels.PLAN_NEEDS),
    (v.Need, labels.SERVICE_NEEDS),
    (v.SensitiveNeed, labels.SENSITIVE_NEEDS),
    (v.Route, labels.ROUTES),
    (v.Route, labels.BY_ROUTES),
    (v.Urgency, labels.URGENCY),
    (v.AgeBand, labels.AGE_BANDS),
    (v.SafeToText, labels.SAFE_TO_TEXT),
    (v.Risk, labels.RISKS),
    (v.AccessNeed, labels.ACCESS_NEEDS),
    (v.HalfDay, labels.HALF_DAYS),
    (v.AgreedBy, labels.AGREED_BY),
    (v.AgreedHow, labels.AGREED_HOW),
    (v.MeetingMode, labels.MODES),
    (v.Channel, labels.CHANNELS),
    (v.Channel, labels.TRIED),
    (v.WaitingReason, labels.WAITING),
    (v.By, labels.BY),
    (v.CancelReason, labels.CANCELLED),
    (v.NextStepCode, labels.NEXT_STEPS),
    (v.NextStepCode, labels.PLAN_NEXT_STEPS),
    (v.ActionCode, labels.ACTIONS),
    (v.Reply, labels.REPLIES),
    (v.Reply, labels.REPLIES_ASKED),
    (v.Reply, labels.SERVICE_REPLIES),
    (v.Reply, labels.PRACTICE_REPLIES),
    (v.NotSuitableReason, labels.NOT_SUITABLE),
    (v.NotSuitableReason, labels.SERVICE_NOT_SUITABLE),
    (v.AccompaniedBy, labels.ACCOMPANIED),
    (v.Barrier, labels.BARRIERS),
    (v.EndReason, labels.ENDED),
    (v.Instrument, labels.INSTRUMENTS),
    (v.Stage, labels.MEASURED_AT),
    (v.UnmetReason, labels.UNMET),
    (v.Agreement, labels.AGREEMENTS),
    (v.Agreed, labels.AGREED),
    (v.Agreed, labels.AGREED_ASKED),
    (v.DeclineReason, labels.DECLINED),
    (v.ReturnReason, labels.RETURNED),
    (v.WithdrawReason, labels.WITHDRAWN),
    (v.CloseReason, labels.CLOSED),
    (v.RetractReason, labels.RETRACTED),
    (Stage, labels.STAGES),
    (Capacity, labels.CAPACITY),
    (ListingFault, labels.LISTING_FAULTS),
    (counted.Step, labels.STEPS),
    (counted.LeadTime, labels.LEAD_TIMES),
    (counted.Answer, labels.ANSWERS),
    (Template, labels.TEMPLATES),
    (Recipient, labels.RECIPIENTS),
)


@pytest.mark.parametrize(("codes", "said"), CODES)
def test_labels_of_codes_are_whole(codes: type[StrEnum], said: Mapping[str, str]) -> None:
    assert set(said) == set(codes)
    assert all(said[code] and "_" not in said[code] for code in codes)


def test_labels_cover_every_code_of_events() -> None:
    events = {one for one in vars(v).values() if isinstance(one, type) and issubclass(one, StrEnum)}
    assert events - {StrEnum} == {codes for codes, _ in CODES if codes.__module__ == v.__name__}


def test_labels_cover_statuses_roles_and_kinds() -> None:
    assert set(labels.PRESCRIPTIONS) == set(labels.PLAN_PRESCRIPTIONS) == set(get_args(PrescriptionStatus))
    assert set(labels.MEETINGS) == set(labels.DIARY_MEETINGS) == set(get_args(MeetingStatus))
    assert set(labels.PRACTICE_NEXT_STEPS) == {*v.NextStepCode, "in_touch"}
    assert set(labels.ROLES) == set(ROLES)
    assert set(labels.PARTS) == set(SOURCE_PARTS)
    assert set(labels.HAPPENED) <= KINDS | {"referral_created", "meeting_booked"}
    assert tuple(labels.ITEMS) == ITEMS


def test_unmet_declined_is_the_persons_choice() -> None:
    assert labels.UNMET[v.UnmetReason.DECLINED] == "They did not want what there is"
    assert "service" not in labels.UNMET[v.UnmetReason.DECLINED].lower()


@pytest.mark.parametrize(
    ("plain", "variant"), [(labels.NEEDS, labels.PLAN_NEEDS), (labels.NEEDS, labels.SERVICE_NEEDS)]
)
def test_variant_changes_only_what_must_not_be_named(
    plain: Mapping[str, str], variant: Mapping[str, str]
) -> None:
    assert {code for code in plain if plain[code] != variant[code]} == {v.Need.SENSITIVE}


def test_label_found_by_member_and_by_value() -> None:
    assert labels.NEEDS[v.Need.DEBT] == labels.NEEDS["debt"] == "Managing debt"
