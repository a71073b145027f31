"""A small log of booking that was handed over and back, in which every promise was kept."""

import json
from dataclasses import dataclass, field, replace

from chaos.calls import reference
from chaos.evidence import Evidence, Handed
from chaos.handover.inboxes import END
from chaos.handover.reckon import Evidences
from chaos.log import EVENTS, MARKER, Entry
from tests.harness.chaos.small import LOCALITY, Story, evidence_of, identity

PARTNER = "booking-py"
INBOX = f"in.{LOCALITY}.{PARTNER}"
BAD = Entry("meir.referral-created.v1", 0, 900, 150.0, b"key", b"{", (("x", None),))


@dataclass
class Handing:
    """Writes the log of hand-overs. A partner's records go through its inbox."""

    story: Story = field(default_factory=Story)
    inbox: list[Entry] = field(default_factory=list)
    refusals: list[Entry] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)

    def marker(self, epoch: int, owner: str, *, partitions: int = 3) -> None:
        body = {"locality": LOCALITY, "part": "booking", "epoch": epoch, "owner": owner}
        for event in EVENTS:
            for partition in range(partitions):
                at = len(self.story.log)
                place = (f"{LOCALITY}.{event}.v1", partition, at, 100.0 + at)
                entry = Entry(*place, b"booking", json.dumps(body).encode(), (("ce_type", MARKER),))
                self.story.log.append(entry)

    def copied(self, entry: Entry) -> Entry:
        """Writes the record just said into the partner's inbox, and makes it the copy of that."""
        offset = len(self.inbox)
        self.inbox.append(replace(entry, topic=INBOX, offset=offset))
        receipt = (("linkwork-inbox", INBOX.encode()), ("linkwork-inbox-offset", str(offset).encode()))
        self.story.log[-1] = replace(entry, headers=(*entry.headers, *receipt))
        return self.story.log[-1]

    def uncopied(self, entry: Entry) -> None:
        """Writes the record just said into the inbox alone."""
        self.inbox.append(replace(entry, topic=INBOX, offset=len(self.inbox)))
        self.story.log.remove(entry)

    def end_of_inbox(self) -> None:
        at = len(self.inbox)
        self.inbox.append(Entry(INBOX, 0, at, 200.0, b"booking", b"{}", (("ce_type", END),)))

    def refused(self, code: str) -> None:
        """Refuses the newest record of the inbox."""
        body = {"topic": INBOX, "partition": 0, "offset": len(self.inbox) - 1, "code": code}
        self.refusals.append(
            Entry(f"refused.{LOCALITY}.{PARTNER}", 0, 0, 210.0, None, json.dumps(body).encode(), ())
        )

    def told(self, meeting: int, referral: int, *, template: str = "booked") -> None:
        """Sends the news of a meeting to person, link worker and referrer."""
        for who in ("person", "link_worker", "referrer"):
            name = f"{template}.{who}.{identity(meeting)}"
            self.handed.append(Handed(reference(LOCALITY, identity(referral), name, "mail"), "mail", 220.0))

    def evidence(self) -> Evidences:
        log = [*self.story.log, BAD]
        whole: Evidence = evidence_of(log, BAD)
        whole = replace(whole, handed=self.handed, accepted={}, inboxes=(), said={})
        bookers = {LOCALITY: frozenset({PARTNER})}
        return Evidences(whole, bookers, tuple(self.inbox), tuple(self.refusals))


def kept() -> Handing:
    """Referral 1 is booked by us, 2 by the partner in epoch 1, 3 by us in epoch 2."""
    handing = Handing()
    story = handing.story
    story.created(1)
    story.booked(1, 11, hour=2, source="booking")
    handing.marker(1, PARTNER)
    story.created(2)
    handing.copied(story.booked(2, 12, hour=3, source=PARTNER))
    handing.end_of_inbox()
    handing.marker(2, "linkwork")
    story.created(3)
    story.booked(3, 13, hour=4, source="booking")
    for number in (1, 2, 3):
        handing.told(10 + number, number)
    return handing
