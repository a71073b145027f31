// The part: follows, decides while it owns booking, and answers. Whatever belongs together is one transaction.
import { v7 as newId } from "uuid";
import { reconcile, refuse, view } from "./decide.mjs";
import { Diary } from "./diary.mjs";

export class Booking {
  name = "booking";
  referrals = new Map(); // Of each: its view, times held, when to look at it, not before when, whether it waits.
  meetings = new Map(); // The referral of each meeting.

  constructor({ store, locality, partner, clock = Date.now }) {
    Object.assign(this, { store, locality, partner, clock, source: `/${locality}/${partner}` });
    this.diary = new Diary(store.kept("workers") ?? []);
    const known = "select referral from facts union select referral from outbox";
    for (const { referral } of store.all(known)) this.#project(referral);
  }

  // Memory follows the database: where a change fails half-way, a restart reads it again.
  #change(work) {
    try {
      return this.store.transaction(work);
    } catch (error) {
      if (error.status) throw error; // Refused, before anything changed.
      console.error(error);
      return process.exit(1);
    }
  }
  get world() {
    const isCaseOf = (worker) => ({ it }) => it.endings.open && it.linkWorker === worker;
    const casesOf = (worker) => [...this.referrals.values()].filter(isCaseOf(worker)).length;
    const ours = ["booking", "matching", ...this.store.owners("booking")].map((name) => `/${this.locality}/${name}`);
    return { now: this.clock(), diary: this.diary, newId, ours, casesOf };
  }
  // After a start nothing is known until the table was asked.
  get owned() {
    return this.parts?.booking ?? {};
  }
  // F7: the last owner whose marker stands in every partition of the three topics.
  get marked() {
    return this.store.one(`select epoch, owner from markers where part = 'booking' group by epoch, owner
      having count(*) >= ? order by epoch desc limit 1`, this.store.kept("partitions") ?? 1e9);
  }
  // The table says that booking is ours, nobody claims it, and we have passed the marker everywhere and ended nothing.
  get decides() {
    const [{ owner, epoch, handing_over }, marked] = [this.owned, this.marked];
    if (owner !== this.partner || handing_over || this.store.kept("ended") === epoch) return false;
    return marked?.owner === owner && marked.epoch === epoch;
  }
  // Records in the order of each partition.
  hear(records) {
    this.#change(() => {
      const touched = new Map(); // Referrals, and when not to look at each before.
      const { run } = this.store;
      for (const { topic, partition, place, fact, marker, refused } of records) {
        if (fact) {
          const { source, id, recordedtime, body: { referral_id } } = fact;
          const isNew = run("insert or ignore into facts values (?, ?, ?, ?, ?, ?, ?)", referral_id, source, id,
            JSON.stringify(fact), topic, partition, place); // F1: each key once
          const isOld = this.clock() - Date.parse(recordedtime) > 3_600_000; // BOOK-17
          if (isNew) touched.set(referral_id, isOld ? this.clock() + 20_000 : 0);
          this.#forget("id = ?", id);
        }
        // What was refused, or was not copied before the next owner's marker, was never said.
        if (refused?.code === "not_owner" && this.decides) this.sent = 0; // Said too early.
        else if (refused) this.#forget("id = ?", refused.id).forEach((id) => touched.set(id, this.clock() + 60_000));
        if (marker) {
          const { part, epoch, owner } = marker;
          run("insert or ignore into markers values (?, ?, ?, ?, ?, ?)", topic, partition, place, part, epoch, owner);
          const isOthers = (this.marked?.owner ?? this.partner) !== this.partner;
          if (isOthers) this.#forget("true").forEach((id) => touched.set(id, 0));
        }
        run("insert or replace into offsets values (?, ?, ?)", topic, partition, place + 1);
      }
      for (const [id, hold] of touched) this.#project(id, hold);
      this.#decide();
    });
  }

  #forget = (which, ...values) =>
    this.store.all(`delete from outbox where ${which} returning referral`, ...values).map(({ referral }) => referral);

  #project(id, hold = this.referrals.get(id)?.hold ?? 0) {
    const rows = this.store.all(`select record from facts where referral = ?1
      union all select record from outbox where referral = ?1`, id);
    const [priorities, brings] = ["priorities", "brings"].map((name) => this.store.kept(name) ?? {});
    const it = view(rows.map(({ record }) => JSON.parse(record)), priorities, brings);
    const [held, before] = [it.meetings.filter(({ isHeld }) => isHeld), this.referrals.get(id)?.held ?? []];
    before.forEach(this.diary.release);
    held.forEach(this.diary.hold);
    const isFreed = (one) => one.starts > this.clock() && !held.some((other) => other.id === one.id);
    if (before.some(isFreed)) this.#lookAt(({ waits }) => waits); // BOOK-6
    this.referrals.set(id, { it, held, due: 0, hold, waits: false });
    for (const meeting of it.meetings) this.meetings.set(meeting.id, id);
  }

  #lookAt(which) {
    for (const referral of this.referrals.values()) if (which(referral)) referral.due = 0;
  }

  #say(id, says) {
    for (const { event, body } of says) {
      const [time, { epoch }] = [new Date(this.clock()).toISOString(), this.owned]; // In another it is refused.
      const fact = { event, source: this.source, id: newId(), time, recordedtime: time, epoch, body };
      this.store.run("insert into outbox (referral, id, record) values (?, ?, ?)", id, fact.id, JSON.stringify(fact));
    }
    if (says.length) this.#project(id);
  }

  // Looks at what is due, soon ones first (BOOK-2). As owner of a new epoch, and after a start, at everybody.
  #decide() {
    if (!this.decides) return;
    if (this.looked !== this.owned.epoch) this.#lookAt(() => true);
    this.looked = this.owned.epoch;
    const isDue = ([, { due, hold }]) => due <= this.clock() && hold <= this.clock();
    const rank = ([, { it }]) => (it.creation?.urgency === "soon" ? 0 : 1);
    for (let due; (due = [...this.referrals].filter(isDue).sort((a, b) => rank(a) - rank(b))).length;) {
      for (const [id] of due) this.#settle(id);
    }
  }

  #settle(id) {
    const { says, due = Infinity, waits = false } = reconcile(this.referrals.get(id).it, this.world);
    this.#say(id, says);
    Object.assign(this.referrals.get(id), { due, waits });
  }

  tick = () => this.#change(() => this.#decide());
  // What Linkwork answered: owners of parts, link workers, priorities and parts of sources, number of partitions.
  learn(name, value) {
    this.#change(() => {
      if (name === "parts") this.parts = value;
      else this.store.keep(name, value);
      if (name === "workers") this.diary = new Diary(value, [...this.referrals.values()].flatMap((one) => one.held));
      if (name !== "parts") for (const id of this.referrals.keys()) this.#project(id); // BOOK-12, BOOK-16
      this.#decide();
    });
  }

  find({ referral_id, meeting_id }) {
    const { it } = this.referrals.get(referral_id ?? this.meetings.get(meeting_id)) ?? {};
    refuse(!it?.creation, 404, "unknown_case");
    return it;
  }

  checkOwner() {
    const { owner, address } = this.owned;
    refuse(owner !== this.partner && owner, 409, "not_owner", { part: "booking", owner, address });
    refuse(!this.decides, 503, "away"); // Ours in a moment, or another's.
  }

  // Does a command once for its key, and answers it again.
  command(key, request, target, decide, answer) {
    return this.#change(() => {
      const before = key && this.store.one("select * from answers where key = ?", key);
      refuse(before && before.request !== request, 422, "idempotency_key");
      if (before) return JSON.parse(before.body);
      this.checkOwner();
      const { referral_id } = this.find(target).creation;
      this.#say(referral_id, decide(this.find(target), this.world));
      this.#settle(referral_id);
      const body = answer(this.find({ referral_id }));
      if (key) this.store.run("insert into answers values (?, ?, ?)", key, request, JSON.stringify(body));
      return body;
    });
  }
}
