"""Checks that nobody is told twice of one appointment, whoever booked it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from chaos.calls import reference
from chaos.evidence import Finding, Handed
from chaos.handover.epochs import Said

RECIPIENTS = ("person", "link_worker", "referrer")
TEMPLATES = ("booked", "rebooked")
CHANNELS = ("mail", "text")


def told_once(decisions: Iterable[Said], handed: Iterable[Handed]) -> Iterator[Finding]:
    """Checks that of two meetings with one number, at most one was told to the same recipient.

    A gateway's reference is made of the meeting, so that the same news has two references if a referral was
    booked twice.
    """
    given = {message.reference: message for message in handed}
    meetings: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for said in decisions:
        if said.event.kind == "meeting-booked":
            event = said.event
            key = (event.locality, event.referral, event.body["sequence"])
            meetings[key].add(event.body["meeting_id"])
    for (locality, referral, sequence), ids in meetings.items():
        if len(ids) < 2:
            continue
        for recipient in RECIPIENTS:
            told = [
                message
                for meeting in ids
                if (message := _told(given, locality, referral, f"{recipient}.{meeting}")) is not None
            ]
            if len(told) > 1:
                last = max(message.at for message in told)
                where = f"{referral}, sequence {sequence}, {recipient}"
                yield Finding("doubled", "somebody was told of two appointments for one", where, last)


def _told(given: dict[str, Handed], locality: str, referral: str, whom_and_what: str) -> Handed | None:
    for template in TEMPLATES:
        for channel in CHANNELS:
            found = given.get(reference(locality, referral, f"{template}.{whom_and_what}", channel))
            if found is not None:
                return found
    return None
