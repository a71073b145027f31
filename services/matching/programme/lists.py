"""The list on which an open case stands, whoever owns which part: a link worker's, or the overview. Pure.

A link worker's list holds their cases, and those without a link worker at their practices. The overview holds
all others: those of a casework elsewhere, and those that no link worker of ours sees.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.matching.roster.link_workers import LinkWorker


@dataclass(frozen=True, slots=True)
class OnList:
    """The list of a case.

    Attributes:
        link_workers: those of ours who have it on their list.
        owner: casework's owner, if it is not ours.
    """

    link_workers: frozenset[str]
    owner: str | None = None

    @property
    def in_overview(self) -> bool:
        """True if the overview shows it, since no link worker of ours does."""
        return not self.link_workers


def on_list(
    link_worker: str | None, practice: str, workers: Iterable[LinkWorker], owner: str | None
) -> OnList:
    """The list of an open case.

    Args:
        link_worker: the case's.
        practice: the case's.
        workers: the entries of the locality's link workers.
        owner: casework's owner in the locality; None if it is ours.
    """
    if owner is not None:
        return OnList(frozenset(), owner)
    # Those who have left sign in no more.
    here = [each for each in workers if each.active]
    if link_worker is not None:
        return OnList(frozenset(each.id for each in here if each.id == link_worker))
    return OnList(frozenset(each.id for each in here if practice in each.practices))
