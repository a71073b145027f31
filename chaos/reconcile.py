"""Checks that everything holds together. Each check takes the evidence and returns the deviations.

Written against the contract and the promises alone. It shares no code with the services.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from chaos.account import Account, Met, accounts, moment
from chaos.admitted import admitted
from chaos.calls import called_for, reference
from chaos.evidence import Evidence, Finding, Handed, Taken, Trouble
from chaos.log import Entry, Event, read
from chaos.recount import recounted

PARTS = ("referral", "matching", "notifications", "evaluation")
SENDERS = frozenset({"notifications", "notifications-2"})
STRIKE_ALL = frozenset({"MongoDB killed", "disk full for MongoDB", "primary of three steps down"})
# Faults that give no cause to repeat a message: its acknowledgement does not pass Kafka.
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
NEWS_FOR = timedelta(hours=24)
AFTERWARDS = 15.0  # Seconds in which a process may not have found its database again.


@dataclass(frozen=True)
class Case:
    """The evidence with what follows from it, worked out once."""

    evidence: Evidence

    @cached_property
    def events(self) -> list[Event]:
        """Every event of the log, repeats too; what is poison and no event is left out."""
        return [event for entry in self.records if (event := read(entry))]

    @cached_property
    def records(self) -> list[Entry]:
        """The log without what can only be set aside, and without markers of hand-overs."""
        aside = {poisoned.content for poisoned in self.evidence.poison if poisoned.aside}
        log = (entry for entry in self.evidence.log if not entry.is_marker)
        return [entry for entry in log if entry.content not in aside]

    @cached_property
    def handed(self) -> frozenset[str]:
        return frozenset(message.reference for message in self.evidence.handed)

    @cached_property
    def _news_since(self) -> datetime:
        """The time since when news is due to be told; older news is not.

        The partner's clock is never wrong, so its times count if it spoke.
        """
        theirs = [event.recorded for event in self.events if event.who.endswith("/history")]
        return max(map(moment, theirs or [event.recorded for event in self.events])) - NEWS_FOR

    def new(self, event: Event) -> bool:
        """Tells that it was news on arrival. Events near the limit were published long before the run."""
        return moment(event.recorded) > self._news_since

    @cached_property
    def accounts(self) -> dict[str, Account]:
        return accounts(self.events)


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
    """Every request was answered in the end, and none was refused."""
    if case.evidence.unanswered:
        yield Finding("lost", "requests without an answer", str(case.evidence.unanswered))
    for status in case.evidence.refused:
        yield Finding("wrong", "a good request was refused", str(status))


def one_creation_each(case: Case) -> Iterator[Finding]:
    """Each acknowledged referral was published once, and no other was."""
    made: dict[str, set[str]] = defaultdict(set)
    at: dict[str, float] = {}
    for event in case.events:
        if event.name == "referral-created" and event.who.endswith("/referral"):
            made[event.referral].add(event.id)
            at[event.referral] = event.at
    for referral, told in case.evidence.accepted.items():
        if referral not in made:
            yield Finding("lost", "an accepted referral was never said", referral, told)
    for referral, ids in made.items():
        if len(ids) > 1:
            yield Finding("doubled", "a referral was said under two ids", referral, at[referral])
        if referral not in case.evidence.accepted:
            yield Finding("doubled", "a referral that nobody was told of", referral, at[referral])


def what_was_said(case: Case) -> Iterator[Finding]:
    """Checks that every event that the broker acknowledged is there."""
    there = {(event.who, event.id) for event in case.events}
    for key, at in case.evidence.said.items():
        if key not in there:
            yield Finding("lost", "an acknowledged event is not on the log", "/".join(key), at)


def strangers(case: Case) -> Iterator[Finding]:
    """Every published record is an event, or known poison."""
    for entry in case.records:
        if read(entry) is None:
            yield Finding("doubled", "a record that nobody knows", entry.place, entry.at)


def same_words(case: Case) -> Iterator[Finding]:
    """Checks that every repeated event has the same content."""
    words: dict[tuple[str, str], bytes] = {}
    for event in case.events:
        if words.setdefault((event.who, event.id), event.raw) != event.raw:
            yield Finding("doubled", "one id with two bodies", f"{event.who}/{event.id}", event.at)


def one_meeting_each(case: Case) -> Iterator[Finding]:
    """An open referral has one meeting that stands, was met, or says why not; one that ended has none."""
    for referral, account in case.accounts.items():
        if account.created is None:
            continue
        at = account.created.at
        met = max((m.body["sequence"] for m in account.meetings if m.status == "attended"), default=-1)
        if not account.open:
            if account.standing:
                yield Finding("wrong", "it ended and its meeting stands", referral, at)
            continue
        if not account.attended and not account.standing and not account.waiting:
            yield Finding("lost", "open, without a meeting or a reason", referral, at)
        if any(meeting.ours for meeting in account.standing[:-1]):
            # A partner cancels its own second meeting; ours makes room for the one that counts.
            yield Finding("doubled", "two meetings stand", referral, at)
        elif any(meeting.ours and meeting.body["sequence"] <= met for meeting in account.standing):
            yield Finding("doubled", "they have met, and a meeting of before stands", referral, at)


def no_time_twice(case: Case) -> Iterator[Finding]:
    """No link worker meets two people at once, by the events."""
    days: dict[str, list[tuple[datetime, datetime, Met]]] = defaultdict(list)
    for account in case.accounts.values():
        for meeting in account.meetings:
            if account.open and meeting.holds_its_time:
                starts_at = datetime.fromisoformat(meeting.body["starts_at"])
                ends_at = starts_at + timedelta(minutes=meeting.body["minutes"])
                days[meeting.body["link_worker"]].append((starts_at, ends_at, meeting))
    for link_worker, times in days.items():
        for one, following in pairwise(sorted(times, key=lambda time: time[0])):
            if one[1] > following[0]:
                both = " and ".join(f"{met.id} ({met.status})" for met in (one[2], following[2]))
                where = f"{link_worker} {following[0].isoformat()}: {both}"
                yield Finding("doubled", "a time that is booked twice", where, following[2].at)


def diaries_hold_no_time_twice(case: Case) -> Iterator[Finding]:
    """Each meeting has one time, each time one meeting, and no partner's booking waits for a free time."""
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
            yield Finding("lost", "a meeting that waits for a time that is free", waits.meeting)


def diaries_hold_what_stands(case: Case) -> Iterator[Finding]:
    """Each standing meeting of ours is held, each partner's is known, and there is nothing else to come."""
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
            yield Finding("wrong", "a diary holds a time for nobody", time.meeting, of.at if of else 0.0)


def messages(case: Case) -> Iterator[Finding]:
    """Checks the messages: each recipient gets each by one channel, and none without an event."""
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
    """A sender gives a gateway the same message again only if it did not learn that it was taken.

    It had hung up before the gateway's yes, or a fault struck it.
    """
    given: dict[str, list[Handed]] = defaultdict(list)
    for message in sorted(case.evidence.handed, key=lambda message: message.at):
        given[message.reference].append(message)
    for ref, times in given.items():
        excused = sum(not message.heard for message in times[:-1])
        excused += sum(_excuses(trouble, times) for trouble in case.evidence.troubles)
        if len(times) - 1 > excused:
            where = f"{ref}, {len(times)} times within {times[-1].at - times[0].at:.0f} s"
            yield Finding("doubled", "a message handed over again for no reason", where, times[-1].at)


def _excuses(trouble: Trouble, times: Sequence[Handed]) -> bool:
    """Tells that a fault struck an earlier sender, between the first and the last time."""
    if trouble.fault in DO_NOT_REPEAT or not SENDERS.intersection(trouble.targets):
        return False
    struck = {*(SENDERS if trouble.fault in STRIKE_ALL else trouble.targets), ""}
    between = trouble.since <= times[-1].at and trouble.until + AFTERWARDS >= times[0].at
    return between and any(message.sender in struck for message in times[:-1])


def figures(case: Case) -> Iterator[Finding]:
    """The figures are those that the log gives when it is counted again."""
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
    """Each service keeps each event of the log, and nothing else."""
    said = {f"{event.who}/{event.id}": event for event in case.events}
    for part, kept in case.evidence.facts.items():
        for key in said.keys() - kept:
            yield Finding("lost", "an event that a part did not hear", f"{part}: {key}", said[key].at)
        for key in set(kept) - said.keys():
            yield Finding("doubled", "a fact that is not on the log", f"{part}: {key}")


def poison(case: Case) -> Iterator[Finding]:
    """Every record that could only be dead-lettered was, by every service, whole; and no other was."""
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
                    yield Finding("lost", "a good record was set aside", where, entry.at)
            elif letter is None:
                yield Finding("lost", "a record that became no dead letter", where, entry.at)
            elif (letter.key, letter.value, letter.headers) != (entry.key, entry.value, entry.headers):
                yield Finding("lost", "a dead letter is not the record", where, entry.at)


def at_rest(case: Case) -> Iterator[Finding]:
    """Nothing waits to be handled, published or done."""
    for where, rows in {**case.evidence.lag, **case.evidence.stuck}.items():
        if rows:
            yield Finding("wrong", "not at rest", f"{where}: {rows}")


def repeated(evidence: Evidence) -> dict[str, list[float]]:
    """Messages that a gateway was given more than once under one reference, and when each time."""
    times: dict[str, list[float]] = defaultdict(list)
    for message in evidence.handed:
        times[message.reference].append(message.at)
    return {ref: at for ref, at in times.items() if len(at) > 1}
