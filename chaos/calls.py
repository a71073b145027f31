"""The messages that a referral calls for at rest, in any order of events; written a second time.

A message is asked for as soon as it is called for, and what is not called for any more when its turn comes is
not sent. So at rest everything that is called for then has been sent; what was called for in between may have
been, or not.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from chaos.account import Account, Met, moment
from chaos.log import Event

# Before the meeting. Later news may have been too late to tell, by a clock that is an hour wrong.
IN_TIME = timedelta(minutes=90)
OFF = ("cancelled", "replaced")
# Reasons for which the person is promised a day.
PROMISES = frozenset({"no_slot", "no_link_worker"})


@dataclass(frozen=True, slots=True)
class Call:
    """A message by its name, in words, and what it tells of."""

    name: str
    who: str
    what: str
    news: Event


def called_for(account: Account, practices_own: bool) -> Iterator[Call]:
    """Everything that must have been sent if it is news.

    `practices_own`: a practice made it here, which has a mailbox, and the person may be texted. Of others
    only the link worker is told.
    """
    if account.created is None:
        return
    everybody = ("link_worker", "person", "referrer") if practices_own else ("link_worker",)
    active = account.active
    if active is not None and account.open:
        template = "rebooked" if active.body.get("replaces") else "booked"
        for recipient in everybody:
            yield _call(template, recipient, active, active.said, "of a meeting")
    yield from _cancelled(account, everybody)
    waiting = account.of("meeting_waiting")
    if practices_own and waiting and account.open and active is None and not account.attended:
        why = waiting[-1]
        later = all(moment(meeting.said.recorded) < moment(why.recorded) for meeting in account.meetings)
        if later and why.body["reason"] in PROMISES:
            name = f"no_appointment_yet.person.{why.body['expected_by']}"
            yield Call(name, "person", "that there is no appointment yet", why)


def _cancelled(account: Account, everybody: tuple[str, ...]) -> Iterator[Call]:
    """The calls for a meeting that is off.

    If another takes its place, only a link worker who changes is told.
    """
    for meeting in (*account.meetings, *account.taken_back):
        if meeting.status not in OFF:
            continue
        off = meeting.off or meeting.said
        recipients = everybody
        other = None if meeting in account.taken_back else _other(account, meeting)
        if other is not None:
            if other.body["link_worker"] == meeting.body["link_worker"]:
                continue
            recipients = ("link_worker",)
            off = max(off, other.said, key=lambda fact: moment(fact.recorded))
        elif meeting.status == "replaced":
            continue
        if moment(off.recorded) + IN_TIME <= moment(meeting.body["starts_at"]):
            for recipient in recipients:
                yield _call("cancelled", recipient, meeting, off, "that a meeting is off")


def _other(account: Account, meeting: Met) -> Met | None:
    """The meeting that is told of in its place: booked later or instead, and not itself off."""
    after = account.meetings[account.meetings.index(meeting) + 1 :]
    instead = [other for other in account.meetings if other.body.get("replaces") == meeting.id]
    others = [other for other in (*instead, *after) if other.status not in OFF]
    if account.active is not None and (meeting.status == "replaced" or account.active in others):
        return account.active
    return others[-1] if others else None


def _call(template: str, recipient: str, meeting: Met, news: Event, what: str) -> Call:
    return Call(f"{template}.{recipient}.{meeting.id}", recipient, what, news)


def reference(locality: str, referral: str, name: str, channel: str) -> str:
    """The reference of a message to a gateway, written a second time from docs/delivery.md.

    It hashes the message's permanent key and the channel, so that it tells nothing.

    Args:
        name: `<template>.<recipient>.<meeting>`.
        channel: mail or text.
    """
    key = f"message|{locality}/{referral}|{name}|{channel}"
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
