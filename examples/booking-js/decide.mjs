// What booking says about a referral: pure. Comments name the duties of docs/contract/duties.md.
import { dayOf, historyOf, kindOf, plus, sorted } from "../fold-js/fold.mjs";
import { canonical, inLondon } from "./diary.mjs";

const MOVES = ["meeting_booked", "meeting_cancelled", "meeting_missed"];
const NOT_GIVEN_UP = ["link_worker_away", "slot_taken", "referral_ended"];
const GIVEN_BY_PEOPLE = ["another_time", "unwell", "link_worker_away", "other"];
const lastSaid = (facts) => sorted(facts, ({ id }) => [id]).at(-1);

// All that booking needs to know of a referral.
export function view(facts, ...table) {
  const { created, endings, meetings: { all, active, linkWorker }, counting: { of } } = historyOf(facts, ...table);
  const meetings = all.map(({ id, status, provisional, heldOn, outcome, fact: { body, source } }) => {
    const starts = Date.parse(body.starts_at);
    const ends = starts + body.minutes * 60_000;
    const day = dayOf(starts);
    const isKept = ["booked", "missed"].includes(status) || (status === "attended" && heldOn === day); // BOOK-14
    const [isHeld, why] = [endings.open && isKept, outcome?.body.why];
    return { id, status, provisional, source, body, starts, ends, day, isHeld, why, worker: body.link_worker };
  });
  const undoes = ({ body }) => facts.some((fact) => fact.source === body.event_source && fact.id === body.event_id &&
    [...MOVES, "meeting_attended"].includes(kindOf(fact)));
  return {
    creation: created?.body, endings, meetings, linkWorker, active: meetings.find(({ id }) => id === active?.id),
    met: meetings.some(({ status }) => status === "attended"),
    misses: meetings.filter(({ status }) => status === "missed").length,
    handedTo: of("link_worker_changed").at(-1)?.body.link_worker,
    waits: of("meeting_waiting"),
    waiting: lastSaid(of("meeting_waiting")), // Not the fold's, which is the one of the highest source.
    news: lastSaid([...MOVES, "referral_reopened"].flatMap(of).concat(of("retracted").filter(undoes)))?.id ?? "",
  };
}

// What a time has to suit.
export function wanted(it, casesOf) {
  const { practice, language, interpreter, access_needs, cannot_come } = it.creation;
  const isGivenUp = ({ status, why }) => // BOOK-10
    status === "replaced" || (status === "cancelled" && !NOT_GIVEN_UP.includes(why));
  return {
    practice, language: canonical(language ?? "en"), interpreter, home: access_needs?.includes("home_visit"),
    cannotCome: cannot_come ?? [], binding: it.handedTo ?? (it.met ? it.linkWorker : undefined),
    isFull: ({ id, caseload_limit }) => id !== it.linkWorker && casesOf(id) >= caseload_limit,
    givenUp: it.meetings.filter(isGivenUp).map(({ starts }) => starts),
  };
}

function outcome(it, kind, more) {
  const { referral_id, locality } = it.creation ?? it.meetings[0].body;
  return { event: "outcome-recorded", body: { referral_id, locality, kind, ...more } };
}
const cancelled = (it, { id }, by, why) => outcome(it, "meeting_cancelled", { meeting_id: id, by, why });
const waits = (it, reason, expected_by) => outcome(it, "meeting_waiting", { reason, expected_by });

// BOOK-4: the next meeting of the referral.
function booked(it, { worker, starts, ends }, meeting_id, provisional) {
  const { referral_id, locality, practice, access_needs } = it.creation;
  const before = it.meetings.at(-1);
  const isOver = !before || before.status === "attended" || before.why === "referral_ended";
  return { event: "meeting-booked", body: {
    referral_id, locality, meeting_id, sequence: before ? before.body.sequence + 1 : 0, link_worker: worker, practice,
    ...(!isOver && { replaces: before.id }), starts_at: new Date(starts).toISOString(), provisional,
    minutes: (ends - starts) / 60_000, mode: access_needs?.includes("home_visit") ? "home" : "face_to_face",
  } };
}

// What is missing: facts to say, when to look again, and whether a time that comes free would help.
export function reconcile(it, { now, diary, newId, ours, casesOf }) {
  const standing = it.meetings.filter(({ status }) => status === "booked");
  const cancel = (meetings, by, why) => meetings.map((one) => cancelled(it, one, by, why));
  if (!it.endings.open) return { says: cancel(standing, "programme", "referral_ended") }; // BOOK-7
  const spare = standing.filter((one) => one !== it.active && ours.includes(one.source));
  const says = cancel(spare, "programme", "slot_taken"); // BOOK-13
  const { worker, starts, day } = it.active ?? {};
  if (starts > now && ((it.handedTo ?? worker) !== worker || diary.isAway(worker, day))) { // BOOK-11, BOOK-12
    says.push(...cancel([it.active], "link_worker", "link_worker_away"));
    it = { ...it, active: undefined, news: "~" };
  }
  if (it.active || it.met) return { says }; // BOOK-14
  const today = dayOf(now);
  const tomorrow = inLondon(plus(today, 1), "06:00:00"); // BOOK-6
  const say = (code, by) => { // BOOK-5: once, and again after its day, or after news
    const stands = ({ id, body: { reason, expected_by } }) => reason === code && expected_by >= today && id > it.news;
    if (!it.waits.some(stands)) says.push(waits(it, code, by));
  };
  const isAsked = ({ source, body: { reason, expected_by } }) => expected_by > today && // BOOK-6
    (reason === "asked_later" || (reason === "person_not_reached" && !ours.includes(source)));
  const asked = sorted(it.waits.filter(isAsked), ({ body }) => [body.expected_by]).at(-1)?.body;
  const isMissing = it.misses >= 2 * (1 + it.endings.reopenings); // BOOK-9
  if (asked || isMissing) {
    say(asked?.reason ?? "person_not_reached", asked?.expected_by ?? plus(today, 7));
    return { says, due: asked ? inLondon(asked.expected_by, "00:00:00") : tomorrow };
  }
  const suited = wanted(it, casesOf);
  const { value: time } = diary.times(suited, now).next();
  if (time) return { says: [...says, booked(it, time, newId(), true)] }; // BOOK-1, BOOK-3
  const code = diary.team(suited).length ? "no_slot" : "no_link_worker";
  say(code, plus(today, it.creation.urgency === "soon" ? 7 : 14));
  return { says, due: tomorrow, waits: true };
}

export function refuse(condition, status, code, more = {}) {
  if (condition) throw Object.assign(new Error(code), { status, code, more });
}
const isOpen = ({ endings }) => refuse(!endings.open, 409, endings.erased ? "case_erased" : "case_ended");
function standing(it, id, now) {
  isOpen(it);
  refuse(it.active?.id !== id, 409, "meeting_not_standing");
  refuse(it.active.ends <= now, 409, "meeting_over");
  return it.active;
}
const keyOf = ({ worker, starts }) => `${worker}|${new Date(starts).toISOString()}`;
function chosen(it, slot, { now, diary, newId, casesOf }) {
  const times = [...diary.times(wanted(it, casesOf), now)];
  const time = slot ? times.find((one) => keyOf(one) === slot) : times[0];
  return refuse(!time, 409, slot ? "slot_taken" : "no_other_time") ?? [booked(it, time, newId(), false)];
}

// What people ask for, by operation: facts to say, or a refusal.
export const commands = {
  chooseAnotherTime: (it, { id, body, ...world }) => standing(it, id, world.now) && chosen(it, body.slot, world),
  confirmMeeting(it, { id, now }) {
    const { body, provisional } = standing(it, id, now);
    return provisional ? [{ event: "meeting-booked", body: { ...body, provisional: false } }] : [];
  },
  cancelMeeting(it, { id, body, now }) {
    refuse(!GIVEN_BY_PEOPLE.includes(body.why), 422, "not_yours_to_say");
    return [cancelled(it, standing(it, id, now), body.by, body.why)];
  },
  deferMeeting(it, { body, now }) {
    isOpen(it);
    refuse(it.met, 409, "already_met");
    refuse(body.on <= dayOf(now) || body.on > plus(dayOf(now), 366), 422, "later_date");
    const lost = it.active ? [cancelled(it, it.active, "person", "another_time")] : [];
    return [...lost, waits(it, "asked_later", body.on)];
  },
  bookMeeting(it, { body, ...world }) {
    isOpen(it);
    refuse(it.active, 409, "already_booked");
    return chosen(it, body.slot, world);
  },
};

export function options(it, { id, count = 3, now, diary, casesOf }) {
  refuse(!it.endings.open, 409, "case_ended");
  refuse(id && it.active?.id !== id, 409, "meeting_not_standing");
  return [...diary.times(wanted(it, casesOf), now)].slice(0, count).map((time) => {
    const { link_worker, practice, starts_at, minutes, mode } = booked(it, time, "", false).body;
    const place = diary.place({ link_worker, practice, starts_at, mode });
    return { key: keyOf(time), link_worker, practice, place, starts_at, minutes, mode };
  });
}
