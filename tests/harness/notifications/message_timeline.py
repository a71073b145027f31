"""A miniature of the kernel's scheduler without a store: tasks, a ledger, and a clock that the test moves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.notifications.messages.message import MessageName, Recipient
from services.notifications.messages.policy import (
    MessagePolicy,
    PastMessages,
    after_quiet_hours,
    is_still_needed,
)
from services.notifications.messages.state import NotificationState, fold
from shared.contract.events.fact import Fact
from shared.delivery.model.decision import DecisionContext, ScheduledTask, TaskRow
from shared.platform.ids import new_id
from tests.harness.notifications.facts import MEETING, NOW, SOURCES, numbered_id

DELAY = timedelta(seconds=30)
FAR_FUTURE = MEETING + timedelta(days=60)
TO_ALL = ["booked to person", "booked to link_worker", "booked to referrer"]


@dataclass
class MessageTimeline:
    """One referral's messages through time."""

    now: datetime = NOW
    facts: dict[tuple[str, str], Fact] = field(default_factory=dict)
    rows: dict[str, ScheduledTask] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    scheduled: list[str] = field(default_factory=list)
    sent: list[tuple[MessageName, datetime]] = field(default_factory=list)
    ours_since: datetime | None = None

    @property
    def view(self) -> NotificationState:
        return fold(list(self.facts.values()), SOURCES)

    @property
    def context(self) -> DecisionContext:
        return DecisionContext(self.now, new_id, "meir", numbered_id(1), ours_since=self.ours_since)

    @property
    def sent_labels(self) -> list[str]:
        """The messages sent, as `template to recipient`."""
        return [f"{name.template} to {name.recipient}" for name, _ in self.sent]

    def receive(self, *facts: Fact) -> None:
        """Receives a batch of facts and decides, even where the kernel would see only repeats."""
        self.facts |= {fact.key: fact for fact in facts}
        past = PastMessages({("meir", numbered_id(1)): frozenset(self.ended)})
        for task in MessagePolicy(DELAY)(self.view, past, self.context).tasks:
            if task.about not in self.rows:
                self.rows[task.about] = task
                self.scheduled.append(task.about)

    def run(self) -> None:
        """Runs the tasks whose time has come. The gateway takes every message."""
        for about, task in sorted(self.rows.items(), key=lambda item: item[1].at):
            if task.at > self.now:
                continue
            del self.rows[about]
            name = MessageName.parse(about)
            if task.not_after is not None and self.now > task.not_after:
                self.ended.add(about)
            elif about not in self.ended and is_still_needed(self.view, self.context, _row(task)):
                self._send(name, task)

    def _send(self, name: MessageName, task: ScheduledTask) -> None:
        allowed = after_quiet_hours(self.now)
        if name.recipient is Recipient.PERSON and allowed > self.now:
            self.rows[task.about] = ScheduledTask(task.what, task.about, allowed, task.not_after)
            return
        self.sent.append((name, self.now))
        self.ended.add(task.about)

    def run_until(self, moment: datetime) -> None:
        """Advances the clock to the moment, running each task at its time."""
        while True:
            self.run()
            coming = min((task.at for task in self.rows.values()), default=moment)
            if coming >= moment:
                break
            self.now = max(self.now, coming)
        self.now = moment
        self.run()


def timeline(facts: Iterable[Fact], now: datetime = NOW) -> MessageTimeline:
    """A timeline that has received these facts in one batch."""
    made = MessageTimeline(now)
    made.receive(*facts)
    return made


def _row(task: ScheduledTask) -> TaskRow:
    return TaskRow(task.what, task.about, task.at, task.payload)
