// The fold of docs/contract/fold.md: the facts of one referral in, its state out. Comments name the rules.
// `node fold.mjs` reads a line of JSON {"facts", "source_priorities", "source_parts"} and writes the state as a line.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// What each part of the programme says (F12). A kind that is not here is unknown (F3).
const SAYS = {
  referral: "referral_created referral_withdrawn contact_changed person_erased retracted",
  booking: "meeting_booked meeting_waiting meeting_cancelled retracted",
  casework: "contact_attempted meeting_attended meeting_missed plan_agreed service_prescribed provider_replied " +
    "activity_started activity_not_started activity_ended measured need_unmet link_worker_changed sharing_changed " +
    "referral_declined referral_returned referral_closed referral_reopened retracted",
  directory: "provider_replied activity_started activity_not_started retracted",
  notifications: "",
  evaluation: "",
};
const partsSaying = (kind) => Object.keys(SAYS).filter((part) => SAYS[part].split(" ").includes(kind));
const GUARDED = ["contact_changed", "person_erased", "link_worker_changed", "sharing_changed"];
const ENDINGS = ["closed", "declined", "returned", "withdrawn"];

const ref = (fact) => (fact ? { source: fact.source, id: fact.id } : null);
const key = (source, id) => `${source} ${id}`;
const keyOf = (fact) => key(fact.source, fact.id);
const last = (list) => list.at(-1);
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
// Sorts by the values that `by` gives, the first that differs deciding.
export const sorted = (list, by) => [...list].sort((a, b) => {
  const [left, right] = [by(a), by(b)];
  const at = left.findIndex((value, n) => value !== right[n]);
  return at < 0 ? 0 : order(left[at], right[at]);
});

// F5: days of London, as text.
const london = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/London", dateStyle: "short" });
export const dayOf = (time) => london.format(new Date(time));
export const plus = (day, days) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

export const kindOf = ({ event, body }) => (event === "outcome-recorded" ? body.kind : event.replace("-", "_"));

// F12: the parts for which a source speaks, by its name or by the table.
function partsOf(source, brings) {
  const name = last(source.split("/"));
  if (name === "matching") return ["booking", "casework", "directory"];
  return [Object.hasOwn(SAYS, name) ? name : brings[source]].filter((part) => Object.hasOwn(SAYS, part ?? ""));
}

// F10 to F16: the facts that count, by kind, each kind in ascending order.
function effective(facts, priority, brings) {
  const known = (source) => priority(source) > 0 || partsOf(source, brings).length > 0;
  const said = new Map(); // Ever said.
  for (const fact of facts) {
    const kind = kindOf(fact);
    if (partsSaying(kind).length) said.set(kind, [...(said.get(kind) ?? []), fact]); // F3
  }
  const ever = (kind) => said.get(kind) ?? [];
  const byKey = new Map(facts.map((fact) => [keyOf(fact), fact]));

  const retractions = ever("retracted").filter(({ source, body }) => { // F11
    const target = byKey.get(key(body.event_source, body.event_id));
    if (!target) return false;
    if (source === target.source) return known(source);
    return partsOf(source, brings).some((part) => partsSaying(kindOf(target)).includes(part));
  });
  const gone = new Set(retractions.map(({ body }) => key(body.event_source, body.event_id)));
  const remaining = (kind) => ever(kind).filter((fact) => !gone.has(keyOf(fact))); // F13

  const sequences = new Set(ever("meeting_booked").map((fact) => fact.body.sequence));
  const creator = (last(remaining("referral_created")) ?? last(ever("referral_created")))?.source;

  function counts(kind, fact) {
    if (kind === "meeting_booked") { // F14
      const { sequence } = fact.body;
      return ever("referral_created").length > 0 && (sequence === 0 || sequences.has(sequence - 1));
    }
    if (!GUARDED.includes(kind)) return true;
    if (kind === "sharing_changed" && fact.body.agreed !== "yes") return true; // F16
    if (kind === "contact_changed" && fact.body.contact !== "yes") return true;
    if (partsOf(fact.source, brings).some((part) => partsSaying(kind).includes(part))) return true; // F15
    return fact.source === creator && priority(fact.source) > 0;
  }
  const of = (kind) => (kind === "retracted" ? retractions : remaining(kind).filter((fact) => counts(kind, fact)));
  return { of, known, kinds: [...said.keys()] };
}

// F30 to F37
function meetingsOf({ of, known }, priority) {
  const bookings = of("meeting_booked");
  const replaced = new Set(bookings.map((fact) => fact.body.replaces).filter(Boolean));
  const standing = new Map(bookings.map((fact) => [fact.body.meeting_id, fact])); // F30: the highest is set last
  const outcome = (kind, id) => last(of(kind).filter((fact) => fact.body.meeting_id === id));
  const agreed = ({ body }) => bookings.some((other) => // F31
    !other.body.provisional && other.body.meeting_id === body.meeting_id &&
    other.body.link_worker === body.link_worker && Date.parse(other.body.starts_at) === Date.parse(body.starts_at));

  const meetings = [...standing.values()].map((fact) => {
    const id = fact.body.meeting_id;
    const became = ["attended", "missed", "cancelled"].find((word) => outcome(`meeting_${word}`, id)); // F33
    const said = became && outcome(`meeting_${became}`, id);
    const booked = dayOf(fact.body.starts_at);
    const status = became ?? (replaced.has(id) ? "replaced" : "booked"); // F32
    const heldOn = said && dayOf(said.time) < booked ? dayOf(said.time) : booked; // F35
    return { fact, id, status, outcome: said, provisional: Boolean(fact.body.provisional) && !agreed(fact), heldOn };
  });
  const inOrder = sorted(meetings, (one) => [one.fact.body.sequence, priority(one.fact.source), one.id]); // F34
  const handover = last(of("link_worker_changed"));
  const met = inOrder.filter((one) => known(one.fact.source));
  return {
    all: inOrder,
    active: last(inOrder.filter((one) => one.status === "booked")),
    waiting: last(of("meeting_waiting")), // F36
    linkWorker: (handover ?? last(met)?.fact)?.body.link_worker ?? null, // F37
  };
}

// F43, F54: no beats yes.
const noBeatsYes = (facts) =>
  ["no", "yes"].find((word) => facts.some((fact) => fact.body.agreed === word)) ?? "not_asked";

// F50 to F54
function prescriptionsOf({ of }) {
  const ids = new Set(of("service_prescribed").map((fact) => fact.body.prescription_id));
  return [...ids].sort().map((id) => {
    const about = (kind) => of(kind).filter((fact) => fact.body.prescription_id === id);
    const fact = last(about("service_prescribed")); // F50
    const reply = last(about("provider_replied"));
    const visit = sorted(about("activity_started"), (one) => [one.body.on, one.id, one.source])[0]; // F52
    const stopped = visit ? undefined : last(about("activity_not_started"));
    const ended = last(about("activity_ended"));
    const status = ended ? "ended" : visit ? "started" : stopped ? "not_started" // F51
      : reply ? reply.body.reply : fact.body.signposted ? "signposted" : "asked";
    const since = { ended: ended?.time, not_started: stopped?.time, asked: fact.time, signposted: fact.time }; // F53
    return {
      id, fact, reply, visit, stopped, ended, status,
      since: status === "started" ? visit.body.on : dayOf(since[status] ?? reply.time),
      mayShare: noBeatsYes(about("sharing_changed")), // F54
      latest: last(sorted([fact, reply, visit, stopped, ended].filter(Boolean), (one) => [one.id, one.source])),
    };
  });
}

// F60 to F63
function endingsOf({ of }, created) {
  const undone = new Set(of("referral_reopened").map(({ body }) => key(body.ends_source, body.ends_id))); // F61
  const all = ENDINGS.flatMap((kind) => of(`referral_${kind}`).map((fact) => ({ kind, fact })));
  const standing = sorted(all.filter((end) => !undone.has(keyOf(end.fact))), (end) => [end.fact.id, end.fact.source]);
  const erased = of("person_erased").length > 0; // F62
  const open = Boolean(created) && standing.length === 0 && !erased; // F63
  return { standing, reopenings: of("referral_reopened").length, erased, open };
}

// F75: nothing is left to do about a service.
function settled(one, prescriptions, unmet) {
  if (one.status === "ended") return true;
  if (!["full", "not_suitable", "not_started"].includes(one.status)) return false;
  const newer = (fact) => fact.body.need === one.fact.body.need && fact.id > one.latest.id;
  return prescriptions.some((other) => newer(other.fact)) || unmet.some(newer);
}

// F76: the last fact of a plan in which nothing goes on any more.
function planOver({ prescriptions, unmet }) {
  if (!prescriptions.length || !prescriptions.every((one) => settled(one, prescriptions, unmet))) return undefined;
  return last(sorted([...prescriptions.map((one) => one.latest), ...unmet], (fact) => [fact.id, fact.source]));
}

// F74: the step with one service.
function serviceStep(one) {
  const asked = dayOf(one.fact.time);
  const answered = one.reply ? dayOf(one.reply.time) : asked;
  switch (one.status) {
    case "asked": return ["wait_for_service", plus(asked, 7)];
    case "accepted": case "signposted": return ["check_first_visit", plus(answered, 14)];
    case "waiting_list": return ["wait_for_service", plus(answered, 7 * (one.reply.body.weeks ?? 4))];
    case "full": case "not_suitable": return ["review", plus(answered, 2)];
    case "not_started": return ["ring", plus(dayOf(one.stopped.time), 2)];
    default: return ["review", plus(one.visit.body.on, 84)];
  }
}

// F72 to F76: the step that follows from the history itself.
function following(history) {
  const { meetings, prescriptions, unmet, plan } = history;
  const { active, waiting, all } = meetings;
  const attended = all.filter((one) => one.status === "attended");
  const missed = last(all.filter((one) => one.status === "missed"));
  if (active) return ["meet", dayOf(active.fact.body.starts_at)]; // F72
  if (!attended.length) {
    if (waiting && waiting.body.reason !== "person_not_reached") return ["wait_for_slot", waiting.body.expected_by];
    if (missed) return ["ring", plus(dayOf(missed.outcome.recordedtime), 2)];
    if (waiting) return ["ring", waiting.body.expected_by];
  }
  const steps = []; // F73
  const over = planOver(history);
  if (over) steps.push(["review", plus(dayOf(over.time), 2)]);
  steps.push(...prescriptions.filter((one) => !settled(one, prescriptions, unmet)).map(serviceStep));
  if (!prescriptions.length && attended.length) {
    if (!plan) steps.push(["review", plus(last(attended).heldOn, 2)]);
    const actions = (plan?.body.goals ?? []).flatMap((goal) => goal.actions ?? []);
    steps.push(...actions.filter((action) => action.review_on).map((action) => ["review", action.review_on]));
  }
  return sorted(steps, (step) => [step[1]])[0];
}

// F70, F71
function nextStepOf({ of, kinds }, history, priority) {
  const outcomes = kinds.filter((kind) => !["referral_created", "meeting_booked"].includes(kind)).flatMap(of);
  const carrying = outcomes.filter((fact) => fact.body.next_step);
  const said = last(sorted(carrying, (fact) => [fact.id, priority(fact.source), fact.source]));
  const follows = following(history);
  const { meetings, prescriptions } = history;
  const happened = [
    meetings.active?.fact, meetings.waiting, planOver(history),
    ...meetings.all.filter((one) => ["missed", "cancelled"].includes(one.status)).map((one) => one.outcome),
    ...prescriptions.flatMap((one) => [one.fact, one.reply, one.visit, one.stopped]),
  ].filter(Boolean);
  const overtaken = !said || happened.some((fact) => fact.id > said.id);
  const step = said && { code: said.body.next_step.code, on: said.body.next_step.on };
  let holds = null;
  if (history.endings.open && follows && overtaken) holds = { code: follows[0], on: follows[1], derived: true };
  else if (history.endings.open && said) holds = { ...step, derived: false };
  return { said: ref(said), holds };
}

// F80
function stageOf({ created, meetings, prescriptions, endings }) {
  const some = (status) => meetings.all.some((one) => one.status === status);
  if (endings.erased) return "erased";
  if (!created) return "unknown";
  if (endings.standing.length) return last(endings.standing).kind;
  if (prescriptions.some((one) => one.visit)) return "started";
  if (prescriptions.length) return "prescribed";
  if (meetings.active) return "booked";
  if (some("attended")) return "met";
  return some("missed") && !meetings.waiting ? "missed" : "waiting";
}

// The history of a referral as facts, and what counts. `fold` names the facts by source and id.
export function historyOf(given, priorities, brings = {}) {
  const priority = (source) => (Object.hasOwn(priorities, source) ? priorities[source] : 0);
  const once = new Map(); // F1
  for (const fact of given) if (!once.has(keyOf(fact))) once.set(keyOf(fact), fact);
  const facts = sorted(once.values(), (fact) => [priority(fact.source), fact.id, fact.source]); // F4
  const counting = effective(facts, priority, brings);
  const created = last(counting.of("referral_created")); // F20
  const plan = last(sorted(counting.of("plan_agreed"), (fact) => [fact.body.revision ?? 1])); // F41
  return {
    facts, counting, priority, created, plan, unmet: counting.of("need_unmet"),
    meetings: meetingsOf(counting, priority), prescriptions: prescriptionsOf(counting), endings: endingsOf(counting, created),
  };
}

export function fold(given, priorities, brings = {}) {
  const history = historyOf(given, priorities, brings);
  const { facts, counting, counting: { of }, priority, created, meetings, prescriptions, endings } = history;
  const contacts = of("contact_changed").map((fact) => fact.body.contact); // F21
  const careful = ["ring", "not_known", "yes"].find((word) => contacts.includes(word));
  const measures = new Map(of("measured").map((fact) => [key(fact.body.instrument, fact.body.stage), fact])); // F42
  const answers = (to) => of("sharing_changed").filter((fact) => fact.body.agreement === to); // F43
  const recorded = facts.map((fact) => Date.parse(fact.recordedtime)); // F6
  return {
    creation: ref(created),
    contact: careful ?? created?.body.contact ?? "not_known",
    contact_attempts: of("contact_attempted").map(ref), // F40
    meetings: {
      meetings: meetings.all.map((one) => ({
        meeting_id: one.id, fact: ref(one.fact), provisional: one.provisional, status: one.status,
        outcome: ref(one.outcome), held_on: one.heldOn,
      })),
      active: meetings.active?.id ?? null,
      waiting: ref(meetings.waiting),
      link_worker: meetings.linkWorker,
    },
    plan: ref(history.plan),
    prescriptions: prescriptions.map((one) => ({
      prescription_id: one.id, fact: ref(one.fact), status: one.status, since: one.since, reply: ref(one.reply),
      first_visit: one.visit ? { on: one.visit.body.on, fact: ref(one.visit) } : null,
      not_started: ref(one.stopped), ended: ref(one.ended), may_share: one.mayShare,
    })),
    unmet_needs: history.unmet.map(ref),
    measures: sorted(measures.values(), ({ body }) => [body.instrument, body.stage])
      .map((fact) => ({ instrument: fact.body.instrument, stage: fact.body.stage, fact: ref(fact) })),
    sharing: {
      details_to_gp: noBeatsYes(answers("details_to_gp")), follow_up: noBeatsYes(answers("follow_up")),
    },
    endings: {
      endings: endings.standing.map((end) => ({ kind: end.kind, reason: end.fact.body.reason, fact: ref(end.fact) })),
      reopenings: endings.reopenings, erased: endings.erased, open: endings.open,
    },
    next_step: nextStepOf(counting, history, priority),
    stage: stageOf(history),
    last_recorded: recorded.length ? new Date(Math.max(...recorded)).toISOString() : null,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { facts, source_priorities, source_parts } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(fold(facts, source_priorities, source_parts))}\n`);
  }
}
