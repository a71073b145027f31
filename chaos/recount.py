"""The programme's figures, counted again from the accounts: whole numbers by place and name."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chaos.account import Account

PROGRAMME = "programme"
STEPS = ("referred", "booked", "met", "planned", "accepted", "visited")


def recounted(accounts: Iterable[Account]) -> dict[str, Counter[str]]:
    """Each place's figures, the whole programme's among them."""
    places: dict[str, Counter[str]] = {PROGRAMME: Counter()}
    for account in accounts:
        if account.created is not None:
            counted = Counter(_of(account))
            places.setdefault(account.locality, Counter()).update(counted)
            places[PROGRAMME].update(counted)
    return places


def _of(account: Account) -> Iterator[str]:
    for step in STEPS[: STEPS.index(_furthest(account)) + 1]:
        yield f"journey {step}"
    if account.created is not None:
        for need in sorted(set(account.created.body["needs"])):
            yield f"needs {need}"
    for meeting in account.meetings:
        if meeting.status in ("attended", "missed"):
            yield "meetings"
        if meeting.status == "missed":
            yield "meetings missed"
    for prescription in _prescriptions(account):
        replied = [r for r in account.of("provider_replied") if r.body["prescription_id"] == prescription]
        yield f"replies {replied[-1].body['reply'] if replied else 'silent'}"
        stopped = [s for s in account.of("activity_not_started") if s.body["prescription_id"] == prescription]
        if stopped and prescription not in _started(account):
            yield f"barriers {stopped[-1].body['barrier']}"


def _furthest(account: Account) -> str:
    if _started(account) & _prescriptions(account):
        return "visited"
    if any(r.body["reply"] == "accepted" for r in account.of("provider_replied")):
        return "accepted"
    if account.of("plan_agreed") or _prescriptions(account):
        return "planned"
    if account.attended:
        return "met"
    return "booked" if account.meetings else "referred"


def _prescriptions(account: Account) -> set[str]:
    return {p.body["prescription_id"] for p in account.of("service_prescribed")}


def _started(account: Account) -> set[str]:
    return {a.body["prescription_id"] for a in account.of("activity_started")}


def shown(place: Mapping[str, Any]) -> Counter[str]:
    """The same figures as the evaluation service answers them for one place."""
    counts: Counter[str] = Counter()
    counts.update({f"journey {step['code']}": step["people"] for step in place["journey"]})
    for what in ("needs", "replies", "barriers"):
        counts.update({f"{what} {part['code']}": part["count"] for part in place[what]["parts"]})
    for lead in place["meetings"]:
        if lead["code"] != "all":
            counts["meetings"] += lead["meetings"]
            counts["meetings missed"] += lead["did_not_come"]
    return counts
