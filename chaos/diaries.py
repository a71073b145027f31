"""Checks of times: no time is booked twice, and the diaries agree with the log."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from chaos.account import Met
from chaos.case import Case
from chaos.evidence import Finding, Taken


def no_time_twice(case: Case) -> Iterator[Finding]:
    """Checks on the log that no link worker meets two people at once."""
    days: dict[str, list[tuple[datetime, datetime, Met]]] = defaultdict(list)
    for account in case.accounts.values():
        for meeting in account.meetings:
            if account.open and meeting.holds_its_time:
                starts_at = datetime.fromisoformat(meeting.body["starts_at"])
                ends_at = starts_at + timedelta(minutes=meeting.body["minutes"])
                days[meeting.body["link_worker"]].append((starts_at, ends_at, meeting))
    for link_worker, times in days.items():
        for one, following in pairwise(sorted(times, key=lambda time: time[0])):
            met, other = one[2], following[2]
            if one[1] > following[0] and not (_was_over(met, other) or _was_over(other, met)):
                both = " and ".join(f"{each.id} ({each.status})" for each in (met, other))
                where = f"{link_worker} {following[0].isoformat()}: {both}"
                yield Finding("doubled", "a time that is booked twice", where, following[2].at)


def _was_over(meeting: Met, other: Met) -> bool:
    """True if another owner booked a time whose meeting had its outcome on the log.

    The owner that booked the meeting keeps the rest of its time. The next owner has never reserved it.
    """
    return meeting.who != other.who and meeting.off is not None and meeting.off.at < other.at


def diaries_hold_no_time_twice(case: Case) -> Iterator[Finding]:
    """Checks that each meeting has one time, and each time one meeting.

    A partner's booking may wait for a time only while the time is taken.
    """
    held = [time for time in case.evidence.taken if not time.behind]
    for meeting, times in Counter(time.meeting for time in held).items():
        if times > 1:
            yield Finding("doubled", "a meeting that holds two times", meeting)
    by_worker: dict[str, list[Taken]] = defaultdict(list)
    for time in sorted(held, key=lambda time: time.starts_at):
        by_worker[time.link_worker].append(time)
    for link_worker, day in by_worker.items():
        for one, following in pairwise(day):
            if one.overlaps(following):
                where = f"{link_worker} {following.starts_at}"
                yield Finding("doubled", "a diary with a time taken twice", where)
    for waits in case.evidence.taken:
        if waits.behind and not any(waits.overlaps(time) for time in by_worker[waits.link_worker]):
            yield Finding("lost", "a meeting that waits for a free time", waits.meeting)


def diaries_hold_what_stands(case: Case) -> Iterator[Finding]:
    """Checks that each standing meeting of ours is held, and each partner's known.

    The diaries hold no other coming meeting.
    """
    known = {meeting.id: meeting for account in case.accounts.values() for meeting in account.meetings}
    held = {time.meeting for time in case.evidence.taken if not time.behind}
    for meeting in known.values():
        if meeting.ours and meeting.status == "booked" and meeting.id not in held:
            yield Finding("lost", "a meeting that no diary holds", meeting.id, meeting.at)
    of_ours = {meeting.body["link_worker"] for meeting in known.values() if meeting.ours}
    noted = {time.meeting for time in case.evidence.taken}
    for account in case.accounts.values():
        theirs = account.active
        if theirs is None or theirs.ours or not account.open or theirs.id in noted:
            continue
        if theirs.body["link_worker"] in of_ours and case.new(theirs.said):
            yield Finding("lost", "a partner's meeting that no diary holds", theirs.id, theirs.at)
    for time in case.evidence.taken:
        of = known.get(time.meeting)
        if of is None or of.status in ("cancelled", "replaced"):
            yield Finding(
                "wrong", "a diary holds a time without a meeting", time.meeting, of.at if of else 0.0
            )
