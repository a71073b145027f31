"""The rule by which a record of a source that brings a part is refused, and the ends of inboxes. Pure."""

from shared.contract.events.inbox_end import InboxEnd
from shared.contract.events.refusals import RefusalCode
from shared.platform.localities import Locality


def owns(there: Locality | None, source: str, ended: int | None = None) -> bool:
    """True unless the source brings a part that it does not own by this table.

    `ended` is the last epoch in which the source's inbox has ended: the part is the source's in a later one.
    """
    found = there.sources.get(source) if there else None
    if there is None or found is None or found.brings is None:
        return True
    return there.owner(found.brings) == found.name and (ended is None or there.epoch(found.brings) > ended)


def refusal_of_owner(
    there: Locality | None, source: str, ended: int | None = None, said: int | None = None
) -> RefusalCode | None:
    """The reason why a record of a source that brings a part is not its owner's word, or None.

    A source that owned the part before has to name its epoch. Otherwise what it decided then, and could not
    say, would pass as a word of its next epoch.

    Args:
        there: the locality by the table in force.
        source: the record's source.
        ended: the last epoch in which the source's inbox has ended.
        said: the epoch that the record names.
    """
    if not owns(there, source, ended):
        return RefusalCode.NOT_OWNER
    found = there.sources.get(source) if there else None
    if there is None or found is None or found.brings is None:
        return None
    if said is None:
        return None if ended is None else RefusalCode.WRONG_EPOCH
    return None if said == there.epoch(found.brings) else RefusalCode.WRONG_EPOCH


def refusal_of_end(there: Locality | None, source: str, end: InboxEnd) -> RefusalCode | None:
    """The reason why a source's inbox does not end: the part is another's, or is not handed over."""
    found = there.sources.get(source) if there else None
    if there is None or found is None or found.brings != end.part:
        return RefusalCode.NOT_OWNER
    if there.owner(end.part) != found.name or there.epoch(end.part) != end.epoch:
        return RefusalCode.NOT_OWNER
    return None if there.claim(end.part) else RefusalCode.NO_HAND_OVER
