"""Checks that each decision of booking is its epoch's owner's, and no referral has two deciders."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from chaos.evidence import Finding
from chaos.handover.epochs import ANSWERS, PARTITIONS, Epochs, Said
from chaos.log import topics_of


def markers_are_whole(epochs: Epochs) -> Iterator[Finding]:
    """Checks that each epoch has one owner, follows the one before, and is marked in every partition."""
    for locality, owners in epochs.owners.items():
        for number, names in owners.items():
            where = f"{locality}, epoch {number}"
            if len(names) > 1:
                yield Finding("doubled", "an epoch of two owners", f"{where}: {', '.join(sorted(names))}")
            if number > 1 and number - 1 not in owners:
                yield Finding("lost", "an epoch without the one before", where)
            found = {
                (m.topic, m.partition) for m in epochs.marks if (m.locality, m.epoch) == (locality, number)
            }
            for topic in topics_of([locality]):
                for partition in range(PARTITIONS):
                    if (topic, partition) not in found:
                        yield Finding(
                            "lost", "a partition without its marker", f"{where}: {topic}/{partition}"
                        )


def owners_alone_decide(epochs: Epochs, decisions: Iterable[Said]) -> Iterator[Finding]:
    """Checks by source, markers and first appearance that an epoch's owner decided, and no other."""
    of: dict[tuple[str, str, int], dict[str, Said]] = defaultdict(dict)
    for said in decisions:
        event, owner = said.event, epochs.owner(said.event.locality, said.epoch)
        if said.owner != owner:
            where = f"{said.entry.place}: {event.kind} of {event.referral} by {event.who}"
            yield Finding(
                "doubled",
                "a decider that did not own booking",
                f"{where}, epoch {said.epoch} of {owner}",
                event.at,
            )
        of[event.locality, event.referral, said.epoch].setdefault(said.owner, said)
    for (_, referral, number), by in of.items():
        if len(by) > 1:
            last = max(by.values(), key=lambda said: said.event.at)
            where = f"{referral}, epoch {number}: {', '.join(sorted(by))}"
            yield Finding("doubled", "two deciders of one referral and epoch", where, last.event.at)


def booked_once(decisions: Iterable[Said]) -> Iterator[Finding]:
    """Checks that no two owners booked a referral side by side: the later one knew the meeting before.

    Each booking counts one above the last, whoever said that. So two owners with one number did not know
    of each other, even if one of the meetings was cancelled later.
    """
    numbers: dict[tuple[str, int], dict[str, Said]] = defaultdict(dict)
    for said in decisions:
        if said.event.kind == "meeting-booked":
            key = (said.event.referral, said.event.body["sequence"])
            numbers[key].setdefault(said.owner, said)
    for (referral, sequence), by in numbers.items():
        if len(by) > 1:
            last = max(by.values(), key=lambda said: said.event.at)
            where = f"{referral}, sequence {sequence}: {', '.join(sorted(by))}"
            yield Finding("doubled", "a referral booked by two owners", where, last.event.at)


def first_answers(decisions: Iterable[Said]) -> dict[str, Said]:
    """The first meeting or reason of each referral, by the time of its record."""
    first: dict[str, Said] = {}
    for said in decisions:
        if said.event.kind in ANSWERS:
            known = first.get(said.event.referral)
            if known is None or said.event.at < known.event.at:
                first[said.event.referral] = said
    return first
