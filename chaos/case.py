"""The evidence of a run and the values that follow from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from chaos.account import Account, accounts, moment
from chaos.evidence import Evidence
from chaos.log import Entry, Event, read

NEWS_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Case:
    """The evidence with the values that follow from it, each computed once."""

    evidence: Evidence

    @cached_property
    def events(self) -> list[Event]:
        """Every event of the log, repeats included. Poison that is no event is left out."""
        return [event for entry in self.records if (event := read(entry))]

    @cached_property
    def records(self) -> list[Entry]:
        """The log without records that can only become dead letters, and without markers of hand-overs."""
        aside = {poisoned.content for poisoned in self.evidence.poison if poisoned.aside}
        log = (entry for entry in self.evidence.log if not entry.is_marker)
        return [entry for entry in log if entry.content not in aside]

    @cached_property
    def handed(self) -> frozenset[str]:
        """The references of all messages that a gateway was given."""
        return frozenset(message.reference for message in self.evidence.handed)

    @cached_property
    def _news_since(self) -> datetime:
        """The time since which news must have been sent. Older news is never sent.

        The partner's clock is never wrong, so the partner's times count if it published anything.
        """
        theirs = [event.recorded for event in self.events if event.who.endswith("/history")]
        return max(map(moment, theirs or [event.recorded for event in self.events])) - NEWS_FOR

    def new(self, event: Event) -> bool:
        """Tests whether an event was news on arrival. Events near the limit are older than the run."""
        return moment(event.recorded) > self._news_since

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """The accounts of all referrals, by id."""
        return accounts(self.events)
