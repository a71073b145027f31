"""The kernel as a state machine: whatever fails, dies, repeats or overtakes, each fact takes effect once.

Run `make properties` for many more, and longer, histories.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.contract.events.envelope import Envelope
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import event_topics
from shared.contract.events.vocabulary import Channel
from shared.contract.history import ReferralHistory
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.facts import canonical
from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.outbox.rows import Message
from shared.delivery.ownership.standing import OWNERSHIP
from shared.delivery.unit_of_work.commands import IDEMPOTENCY, Idempotency, command
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, REFERRALS, TASKS
from tests.harness.delivery.broker import LOCALITY
from tests.harness.delivery.pool import OURS, POOL, REFERRALS_KNOWN, fact_of, is_ours
from tests.harness.delivery.toy import NOW, TOY
from tests.harness.delivery.world import Process, Tally, World


async def every_referral(mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
    return [REFERRALS_KNOWN]


PART = cast(
    "ServiceDefinition[ReferralHistory, Any]",
    replace(TOY, look=TOY.decisions["referral_created"], look_at=every_referral),
)
PROCESS = st.integers(0, 1)
SAID = st.sampled_from(POOL)
ACTIVITIES = ["batch", "own", "commit", "due", "relay", "look", "command", "opens", "owners"]
"""`own` is the relay's loop over its process's lane, `relay` a page of any lane, `commit` that of offsets,
`opens` finds out where a process's partitions go on, `owners` who owns its parts."""
WHAT = st.sampled_from([*ACTIVITIES, "batch", "due"])
AWAITS = st.integers(0, 9)
"""Past most of these a transaction comes to its commit."""
OUTCOMES = ["goes on", "goes on", "fails", "goes unanswered"]
REVOKED = [*OUTCOMES, "nobody asks", "nobody waits"]
CANCELLED = ["is cancelled", "is cancelled, unanswered"]


class InHand(NamedTuple):
    """One process takes up or goes on with `what`, or the next of its activities that has anything to do.

    It gets past so many awaits.
    """

    process: int
    what: str
    awaits: int


class Move(NamedTuple):
    """The await that it comes to goes on, fails, or is done and not answered."""

    has: InHand
    outcome: str


IN_HAND = st.builds(InHand, PROCESS, WHAT, AWAITS)
MOVES = st.lists(st.builds(Move, IN_HAND, st.sampled_from(OUTCOMES)), max_size=7)


def ring_up(story: ReferralHistory, resources: object, context: DecisionContext) -> Decision:
    body = ContactAttempted(
        referral_id=context.referral_id, locality=context.locality, channel=Channel.PHONE, reached=False
    )
    return Decision([body])


class Kernel(RuleBasedStateMachine):
    """Rules are what the world may do to the processes.

    What strikes a process finds that it `has` something in hand; after each rule, `then` says how all go on.
    So most of a history is work under way. Invariants look only at what is committed.
    """

    @initialize(looked=st.booleans(), leads=st.tuples(st.booleans(), st.booleans()), said=st.lists(SAID))
    def begin(self, looked: bool, leads: tuple[bool, bool], said: list[Envelope]) -> None:
        """Relays may have seen already that nothing was left from before; one, both or none may decide."""
        self.world = World(replace(PART, repository=Tally()), NOW)
        self._commands = 0
        self.made_anew = False
        self.booked_before: set[str] | None = None
        for process, decides in zip(self.world.processes, leads, strict=True):
            process.leads = decides
            while looked and process.step("own", "goes on"):
                continue
        for event in said:
            self._say(event)

    def _say(self, event: Envelope) -> None:
        self.world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())

    def _go_on(self, then: list[Move]) -> None:
        for move in then:
            process, what = self._takes_up(move.has)
            process.step(what, move.outcome)
            self._all_holds()

    def _takes_up(self, has: InHand) -> tuple[Process, str]:
        """The process, and what of it is meant."""
        process = self.world.processes[has.process]
        if has.what == "command":
            self._commands += 1
            self._command(process, REFERRALS_KNOWN[self._commands % 3], self._commands % 5)
        first = ACTIVITIES.index(has.what)
        for what in ACTIVITIES[first:] + ACTIVITIES[:first]:
            if process.take_up(what):
                for _ in range(has.awaits):
                    process.step(what, "goes on")
                return process, what
        return process, has.what

    @rule(then=MOVES)
    def nothing_else_happens(self, then: list[Move]) -> None:
        self._go_on(then)

    @rule(events=st.lists(SAID, min_size=1, max_size=4), then=MOVES)
    def somebody_says(self, events: list[Envelope], then: list[Move]) -> None:
        """In any order, and any number of times."""
        for event in events:
            self._say(event)
        self._go_on(then)

    @rule(which=st.integers(0, 20), change=st.sampled_from(["nothing", "body", "topic"]), then=MOVES)
    def somebody_says_what_we_said(self, which: int, change: str, then: list[Move]) -> None:
        """Under our name and id; what comes back to us we know by more than those."""
        ours = [r for records in self.world.log.records.values() for r in records if is_ours(r)]
        if ours:
            record = ours[which % len(ours)]
            value = (record.value or b"")[:-1] + b',"more":1}' if change == "body" else record.value
            topic = event_topics(LOCALITY)[which % 3] if change == "topic" else record.topic
            self.world.log.append(topic, record.key, value, record.headers)
        self._go_on(then)

    @rule(event=SAID, change=st.sampled_from(["body", "time", "id"]), then=MOVES)
    def somebody_says_nonsense(self, event: Envelope, change: str, then: list[Move]) -> None:
        headers: list[tuple[str, bytes | None]] = [*event.headers()]
        value = event.raw
        if change == "body":
            value = event.raw[:-1] + b',"interpreter":true,"reached":1}'  # known already, with another body
        elif change == "time":
            headers = [(n, b"0001-01-01T00:00:00+14:00" if n == "ce_time" else v) for n, v in headers]
        else:
            headers = [(n, None if n == "ce_id" else v) for n, v in headers]
        self.world.log.append(event.topic(), event.body.referral_id.encode(), value, headers)
        self._go_on(then)

    @rule(process=PROCESS, most=st.integers(1, 5), then=MOVES)
    def polls(self, process: int, most: int, then: list[Move]) -> None:
        """More at once, or less, than it does by itself."""
        self.world.processes[process].poll(most)
        self._go_on(then)

    @rule(process=PROCESS, then=MOVES)
    def hears_of_the_rebalance(self, process: int, then: list[Move]) -> None:
        """A late commit may name partitions that another process held meanwhile."""
        self.world.processes[process].joins()
        self._go_on(then)

    @rule(process=PROCESS, lane=st.integers(0, 3), then=MOVES)
    def publishes_any_lane(self, process: int, lane: int, then: list[Move]) -> None:
        """Its own or another's, at the same time as another: a lease saves work and is not relied on."""
        lanes = self.world.lanes()
        if lanes:
            self.world.processes[process].publish(lanes[lane % len(lanes)])
        self._go_on(then)

    @rule(process=PROCESS, referral_id=st.sampled_from(REFERRALS_KNOWN), key=st.integers(0, 2), then=MOVES)
    def somebody_commands(self, process: int, referral_id: str, key: int, then: list[Move]) -> None:
        """Presses the button; again with the same key where they were not answered, or cannot wait."""
        self._command(self.world.processes[process], referral_id, key)
        self._go_on(then)

    def _command(self, process: Process, referral_id: str, key: int) -> None:
        worker = process.commanding
        once = Idempotency("somebody", referral_id, str(key), b"same")
        process.begin("command", lambda: command(worker, LOCALITY, referral_id, ring_up, idempotency=once))

    @rule(process=PROCESS, what=st.sampled_from(["batch", "command", "due"]), then=MOVES)
    def gets_as_far_as_the_commit(self, process: int, what: str, then: list[Move]) -> None:
        """Not for ever: what another has in hand is waited for."""
        running = self.world.processes[process]
        running.take_up(what)
        for _ in range(30):
            if what in running.tickets and running.tickets[what].name != "commit":
                running.step(what, "goes on")
        self._go_on(then)

    @rule(process=PROCESS, then=MOVES)
    def looks_for_rows_that_were_left(self, process: int, then: list[Move]) -> None:
        """Rows of a transaction whose commit was not answered: seconds later."""
        self.world.now += timedelta(seconds=3)
        self.world.processes[process].look_for_left_rows()
        self._go_on(then)

    @rule(has=IN_HAND, turn=st.integers(0, 1), outcome=st.sampled_from(REVOKED), then=MOVES)
    def rebalances(self, has: InHand, turn: int, outcome: str, then: list[Move]) -> None:
        """Those who answer are asked before, and waited for, for a while; a process that sleeps is not."""
        self._takes_up(has)
        for process in self.world.processes:
            if outcome != "nobody asks":
                process.is_revoked()
            if outcome in OUTCOMES:
                process.step("commit", outcome)
        self.world.assign(turn)
        self._go_on(then)

    @rule(partition=st.integers(0, 5), by=st.integers(1, 3), rebalance=st.booleans(), then=MOVES)
    def a_stranger_commits(self, partition: int, by: int, rebalance: bool, then: list[Move]) -> None:
        """As a member of our group, records that it does not give us; then it leaves, or not yet."""
        log = self.world.log
        at = list(log.records)[partition]
        log.commit(at, min(log.committed[at] + by, len(log.records[at])), "")
        if rebalance:
            self.world.assign(partition)
        self._go_on(then)

    @rule(process=PROCESS, then=MOVES)
    def looks_at_the_offsets(self, process: int, then: list[Move]) -> None:
        self.world.processes[process].look_at_offsets()
        self._go_on(then)

    @rule(topic=st.integers(0, 2), then=MOVES)
    def a_topic_is_made_anew(self, topic: int, then: list[Move]) -> None:
        """Deleted with all its records; what was said in it is not said again."""
        self.made_anew = True
        self.world.log.make_anew(event_topics(LOCALITY)[topic])
        self._go_on(then)

    @rule(then=MOVES)
    def an_operator_resumes(self, then: list[Move]) -> None:
        self.world.resume()
        self._go_on(then)

    @rule(has=IN_HAND, then=MOVES)
    def booking_is_stopped(self, has: InHand, then: list[Move]) -> None:
        """Whatever a process has in hand: from now on it decides nothing as booking."""
        self._takes_up(has)
        self.world.turn(decides=False)
        self.booked_before = self._booked()
        self._go_on(then)

    @rule(has=IN_HAND, then=MOVES)
    def booking_decides_again(self, has: InHand, then: list[Move]) -> None:
        self._takes_up(has)
        self._undo_flip()
        self._go_on(then)

    def _undo_flip(self) -> None:
        if self.world.stopped:
            self.world.turn(decides=True)
            self.booked_before = None

    def _booked(self) -> set[str]:
        cases = self.world.stored.of(REFERRALS)
        facts = [row for case in cases for row in case["facts"] if row["s"] in OURS]
        return {row["i"] for row in facts if row["e"] == "meeting-booked"}

    @invariant()
    def booking_that_was_stopped_decides_nothing(self) -> None:
        assert self.booked_before is None or self._booked() == self.booked_before, "decided after the flip"

    @rule(has=IN_HAND, then=MOVES)
    def is_killed(self, has: InHand, then: list[Move]) -> None:
        self._takes_up(has)
        self.world.kill(has.process)
        self._go_on(then)

    @rule(then=MOVES)
    def what_the_dead_had_begun_is_ended(self, then: list[Move]) -> None:
        self.world.end_transactions_of(self.world.dead)
        self._go_on(then)

    @rule(has=IN_HAND, then=MOVES)
    def is_taken_for_dead(self, has: InHand, then: list[Move]) -> None:
        """It only sleeps: what it had begun is gone when it wakes up."""
        process, _ = self._takes_up(has)
        self.world.end_transactions_of([process])
        self._go_on(then)

    @rule(process=PROCESS, awaits=AWAITS, how=st.sampled_from(CANCELLED), then=MOVES)
    def a_command_is_cancelled(self, process: int, awaits: int, how: str, then: list[Move]) -> None:
        """A client disconnects at any await. The command may be committed all the same."""
        commanded, what = self._takes_up(InHand(process, "command", awaits))
        commanded.step(what, how)
        self._go_on(then)

    @rule(process=PROCESS, stored=st.booleans(), how=st.sampled_from([*CANCELLED, "is given up"]), then=MOVES)
    def a_commit_of_offsets_is_cancelled(
        self, process: int, stored: bool, how: str, then: list[Move]
    ) -> None:
        """It took too long; or the client gave it up, with a cancellation of nobody."""
        if self.world.processes[process].take_up("commit"):
            if stored:  # In the database, and not yet with the broker.
                self.world.processes[process].step("commit", "goes on")
            self.world.processes[process].step("commit", how)
        self._go_on(then)

    @rule(has=IN_HAND, how=st.sampled_from(CANCELLED), then=MOVES)
    def is_cancelled_as_it_stops(self, has: InHand, how: str, then: list[Move]) -> None:
        """Its present work would not end in time. Another process replaces it."""
        stopping, _ = self._takes_up(has)
        stopping.stream._stopping.set()
        for what in list(stopping.tickets):
            stopping.step(what, how)
        self._go_on(then)
        self.world.kill(has.process)

    @rule(has=IN_HAND, outcome=st.sampled_from(OUTCOMES), then=MOVES)
    def is_told_to_stop(self, has: InHand, outcome: str, then: list[Move]) -> None:
        """A process stops. A batch in hand that is left is not committed, and a new process starts."""
        stopping, what = self._takes_up(has)
        stopping.stream._stopping.set()
        stopping.step(what, outcome)
        self._go_on(then)
        self.world.kill(has.process)

    @rule(process=PROCESS, then=MOVES)
    def leads_or_not(self, process: int, then: list[Move]) -> None:
        self.world.processes[process].leads = not self.world.processes[process].leads
        self._go_on(then)

    def _all_holds(self) -> None:
        self.booking_that_was_stopped_decides_nothing()
        self.each_fact_takes_effect_once()
        self.each_command_takes_effect_once()
        self.no_offset_passes_an_unhandled_record()
        self.nothing_is_published_that_was_not_decided()
        self.no_relay_rests_while_there_is_something_to_publish()

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
        return [part in row["b"] for case in cases for row in case["facts"] if row["s"] in OURS]

    @invariant()
    def no_offset_passes_an_unhandled_record(self) -> None:
        cases = self.world.stored.of(REFERRALS)
        heard = {(row["s"], row["i"], canonical(row["b"])) for case in cases for row in case["facts"]}
        letters = {m.key.decode() for m in self._waiting() if "dlq-reason" in m.headers}
        letters |= self.world.log.letters
        state = self.world.state()
        for partition, kept in state.handled.items():
            if kept.log != state.topics[partition.topic].log:
                continue  # Deleted with its topic. The stream stops before it reads the new one.
            for record in self.world.log.records[partition][: kept.next]:
                assert fact_of(record) in heard or record.place in letters, "a record was passed over"
            committed = state.committed.get(partition)
            if committed is not None and committed.ours and not self.made_anew:
                assert committed.offset <= kept.next, "committed before the database knew of it"

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
        return {row["i"] for case in cases for row in case["facts"] if row["s"] in OURS}

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
        world.resume()
        self._undo_flip()
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
                process.look_at_offsets()
                process.look_at_what_is_due()
                process.look_for_left_rows()
                process.follow_owners()
                for lane in left[turn % 3 : turn % 3 + 1] or left[:1]:
                    process.publish(lane)
                for _ in range(40):  # no more at once: it may wait for a document that the other has in hand
                    went_on = [process.step(what, "goes on") for what in ACTIVITIES]
                    if not any(went_on):
                        break
            world.resume()
            if turn % 10 == 9:
                world.assign(turn)  # what was read and not committed is read again
            self.no_offset_passes_an_unhandled_record()
            looked = all(row.get("looked", True) for row in world.stored.of(OWNERSHIP))
            done = not world.lanes() and not world.stored.of(TASKS) and self._all_read()
            if turn > 20 and done and looked:
                return
        why = f"lanes {world.lanes()}, tasks {world.stored.of(TASKS)}, all read {self._all_read()}"
        raise AssertionError(f"it does not come to rest: {why}, looked {looked}")

    def _all_read(self) -> bool:
        log, handled = self.world.log, self.world.state().handled
        return all(
            log.committed[at] == len(records) == (handled[at].next if at in handled else 0)
            for at, records in log.records.items()
        )

    def _is_right_at_rest(self) -> None:
        self.each_fact_takes_effect_once()
        self.each_command_takes_effect_once()
        self.nothing_is_published_that_was_not_decided()
        assert self._decided() == set(self.world.log.published), "decided and never published"
        for case in self.world.stored.of(REFERRALS):
            heard = Counter(row["e"] for row in case["facts"])
            ours = [row for row in case["facts"] if row["s"] in OURS and row["e"] == "meeting-booked"]
            assert len(ours) == min(heard["referral-created"], 1), "answered twice, or not at all"
            assert case["view"]["meetings"] == len(ours)
            rung = [row for row in case["facts"] if row["s"] in OURS and b'"reached":true' in row["b"]]
            assert len(rung) == len(ours), "what was due was done twice, or not at all"


def test_batch_given_up_is_not_committed() -> None:
    world = World(replace(PART, repository=Tally()), NOW)
    event = POOL[0]
    world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())
    for process in world.processes:
        process.opened()
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
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "usual")
TURNS, STEPS = {"properties": (100, 80), "mutations": (24, 50), "ci": (12, 50)}.get(PROFILE, (2, 40))
A_TURN = settings(
    max_examples=10,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=PROFILE != "mutations",
    phases=[Phase.generate] if PROFILE == "mutations" else list(Phase),
)
"""Ten histories. After these, five in six would be the one before with some of it put in another place."""


@pytest.mark.parametrize("turn", range(TURNS))
def test_facts_in_any_history_take_effect_once(turn: int) -> None:
    run_state_machine_as_test(Kernel, settings=A_TURN)
