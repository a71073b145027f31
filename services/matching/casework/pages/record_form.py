"""The form of the meeting page: its field names, its reader, and its draft."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.matching.casework.inputs import GoalSaid, MeetingRecord
from services.matching.prescribing.inputs import Prescribing
from services.matching.referral_state.pages.next_step import read_next_step
from services.matching.web.forms import FormInput
from services.matching.web.grammar import lower_first
from shared.contract import labels
from shared.contract.events import vocabulary as v

GOALS = (1, 2, 3)
# Fields with free text about a person. A draft keeps them in the vault.
TEXTS = ("what_matters", "note", *(f"goal{number}_words" for number in GOALS))

NEEDS = frozenset(need.value for need in v.Need)
LISTS = ("needs",)
_CODE = re.compile(r"[a-z0-9_-]{1,80}")
NOT_KEPT = frozenset({"csrf_token", "idempotency_key", "do"})


@dataclass(frozen=True, slots=True)
class Question:
    """One ONS4 item with its exact words and the meaning of its ends (ONS, OGL v3)."""

    item: str
    text: str
    lowest: str
    highest: str


ONS4 = (
    Question(
        "satisfied",
        "Overall, how satisfied are you with your life nowadays?",
        "not at all satisfied",
        "completely satisfied",
    ),
    Question(
        "worthwhile",
        "Overall, to what extent do you feel that the things you do in your life are worthwhile?",
        "not at all worthwhile",
        "completely worthwhile",
    ),
    Question("happy", "Overall, how happy did you feel yesterday?", "not at all happy", "completely happy"),
    Question(
        "anxious", "Overall, how anxious did you feel yesterday?", "not at all anxious", "completely anxious"
    ),
)


@dataclass(frozen=True, slots=True)
class MeetingForm:
    """The contents of one submitted form."""

    record: MeetingRecord
    prescribing: tuple[Prescribing, ...]
    unmet: tuple[tuple[v.Need, v.UnmetReason], ...]


def read_meeting_form(form: FormInput, now: date, in_plan: frozenset[v.Need] = frozenset()) -> MeetingForm:
    """Reads what was agreed at the meeting. Raises FormErrors with all errors of the form.

    `in_plan`: the needs that an open service of the plan may still help with.
    """
    needs = form.choices("needs", v.Need)
    record = MeetingRecord(
        needs=needs,
        what_matters=form.text("what_matters"),
        goals=tuple(goal for number in GOALS if (goal := _goal(form, number, needs)) is not None),
        ons4=_ons4(form),
        note=form.text("note"),
        next_step=read_next_step(form, now, needed=True),
        details_to_gp=form.choice("details_to_gp", v.Agreed) or v.Agreed.NOT_ASKED,
        follow_up=form.choice("follow_up", v.Agreed) or v.Agreed.NOT_ASKED,
    )
    prescribing, unmet = _services(form), _unmet(form)
    _ask_which_is_meant(form, prescribing, unmet, in_plan)
    form.check()
    return MeetingForm(record, prescribing, unmet)


def draft_of(form: FormInput) -> tuple[dict[str, Any], dict[str, str]]:
    """The draft of a half-filled form: (codes and numbers, texts). No field needs to be valid yet."""
    fields: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for name in form.names():
        if name in NOT_KEPT:
            continue
        if name in TEXTS:
            if text := form.raw(name).replace("\r\n", "\n")[:4000]:
                texts[name] = text
        elif name in LISTS:
            fields[name] = [value for value in form.all(name) if _CODE.fullmatch(value)]
        elif _CODE.fullmatch(value := form.raw(name)):
            # Only codes and numbers. Words typed into the box of a day must not be stored in clear.
            fields[name] = value
    return fields, texts


def submitted_or(typed: Mapping[str, Any], field: str, otherwise: list[str]) -> list[str]:
    """The values of a list field as submitted, or `otherwise` if the form was not submitted."""
    value = typed.get(field)
    if value is None:
        return otherwise
    return [value] if isinstance(value, str) else list(value)


def _goal(form: FormInput, number: int, needs: tuple[v.Need, ...]) -> GoalSaid | None:
    name = f"goal{number}"
    words = form.text(f"{name}_words", most=500)
    need = form.choice(f"{name}_need", v.Need)
    importance = form.number(f"{name}_importance", 1, 10, "Choose a number from 1 to 10")
    confidence = form.number(f"{name}_confidence", 1, 10, "Choose a number from 1 to 10")
    if not words:
        if importance is not None or confidence is not None:
            form.add_error(f"{name}_words", f"Write down goal {number}, or skip both numbers")
        return None
    if need is None and len(needs) == 1:
        need = needs[0]
    if need is None:
        form.add_error(f"{name}_need", f"Choose what goal {number} is about")
        return None
    return GoalSaid(need=need, words=words, importance=importance, confidence=confidence)


def _ons4(form: FormInput) -> dict[str, int]:
    scores: dict[str, int] = {}
    for question in ONS4:
        score = form.number(f"ons4_{question.item}", 0, 10, "Choose a number from 0 to 10, or skip")
        if score is not None:
            scores[question.item] = score
    return scores


def _services(form: FormInput) -> tuple[Prescribing, ...]:
    """The services to add or to signpost, each once, under the first need that it is marked for."""
    found: dict[str, Prescribing] = {}
    for name in form.names():
        how = form.raw(name) if name.startswith("add:") else ""
        if how not in ("plan", "details"):
            continue
        _, need, service = (*name.split(":", 2), "", "")[:3]
        if need not in NEEDS or service in found:
            continue
        share = form.choice(f"share:{need}:{service}", v.Agreed) or v.Agreed.NOT_ASKED
        signposted = how == "details"
        found[service] = Prescribing(
            service, v.Need(need), signposted, v.Agreed.NOT_ASKED if signposted else share
        )
    return tuple(found.values())


def _ask_which_is_meant(
    form: FormInput,
    prescribing: tuple[Prescribing, ...],
    unmet: tuple[tuple[v.Need, v.UnmetReason], ...],
    in_plan: frozenset[v.Need],
) -> None:
    """Rejects a service for a need together with "no service exists", because both would be counted."""
    added = {each.need for each in prescribing}
    for need, reason in unmet:
        if reason is not v.UnmetReason.NO_SERVICE:
            continue
        what = lower_first(labels.NEEDS[need.value])
        if need in added:
            form.add_error(
                f"unmet:{need.value}",
                f"You also add a service for {what}. Which is meant? "
                "Choose another answer here, or “No” at the service",
            )
        elif need in in_plan:
            form.add_error(
                f"unmet:{need.value}",
                f"A service for {what} is in the plan, so one exists. Choose another answer",
            )


def _unmet(form: FormInput) -> tuple[tuple[v.Need, v.UnmetReason], ...]:
    found = []
    for need in v.Need:
        reason = form.choice(f"unmet:{need.value}", v.UnmetReason)
        if reason is not None:
            found.append((need, reason))
    return tuple(found)
