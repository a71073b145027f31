"""Recounts the programme's figures from the accounts: whole numbers by place and name."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from chaos.account import Account, day
from chaos.log import Event

PROGRAMME = "programme"
STEPS = ("referred", "booked", "met", "planned", "accepted", "visited")

LOW_IS_GOOD = frozenset({"anxious"})


def recounted(accounts: Iterable[Account]) -> dict[str, Counter[str]]:
    """The figures of each place, and of the whole programme."""
    places: dict[str, Counter[str]] = {PROGRAMME: Counter()}
    for account in accounts:
        if account.created is not None:
            counted = Counter(_of(account))
            places.setdefault(account.locality, Counter()).update(counted)
            places[PROGRAMME].update(counted)
    return {place: _with_shares(counts) for place, counts in places.items()}


def _with_shares(counts: Counter[str]) -> Counter[str]:
    """Replaces numbers of people by days with their sum, the median and the 90th percentile."""
    shares = Counter({name: count for name, count in counts.items() if not name.startswith("waited ")})
    for what in ("met", "visited"):
        waits = {int(n.split()[2]): c for n, c in counts.items() if n.startswith(f"waited {what} ")}
        days = sorted(Counter(waits).elements())
        if days:
            shares[f"waits {what}"] = len(days)
            shares[f"waits {what} half"] = days[(len(days) * 50 + 99) // 100 - 1]
            shares[f"waits {what} nine tenths"] = days[(len(days) * 90 + 99) // 100 - 1]
    return shares


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
    yield from _routes(account)
    yield from _waits(account)
    for need, reason in sorted(_unmet(account)):
        yield f"unmet {need} {reason}"
    yield from _follow_up(account)
    for prescription in _prescriptions(account):
        reply = _reply(account, prescription)
        yield f"replies {reply or 'silent'}"
        stopped = [s for s in account.of("activity_not_started") if s.body["prescription_id"] == prescription]
        if stopped and prescription not in _started(account):
            yield f"barriers {stopped[-1].body['barrier']}"


def _unmet(account: Account) -> set[tuple[str, str]]:
    """Needs and reasons, except for a need for which a service was added on the same day."""
    found = {(added.body["need"], day(added.time)) for added in account.of("service_prescribed")}
    return {
        (unmet.body["need"], unmet.body["reason"])
        for unmet in account.of("need_unmet")
        if (unmet.body["need"], day(unmet.time)) not in found
    }


def _routes(account: Account) -> Iterator[str]:
    if account.created is not None:
        route = account.created.body.get("route", "")
        yield f"routes {route} referred"
        if account.attended or any(c.body["reached"] for c in account.of("contact_attempted")):
            yield f"routes {route} reached"


def _waits(account: Account) -> Iterator[str]:
    """Days of waiting."""
    if account.created is None:
        return
    referred = day(account.created.time)
    met = [min(day(m.body["starts_at"]), day(m.met_at)) for m in account.meetings if m.status == "attended"]
    visits = _visits(account)
    for what, days in (("met", met), ("visited", visits)):
        if days:
            yield f"waited {what} {max(0, (min(days) - referred).days)}"


def _follow_up(account: Account) -> Iterator[str]:
    before, after = (_answers(account, stage) for stage in ("before", "after"))
    if before is None:
        return
    yield "follow-up before"
    first, second = before.body["scores"], after.body["scores"] if after else {}
    both = first.keys() & second.keys()
    if both:
        yield "follow-up paired"
    # Due when the referral has ended. The other case, after twelve weeks, does not occur in a run.
    yield f"follow-up {'due' if both or account.endings else 'later'}"
    for item in sorted(both):
        gain = second[item] - first[item]
        gain = -gain if item in LOW_IS_GOOD else gain
        yield f"change {item} {'better' if gain > 0 else 'worse' if gain < 0 else 'same'}"


def _answers(account: Account, stage: str) -> Event | None:
    ons4 = [m for m in account.of("measured") if (m.body["instrument"], m.body["stage"]) == ("ons4", stage)]
    return ons4[-1] if ons4 else None


def _furthest(account: Account) -> str:
    if _visits(account):
        return "visited"
    if any(_reply(account, prescription) == "accepted" for prescription in _prescriptions(account)):
        return "accepted"
    if account.of("plan_agreed") or _prescriptions(account):
        return "planned"
    if account.attended:
        return "met"
    return "booked" if account.meetings else "referred"


def _reply(account: Account, prescription: str) -> str:
    replies = [r for r in account.of("provider_replied") if r.body["prescription_id"] == prescription]
    return str(replies[-1].body["reply"]) if replies else ""


def _visits(account: Account) -> list[date]:
    """Days until visits to prescribed services."""
    prescribed = _prescriptions(account)
    started = [s.body for s in account.of("activity_started")]
    return [date.fromisoformat(s["on"]) for s in started if s["prescription_id"] in prescribed]


def _prescriptions(account: Account) -> set[str]:
    return {p.body["prescription_id"] for p in account.of("service_prescribed")}


def _started(account: Account) -> set[str]:
    return {a.body["prescription_id"] for a in account.of("activity_started")}


def shown(place: Mapping[str, Any]) -> Counter[str]:
    """The same figures in the evaluation service's answer for one place."""
    counts: Counter[str] = Counter()
    counts.update({f"journey {step['code']}": step["people"] for step in place["journey"]})
    for what in ("needs", "replies", "barriers"):
        counts.update({f"{what} {part['code']}": part["count"] for part in place[what]["parts"]})
    for lead in place["meetings"]:
        if lead["code"] != "all":
            counts["meetings"] += lead["meetings"]
            counts["meetings missed"] += lead["did_not_come"]
    for wait in place["waits"]:
        what = f"waits {wait['code']}"
        counts[what] += wait["people"]
        counts[f"{what} half"] += wait["median_days"] or 0
        counts[f"{what} nine tenths"] += wait["ninetieth_percentile_days"] or 0
    for unmet in place["unmet"]["by_need_and_reason"]:
        counts[f"unmet {unmet['need']} {unmet['reason']}"] += unmet["count"]
    for route in place["routes"]:
        if route["code"] != "all":
            counts[f"routes {route['code']} referred"] += route["referred"]
            counts[f"routes {route['code']} reached"] += route["reached"]
    names = {"before": "before", "answered": "paired", "due": "due", "not_yet_due": "later"}
    counts.update({f"follow-up {ours}": place["follow_up"][name] for name, ours in names.items()})
    for item in place["wellbeing"]:
        for moved in ("better", "same", "worse"):
            counts[f"change {item['code']} {moved}"] += item[moved]
    return counts
