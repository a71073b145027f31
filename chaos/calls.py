"""The messages that a referral calls for at rest, in any order of events; written a second time.

A message is scheduled as soon as the referral calls for it. If the referral no longer does when its time
comes, the message is dropped. So at rest every message that is called for was sent. A message that was called
for only for a while may have been sent or not.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from chaos.account import Account, Met, moment
from chaos.log import Event

# Before the meeting. By a clock that is an hour wrong, later news may have been too late to send.
IN_TIME = timedelta(minutes=90)
OFF = ("cancelled", "replaced")
# Reasons with a day promised to the person.
PROMISES = frozenset({"no_slot", "no_link_worker"})


@dataclass(frozen=True, slots=True)
class Call:
    """A message by its name, and its content in words."""

    name: str
    who: str
    what: str
    news: Event


def called_for(account: Account, practices_own: bool) -> Iterator[Call]:
    """Every message that must have been sent if it is news.

    `practices_own`: a practice made the referral here. Then the practice has a mailbox, and the person may be
    texted. For other referrals only the link worker gets messages.
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
    """The calls for a cancelled or replaced meeting.

    If a new meeting replaces it, only a link worker who changes gets this message.
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
    """The meeting announced in its place: booked later or as its replacement, and not itself cancelled."""
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

    It hashes the message's permanent key and the channel, so that it reveals nothing.

    Args:
        locality: the slug.
        referral: the referral's id.
        name: `<template>.<recipient>.<meeting>`.
        channel: mail or text.
    """
    key = f"message|{locality}/{referral}|{name}|{channel}"
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
