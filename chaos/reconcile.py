"""Checks the whole evidence of a run. Each check takes the case and yields the deviations.

Written against the contract and the promises alone. The checks share no code with the services.
"""

from collections import defaultdict
from collections.abc import Iterator

from chaos.admitted import admitted
from chaos.case import Case
from chaos.diaries import diaries_hold_no_time_twice, diaries_hold_what_stands, no_time_twice
from chaos.evidence import Evidence, Finding
from chaos.log import read
from chaos.messages import handed_again, messages
from chaos.recount import recounted

PARTS = ("referral", "matching", "notifications", "evaluation")


def reconcile(evidence: Evidence) -> list[Finding]:
    """All deviations. Empty if every promise was kept."""
    case = Case(evidence)
    checks = (
        requests,
        one_creation_each,
        what_was_said,
        strangers,
        same_words,
        one_meeting_each,
        no_time_twice,
        diaries_hold_no_time_twice,
        diaries_hold_what_stands,
        messages,
        handed_again,
        heard,
        figures,
        poison,
        at_rest,
    )
    return [*(finding for check in checks for finding in check(case)), *admitted(evidence)]


def requests(case: Case) -> Iterator[Finding]:
    """Checks that every request was answered in the end, and none was refused."""
    if case.evidence.unanswered:
        yield Finding("lost", "requests without an answer", str(case.evidence.unanswered))
    for status in case.evidence.refused:
        yield Finding("wrong", "a valid request was refused", str(status))


def one_creation_each(case: Case) -> Iterator[Finding]:
    """Checks that each acknowledged referral was published once, and no other was."""
    made: dict[str, set[str]] = defaultdict(set)
    at: dict[str, float] = {}
    for event in case.events:
        if event.name == "referral-created" and event.who.endswith("/referral"):
            made[event.referral].add(event.id)
            at[event.referral] = event.at
    for referral, told in case.evidence.accepted.items():
        if referral not in made:
            yield Finding("lost", "an accepted referral was never published", referral, told)
    for referral, ids in made.items():
        if len(ids) > 1:
            yield Finding("doubled", "a referral was published under two ids", referral, at[referral])
        if referral not in case.evidence.accepted:
            yield Finding(
                "doubled", "a published referral that was never acknowledged", referral, at[referral]
            )


def what_was_said(case: Case) -> Iterator[Finding]:
    """Checks that every event that the broker acknowledged is there."""
    there = {(event.who, event.id) for event in case.events}
    for key, at in case.evidence.said.items():
        if key not in there:
            yield Finding("lost", "an acknowledged event is not on the log", "/".join(key), at)


def strangers(case: Case) -> Iterator[Finding]:
    """Checks that every published record is an event, or known poison."""
    for entry in case.records:
        if read(entry) is None:
            yield Finding("doubled", "an unknown record", entry.place, entry.at)


def same_words(case: Case) -> Iterator[Finding]:
    """Checks that every repeated event has the same content."""
    words: dict[tuple[str, str], bytes] = {}
    for event in case.events:
        if words.setdefault((event.who, event.id), event.raw) != event.raw:
            yield Finding("doubled", "one id with two bodies", f"{event.who}/{event.id}", event.at)


def one_meeting_each(case: Case) -> Iterator[Finding]:
    """Checks that an open referral has one meeting, was met, or has a reason for none.

    An ended referral has no standing meeting.
    """
    for referral, account in case.accounts.items():
        if account.created is None:
            continue
        at = account.created.at
        met = max((m.body["sequence"] for m in account.meetings if m.status == "attended"), default=-1)
        if not account.open:
            if account.standing:
                yield Finding("wrong", "the referral ended and its meeting stands", referral, at)
            continue
        if not account.attended and not account.standing and not account.waiting:
            yield Finding("lost", "open, without a meeting or a reason", referral, at)
        if any(meeting.ours for meeting in account.standing[:-1]):
            # A partner cancels its own second meeting. A second meeting of ours must give way.
            yield Finding("doubled", "two meetings stand", referral, at)
        elif any(meeting.ours and meeting.body["sequence"] <= met for meeting in account.standing):
            yield Finding("doubled", "the person was met, and an earlier meeting stands", referral, at)


def figures(case: Case) -> Iterator[Finding]:
    """Checks that the figures equal a recount of the log."""
    again = recounted(case.accounts.values())
    for place, counts in again.items():
        shown = case.evidence.figures.get(place, {})
        for name, count in counts.items():
            if shown.get(name, 0) != count:
                where = f"{place} {name}: {shown.get(name, 0)} shown, {count} counted"
                yield Finding("lost" if shown.get(name, 0) < count else "doubled", "a figure", where)
        for name in shown.keys() - counts.keys():
            if shown[name]:
                yield Finding("doubled", "a figure of nothing", f"{place} {name}: {shown[name]}")


def heard(case: Case) -> Iterator[Finding]:
    """Checks that each service keeps each event of the log, and nothing else."""
    said = {f"{event.who}/{event.id}": event for event in case.events}
    for part, kept in case.evidence.facts.items():
        for key in said.keys() - kept:
            yield Finding("lost", "an event that a service did not receive", f"{part}: {key}", said[key].at)
        for key in set(kept) - said.keys():
            yield Finding("doubled", "a fact that is not on the log", f"{part}: {key}")


def poison(case: Case) -> Iterator[Finding]:
    """Checks that every service dead-lettered every invalid record, whole, and no other."""
    letters = {(letter.part, letter.place): letter for letter in case.evidence.letters}
    poisoned = {each.content: each for each in case.evidence.poison}
    entries = {entry.place: entry for entry in case.evidence.log}
    found = {entry.content for entry in case.evidence.log} & poisoned.keys()
    for content in poisoned.keys() - found:
        yield Finding("lost", "a record is not on the log", poisoned[content].sort, poisoned[content].at)
    for place, entry in entries.items():
        known = poisoned.get(entry.content)
        for part in PARTS:
            letter = letters.get((part, place))
            where = f"{part}: {known.sort if known else 'an event'} at {place}"
            if known is None or not known.aside:
                if letter is not None:
                    yield Finding("lost", "a valid record was dead-lettered", where, entry.at)
            elif letter is None:
                yield Finding("lost", "a record that became no dead letter", where, entry.at)
            elif (letter.key, letter.value, letter.headers) != (entry.key, entry.value, entry.headers):
                yield Finding("lost", "a dead letter is not the record", where, entry.at)


def at_rest(case: Case) -> Iterator[Finding]:
    """Checks that no record, message or task waits."""
    for where, rows in {**case.evidence.lag, **case.evidence.stuck}.items():
        if rows:
            yield Finding("wrong", "not at rest", f"{where}: {rows}")
