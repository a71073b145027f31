"""Checks of messages: each one that is called for was sent, no other was, and repeats have a reason."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from chaos.account import Account
from chaos.calls import called_for, reference
from chaos.case import Case
from chaos.evidence import Evidence, Finding, Handed, Trouble

# The first word of every process that sends.
SENDER = "notifications"
STRIKE_ALL = frozenset({"MongoDB killed", "disk full for MongoDB", "primary of three steps down"})
# Faults that cause no repeat of a message, because its acknowledgement does not pass Kafka.
DO_NOT_REPEAT = frozenset(
    {
        "poison",
        "rebalance storm",
        "Kafka killed",
        "broker of three killed",
        "network to Kafka: cut",
        "network to Kafka: delay",
        "network to Kafka: reset",
    }
)
AFTERWARDS = 15.0  # Seconds after a fault in which a process may still be without its database.


def messages(case: Case) -> Iterator[Finding]:
    """Checks that each recipient got each message by one channel, and none without an event."""
    known: dict[str, str] = {}
    for account in case.accounts.values():
        for meeting in (*account.meetings, *account.taken_back):
            if not meeting.ours and not case.new(meeting.said):
                continue
            about = _messages_about(account, meeting.id)
            known |= {ref: name for name, refs in about.items() for ref in refs}
            for name, refs in about.items():
                if len(case.handed.intersection(refs)) > 1:
                    yield Finding("doubled", "one message by two channels", name, meeting.at)
        for waiting in account.of("meeting_waiting"):
            name = f"no_appointment_yet.person.{waiting.body['expected_by']}"
            known |= dict.fromkeys(_references(account, name), name)
        yield from _not_told(case, account)
    for message in case.evidence.handed:
        if message.reference not in known:
            yield Finding("doubled", "a message that no event calls for", message.reference, message.at)


def _not_told(case: Case, account: Account) -> Iterator[Finding]:
    for call in called_for(account, account.referral in case.evidence.accepted):
        if not case.new(call.news) or case.handed.intersection(_references(account, call.name)):
            continue
        if call.name in case.evidence.put_off:
            yield Finding("wrong", f"the {call.who} is told {call.what} late", account.referral, call.news.at)
        else:
            yield Finding("lost", f"the {call.who} was not told {call.what}", account.referral, call.news.at)


def _messages_about(account: Account, meeting: str) -> dict[str, list[str]]:
    names = [
        f"{template}.{recipient}.{meeting}"
        for template in ("booked", "rebooked", "cancelled", "reminder")
        for recipient in ("person", "link_worker", "referrer")
    ]
    return {name: _references(account, name) for name in names}


def _references(account: Account, name: str) -> list[str]:
    return [reference(account.locality, account.referral, name, channel) for channel in ("mail", "text")]


def handed_again(case: Case) -> Iterator[Finding]:
    """Checks that a sender repeats a message only if it did not learn of the gateway's yes.

    It had hung up before the yes, or a fault struck it.
    """
    given: dict[str, list[Handed]] = defaultdict(list)
    for message in sorted(case.evidence.handed, key=lambda message: message.at):
        given[message.reference].append(message)
    for ref, times in given.items():
        excused = sum(not message.heard for message in times[:-1])
        excused += sum(_excuses(trouble, times) for trouble in case.evidence.troubles)
        if len(times) - 1 > excused:
            where = f"{ref}, {len(times)} times within {times[-1].at - times[0].at:.0f} s"
            yield Finding("doubled", "a message handed over again without a reason", where, times[-1].at)


def _excuses(trouble: Trouble, times: Sequence[Handed]) -> bool:
    """Tests whether a fault struck an earlier sender, between the first and the last delivery."""
    if trouble.fault in DO_NOT_REPEAT or not any(name.startswith(SENDER) for name in trouble.targets):
        return False
    between = trouble.since <= times[-1].at and trouble.until + AFTERWARDS >= times[0].at
    everyone = trouble.fault in STRIKE_ALL
    return between and any(everyone or message.sender in (*trouble.targets, "") for message in times[:-1])


def repeated(evidence: Evidence) -> dict[str, list[float]]:
    """Messages that a gateway was given more than once under one reference, with the time of each."""
    times: dict[str, list[float]] = defaultdict(list)
    for message in evidence.handed:
        times[message.reference].append(message.at)
    return {ref: at for ref, at in times.items() if len(at) > 1}
