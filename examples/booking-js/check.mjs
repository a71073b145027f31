// Checks what booking decides: `node check.mjs`. By the golden stories it answers each fact that booking owes an answer
// to, once. After the facts of any vector it comes to rest. It is not part of what runs.
import { readdirSync, readFileSync } from "node:fs";
import { v7 as newId } from "uuid";
import { kindOf } from "../fold-js/fold.mjs";
import { Booking } from "./booking.mjs";
import { reconcile, view } from "./decide.mjs";
import { Diary } from "./diary.mjs";
import { unsaid } from "./part/bus.mjs";
import { openStore } from "./part/store.mjs";

const contract = new URL("../../shared/contract/", import.meta.url);
const PRIORITIES = { "/meir/booking": 40, "/meir/casework": 40, "/meir/referral": 30, "/meir/booking-js": 40 };
const BRINGS = { "/meir/booking-js": "booking" };
const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
const START = Date.parse("2026-11-23T09:00:00Z");
const failed = [];
let passed = 0;
const check = (name, isRight, found) => (isRight ? (passed += 1) : failed.push(`${name}: ${JSON.stringify(found)}`));

const open = { opens: "09:00:00", closes: "17:00:00", practices: ["M83100"], place: "Room 4" };
const worker = (id) => ({
  id, hours: [0, 1, 2, 3, 4].map((weekday) => ({ weekday, ...open })), leave: [], languages: ["en"],
  meeting_minutes: 45, caseload_limit: 40, home_visits: true,
});
const workers = [worker("lw-meir-1"), worker("lw-meir-2")];
const ours = ["/meir/booking-js", "/meir/booking", "/meir/matching"];

function decided(facts, now) {
  const it = view(facts, PRIORITIES, BRINGS);
  const diary = new Diary(workers, it.meetings.filter(({ isHeld }) => isHeld));
  return reconcile(it, { now, diary, newId, ours, casesOf: () => 0 }).says;
}
function said(says, now) {
  const time = new Date(now).toISOString();
  return says.map((one) => ({ ...one, source: "/meir/booking-js", id: newId(), time, recordedtime: time }));
}
function files(folder) {
  const names = readdirSync(new URL(folder, contract)).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => [name, JSON.parse(readFileSync(new URL(`${folder}${name}`, contract)))]);
}

// The facts of a play that begins at START, in the story's order.
function played({ events }) {
  const offset = (text) => [...text.matchAll(/(\d+)([dhms])/g)].reduce((sum, [, n, unit]) => sum + n * UNITS[unit], 0);
  const at = (text) => START + (text.startsWith("-") ? -offset(text) : offset(text));
  const known = new Map(Object.entries({
    locality: "meir", practice: "M83100", link_worker: "lw-meir-1", other_link_worker: "lw-meir-2",
  }));
  const idAt = (moment) => `${moment.toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-")}-7${newId().slice(15)}`;
  const facts = events.map(({ label, part, event, after, data }) => {
    known.set(`${label}.source`, `/meir/${part}`).set(`${label}.id`, idAt(at(after)));
    const body = JSON.parse(JSON.stringify(data).replace(/\$\{([^}]+)\}/g, (_, name) => {
      const [word, moment] = name.split(":");
      if (moment) return new Date(at(moment)).toISOString().slice(0, word === "day" ? 10 : undefined);
      if (!known.has(name)) known.set(name, newId());
      return known.get(name);
    }));
    const time = new Date(at(after)).toISOString();
    const [source, id] = [`/meir/${part}`, known.get(`${label}.id`)];
    return { label, now: at(after), event, source, id, time, recordedtime: time, body };
  });
  return facts;
}

for (const [name, story] of files("stories/")) {
  const facts = played(story);
  const place = (label) => facts.findIndex((fact) => fact.label === label);
  for (const { duty, part, to, answered_by, kinds } of story.duties.filter((one) => one.part === "booking")) {
    const before = facts.slice(0, place(to) + 1);
    const says = decided(before, facts[place(to)].now);
    check(`${name} ${duty} answers ${to}`, says.some((one) => kinds.includes(kindOf(one))), says);
    const again = decided([...before, ...said(says, facts[place(to)].now)], facts[place(to)].now);
    check(`${name} ${duty} answers ${to} once`, again.length === 0, again);
    // After another owner's answer there is nothing to add, but a time where one was free after all.
    const others = facts.slice(0, place(answered_by) + 1);
    const adds = decided(others, others.at(-1).now).map(kindOf);
    const isFree = others.at(-1).body.kind === "meeting_waiting" ? "meeting_booked" : "";
    check(`${name} ${part} adopts ${answered_by}`, adds.join() === isFree, adds);
  }
}
for (const [name, { vectors, source_priorities, source_parts }] of files("history/vectors/")) {
  Object.assign(PRIORITIES, source_priorities);
  Object.assign(BRINGS, source_parts);
  for (const { name: vector, facts } of vectors) {
    // A first meeting may make a second one of another source count (F14), and then gives way to it.
    const first = [...facts, ...said(decided(facts, START), START)];
    const all = [...first, ...said(decided(first, START), START)];
    check(`${name} ${vector} comes to rest`, !decided(all, START).length, all.slice(facts.length));
  }
}

const made = { event: "referral-created", source: "/meir/referral", body: { practice: "M83100", needs: ["debt"] } };
function factOf(fact) {
  const [time, body] = [new Date().toISOString(), { ...fact.body, referral_id: "one", locality: "meir" }];
  return { fact: { ...fact, id: newId(), time, recordedtime: time, body } };
}
function started(store, priorities = {}) {
  const booking = new Booking({ store, locality: "meir", partner: "booking-js" });
  booking.learn("partitions", 1);
  booking.learn("priorities", { ...PRIORITIES, ...priorities });
  booking.learn("brings", BRINGS);
  booking.learn("workers", workers);
  return Object.assign(booking, { sent: 0 });
}
const meeting = (source, sequence, meeting_id) => ({ event: "meeting-booked", source, body: {
  practice: "M83100", minutes: 45, starts_at: new Date(Date.now() + 9 * UNITS.d).toISOString(),
  meeting_id, sequence, link_worker: newId(),
} });
const marker = (epoch, owner) => ({ marker: { part: "booking", epoch, owner } });
let place = 0;
const heard = (records) => records.map((record) => ({ topic: "any", partition: 0, place: place++, ...record }));

// A former owner's meeting that lost to another one is cancelled, and a partner's beside the owners is not (BOOK-13).
for (const [by, cancels] of [["booking-old", 1], ["booking", 1], ["history", 0]]) {
  const booking = started(openStore(":memory:"), { "/meir/booking-old": 40, "/meir/history": 10 });
  const facts = [made, meeting(`/meir/${by}`, 0, "lost"), meeting("/meir/history", 1, "won")].map(factOf);
  booking.hear(heard([...facts, marker(1, "booking-old"), marker(2, "booking-js")]));
  booking.learn("parts", { booking: { owner: "booking-js", epoch: 2 } });
  const says = booking.store.all("select record from outbox").map(({ record }) => JSON.parse(record).body);
  const lost = says.filter((one) => one.meeting_id === "lost" && one.why === "slot_taken");
  check(`${by}'s lost meeting`, says.length === cancels && lost.length === cancels, says);
}

// What was decided and not said before the part went to another owner is never said, whatever died meanwhile.
const store = openStore(":memory:");
const owns = (epoch) => ["parts", { booking: { owner: "booking-js", epoch } }];
const before = started(store);
before.learn(...owns(1));
before.hear(heard([factOf(made), marker(1, "booking-js")]));
check("an owner says what it decided", unsaid(before).length === 1, unsaid(before));
const after = started(store);
check("nothing is said before the table was asked", !unsaid(after).length, unsaid(after));
after.learn(...owns(3));
check("nothing of a former epoch is said in a later one", !unsaid(after).length, unsaid(after));
const others = { ...meeting("/meir/booking", 0, "theirs"), id: newId() };
after.hear(heard([marker(2, "linkwork"), factOf(others), marker(3, "booking-js")]));
check("what another owner answered is not answered again", !unsaid(after).length, unsaid(after));


// A missed meeting keeps its time, even if that is still to come: another owner has it reserved.
const miss = { kind: "meeting_missed", meeting_id: "m" };
const missed = { event: "outcome-recorded", source: "/meir/casework", body: miss };
const misses = [made, meeting("/meir/booking", 0, "m"), missed].map((fact) => factOf(fact).fact);
const held = view(misses, PRIORITIES, BRINGS).meetings.filter(({ isHeld }) => isHeld);
check("a missed meeting keeps its time", held.map(({ id }) => id).join() === "m", held);

failed.forEach((line) => console.error(line));
console.log(`passed ${passed}, failed ${failed.length}`);
process.exit(failed.length ? 1 : 0);
