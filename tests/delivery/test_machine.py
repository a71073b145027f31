"""The kernel as a state machine: whatever fails, dies, repeats or overtakes, each fact takes effect once.

Run `make properties` for many more, and longer, histories.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.delivery.commands import IDEMPOTENCY, Idempotency, command
from shared.delivery.decision import Decision, Occasion
from shared.delivery.facts import canonical
from shared.delivery.outbox import Message
from shared.delivery.part import Part
from shared.delivery.round import DUE, OUTBOX, REFERRALS
from shared.events.envelope import Envelope
from shared.events.outcomes import ContactAttempted
from shared.events.topics import event_topics
from shared.events.vocabulary import Channel
from shared.story import Story
from tests.delivery.broker import LOCALITY
from tests.delivery.pool import OURS, POOL, REFERRALS_KNOWN, fact_of, is_ours
from tests.delivery.toy import NOW, TOY
from tests.delivery.world import Tally, World

PART = cast("Part[Story, Any]", TOY)
ACTIVITIES = ["batch", "commit", "due", "own", "relay", "look", "command"]
"""`own` is the relay's loop over its process's lane, `relay` a page of any lane, `commit` that of offsets."""
OUTCOMES = ["goes on", "goes on", "fails", "goes unanswered"]


def ring_up(story: Story, resources: object, occasion: Occasion) -> Decision:
    body = ContactAttempted(
        referral_id=occasion.referral_id, locality=occasion.locality, channel=Channel.PHONE, reached=False
    )
    return Decision([body])


class Kernel(RuleBasedStateMachine):
    """Rules are what the world may do to the processes; invariants look only at what is committed."""

    @initialize(looked=st.booleans(), leads=st.tuples(st.booleans(), st.booleans()))
    def begin(self, looked: bool, leads: tuple[bool, bool]) -> None:
        """Relays may have seen already that nothing was left from before; one, both or none may decide."""
        self.world = World(replace(PART, store=Tally()), NOW)
        for process, decides in zip(self.world.processes, leads, strict=True):
            process.leads = decides
            while looked and process.step("own", "goes on"):
                continue

    processes = st.integers(0, 1)

    @rule(event=st.sampled_from(POOL))
    def somebody_says(self, event: Envelope) -> None:
        """In any order, and any number of times."""
        self.world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())

    @rule(which=st.integers(0, 20), change=st.sampled_from(["nothing", "body", "topic"]))
    def somebody_says_what_we_said(self, which: int, change: str) -> None:
        """Under our name and id; what comes back to us we know by more than those."""
        ours = [r for records in self.world.log.records.values() for r in records if is_ours(r)]
        if ours:
            record = ours[which % len(ours)]
            value = (record.value or b"")[:-1] + b',"more":1}' if change == "body" else record.value
            topic = event_topics(LOCALITY)[which % 3] if change == "topic" else record.topic
            self.world.log.append(topic, record.key, value, record.headers)

    @rule(event=st.sampled_from(POOL), change=st.sampled_from(["body", "time", "id"]))
    def somebody_says_nonsense(self, event: Envelope, change: str) -> None:
        headers: list[tuple[str, bytes | None]] = [*event.headers()]
        value = event.raw
        if change == "body":
            value = event.raw[:-1] + b',"interpreter":true,"reached":1}'  # known already, with another body
        elif change == "time":
            headers = [(n, b"0001-01-01T00:00:00+14:00" if n == "ce_time" else v) for n, v in headers]
        else:
            headers = [(n, None if n == "ce_id" else v) for n, v in headers]
        self.world.log.append(event.topic(), event.body.referral_id.encode(), value, headers)

    @rule(process=processes, most=st.integers(1, 5))
    def polls(self, process: int, most: int) -> None:
        self.world.processes[process].poll(most)

    @rule(process=processes, joins=st.booleans())
    def commits(self, process: int, joins: bool) -> None:
        """Later than it handled, perhaps after a rebalance, of which it may have heard."""
        if joins:
            self.world.processes[process].joins()
        self.world.processes[process].commit()

    @rule(process=processes)
    def looks_at_what_is_due(self, process: int) -> None:
        due = self.world.processes[process].due
        self.world.processes[process].begin("due", lambda: due.run_once(sends=False))

    @rule(process=processes, lane=st.integers(0, 3))
    def publishes_any_lane(self, process: int, lane: int) -> None:
        """Its own or another's, at the same time as another: a lease saves work and is not relied on."""
        lanes = self.world.lanes()
        if lanes:
            self.world.processes[process].publish(lanes[lane % len(lanes)])

    @rule(process=processes, referral_id=st.sampled_from(REFERRALS_KNOWN), key=st.integers(0, 2))
    def somebody_commands(self, process: int, referral_id: str, key: int) -> None:
        """Presses the button; again with the same key where they were not answered, or cannot wait."""
        worker = self.world.processes[process].commanding
        once = Idempotency("somebody", referral_id, str(key), b"same")
        self.world.processes[process].begin(
            "command", lambda: command(worker, LOCALITY, referral_id, ring_up, idempotency=once)
        )

    @rule(
        process=processes,
        what=st.sampled_from(ACTIVITIES),
        first=st.integers(0, 9),
        outcome=st.sampled_from(OUTCOMES),
    )
    def goes_on(self, process: int, what: str, first: int, outcome: str) -> None:
        """A process gets so far; the next await happens, fails, or happens without an answer."""
        running = self.world.processes[process]
        for _ in range(first):
            if not running.step(what, "goes on"):
                return
        running.step(what, outcome)

    @rule(process=processes)
    def looks_for_rows_that_were_left(self, process: int) -> None:
        """Rows of a transaction whose commit was not answered: seconds later."""
        self.world.now += timedelta(seconds=3)
        self.world.processes[process].look_for_left_rows()

    @rule(process=processes, what=st.lists(st.sampled_from(ACTIVITIES), max_size=12))
    def goes_on_here_and_there(self, process: int, what: list[str]) -> None:
        """Nothing fails; what is handled, published, committed overtakes one another."""
        for each in what:
            self.world.processes[process].step(each, "goes on")

    @rule(turn=st.integers(0, 1), outcome=st.sampled_from([*OUTCOMES, "nobody asks"]))
    def rebalances(self, turn: int, outcome: str) -> None:
        """Those who answer are asked before; a process that sleeps is not."""
        for process in self.world.processes:
            if outcome != "nobody asks":
                process.is_revoked()
                process.step("commit", outcome)
        self.world.assign(turn)

    @rule(process=processes, what=st.sampled_from(["batch", "command", "due"]))
    def gets_as_far_as_the_commit(self, process: int, what: str) -> None:
        running = self.world.processes[process]
        while what in running.tickets and running.tickets[what].name != "commit":
            running.step(what, "goes on")

    @rule(process=processes)
    def is_killed(self, process: int) -> None:
        self.world.kill(process)

    @rule()
    def what_the_dead_had_begun_is_ended(self) -> None:
        self.world.end_transactions_of(self.world.dead)

    @rule(process=processes)
    def is_taken_for_dead(self, process: int) -> None:
        """It only sleeps: what it had begun is gone when it wakes up."""
        self.world.end_transactions_of([self.world.processes[process]])

    @rule(process=processes, done=st.booleans())
    def a_command_is_cancelled(self, process: int, done: bool) -> None:
        """Whoever pressed the button has gone, at any await; it may have been committed all the same."""
        self.world.processes[process].step("command", "is cancelled" + ", unanswered" * done)

    @rule(process=processes, what=st.sampled_from(ACTIVITIES), done=st.booleans())
    def is_cancelled_as_it_stops(self, process: int, what: str, done: bool) -> None:
        """It would not end in time. Another comes when it is killed."""
        stopping = self.world.processes[process]
        stopping.stream._stopping.set()
        stopping.step(what, "is cancelled" + ", unanswered" * done)

    @rule(process=processes, outcome=st.sampled_from(OUTCOMES))
    def is_told_to_stop(self, process: int, outcome: str) -> None:
        """What is in hand may be left, and is not committed then. Another comes when it is killed."""
        stopping = self.world.processes[process]
        stopping.stream._stopping.set()
        for each in (outcome, "goes on", "goes on"):
            stopping.step("batch", each)

    @rule(process=processes)
    def leads_or_not(self, process: int) -> None:
        self.world.processes[process].leads = not self.world.processes[process].leads

    @invariant()
    def each_fact_takes_effect_once(self) -> None:
        cases = self.world.stored.of(REFERRALS)
        for case in cases:
            keys = [(row["s"], row["i"]) for row in case["facts"]]
            assert len(keys) == len(set(keys)), "a fact is in its set twice"
        tally = self.world.stored.of("tally")
        assert (tally[0]["facts"] if tally else 0) == sum(len(case["facts"]) for case in cases)

    @invariant()
    def each_command_takes_effect_once(self) -> None:
        commanded = len(self.world.stored.of(IDEMPOTENCY))
        unanswered = sum(self._bodies(b'"reached":false'))
        assert unanswered == commanded, "a button pressed once rang twice, or not at all"

    def _bodies(self, part: bytes) -> list[bool]:
        cases = self.world.stored.of(REFERRALS)
        return [part in row["b"] for case in cases for row in case["facts"] if row["s"] == OURS]

    @invariant()
    def no_offset_passes_an_unhandled_record(self) -> None:
        cases = self.world.stored.of(REFERRALS)
        heard = {(row["s"], row["i"], canonical(row["b"])) for case in cases for row in case["facts"]}
        letters = {m.key.decode() for m in self._waiting() if "dlq-reason" in m.headers}
        letters |= self.world.log.letters
        for partition, records in self.world.log.records.items():
            for record in records[: self.world.log.committed[partition]]:
                assert fact_of(record) in heard or record.place in letters, "a record was passed over"

    def _waiting(self) -> list[Message]:
        return [Message.restore(m) for row in self.world.stored.of(OUTBOX) for m in row["m"]]

    @invariant()
    def nothing_is_published_that_was_not_decided(self) -> None:
        decided = self._decided()
        assert set(self.world.log.published) <= decided
        waiting = {m.headers["ce_id"] for m in self._waiting() if "dlq-reason" not in m.headers}
        assert decided <= set(self.world.log.published) | waiting, "neither published nor waiting"

    @invariant()
    def no_relay_rests_while_there_is_something_to_publish(self) -> None:
        """But for what it cannot know of, it needs nobody to look for rows that were left."""
        lanes = self.world.lanes()
        for process in self.world.processes:
            assert not process.rests or process.unanswered or process.lane not in lanes, "rows were left"

    def _decided(self) -> set[str]:
        cases = self.world.stored.of(REFERRALS)
        return {row["i"] for case in cases for row in case["facts"] if row["s"] == OURS}

    def teardown(self) -> None:
        """Once nothing fails any more, everything comes to rest, and then all of it must be right."""
        if not hasattr(self, "world"):
            return
        try:
            self._come_to_rest()
            self._is_right_at_rest()
        finally:
            self.world.close()

    def _come_to_rest(self) -> None:
        world = self.world
        for number, process in enumerate(world.processes):
            process.leads = True
            if process.stream._stopping.is_set():
                world.kill(number)
        world.end_transactions_of(world.dead)
        living = {process.lane for process in world.processes}
        for turn in range(60):
            world.now += timedelta(seconds=1)
            left = [lane for lane in world.lanes() if lane not in living]  # these publish their own
            for process in world.processes:
                process.poll(5)
                process.commit()
                process.begin("due", lambda process=process: process.due.run_once(sends=False))  # type: ignore[misc]
                process.look_for_left_rows()
                for lane in left[turn % 3 : turn % 3 + 1] or left[:1]:
                    process.publish(lane)
                for _ in range(40):  # no more at once: it may wait for a document that the other has in hand
                    for what in ACTIVITIES:
                        process.step(what, "goes on")
            if turn % 10 == 9:
                world.assign(turn)  # what was read and not committed is read again
            self.no_offset_passes_an_unhandled_record()
            if turn > 20 and not world.lanes() and not world.stored.of(DUE) and self._all_read():
                return
        raise AssertionError("it does not come to rest")

    def _all_read(self) -> bool:
        log = self.world.log
        return all(log.committed[partition] == len(records) for partition, records in log.records.items())

    def _is_right_at_rest(self) -> None:
        self.each_fact_takes_effect_once()
        self.each_command_takes_effect_once()
        self.nothing_is_published_that_was_not_decided()
        assert self._decided() == set(self.world.log.published), "decided and never published"
        for case in self.world.stored.of(REFERRALS):
            heard = Counter(row["e"] for row in case["facts"])
            ours = [row for row in case["facts"] if row["s"] == OURS and row["e"] == "meeting-booked"]
            assert len(ours) == min(heard["referral-created"], 1), "answered twice, or not at all"
            assert case["view"]["meetings"] == len(ours)
            rung = [row for row in case["facts"] if row["s"] == OURS and b'"reached":true' in row["b"]]
            assert len(rung) == len(ours), "what was due was done twice, or not at all"


def test_a_batch_that_is_given_up_is_not_committed() -> None:
    world = World(replace(PART, store=Tally()), NOW)
    event = POOL[0]
    world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())
    for process in world.processes:
        process.poll(1)
        process.stream._stopping.set()
        process.step("batch", "fails")
        while process.step("batch", "goes on"):
            continue
        process.commit()
        while process.step("commit", "goes on"):
            continue
    assert not any(world.log.committed.values())
    world.close()


# `properties` searches long; `mutations` searches only for whether there is a failure, not for the shortest.
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
EXAMPLES, STEPS = {"properties": (1000, 80), "mutations": (600, 50)}.get(PROFILE, (120, 50))
TestKernel = Kernel.TestCase
TestKernel.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=PROFILE != "mutations",
    phases=[Phase.generate] if PROFILE == "mutations" else list(Phase),
)
