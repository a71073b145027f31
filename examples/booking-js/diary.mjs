// Times of link workers, from their list and from the times that meetings hold: pure.
import Holidays from "date-holidays";
import { dayOf, plus } from "../fold-js/fold.mjs";

const DAYS_AHEAD = 56;
const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WORDS = { home: "At home", phone: "By telephone", video: "By video" };

const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/London", dateStyle: "short", timeStyle: "medium" });
export function inLondon(day, time) {
  const asUtc = Date.parse(`${day}T${time}Z`);
  return 2 * asUtc - Date.parse(`${clock.format(asUtc).replace(" ", "T")}Z`);
}
const weekdayOf = (day) => (new Date(day).getUTCDay() + 6) % 7; // 0 is Monday.
const days = (first, count) => Array.from({ length: count }, (_, n) => plus(first, n));

const england = new Holidays("GB", "ENG");
const holidays = new Map();
function isBankHoliday(day) {
  const year = day.slice(0, 4);
  if (!holidays.has(year)) holidays.set(year, england.getHolidays(year).filter(({ type }) => /public|bank/.test(type)));
  return holidays.get(year).some(({ date }) => date.startsWith(day));
}
export const canonical = (language) => Intl.getCanonicalLocales(language)[0]; // One code for "ur" and "urd".
const speaks = ({ languages }, language) => languages.map(canonical).includes(language);
const isAway = ({ leave }, day) => leave.some(({ first, last }) => first <= day && day <= last);

// A link worker's times of a day, within hours. They are kept as long as the entry is.
const kept = new WeakMap();
function timesOf(entry, day) {
  const times = kept.get(entry) ?? new Map();
  kept.set(entry, times);
  if (!times.has(day)) {
    const closed = entry.active === false || isBankHoliday(day) || isAway(entry, day);
    const open = closed ? [] : entry.hours.filter(({ weekday }) => weekday === weekdayOf(day));
    times.set(day, open.flatMap(({ opens, closes, practices }) => {
      const [first, end, length] = [inLondon(day, opens), inLondon(day, closes), entry.meeting_minutes * 60_000];
      return Array.from({ length: Math.max(0, Math.floor((end - first) / length)) }, (_, n) =>
        ({ worker: entry.id, day, practices, starts: first + n * length, ends: first + (n + 1) * length }));
    }));
  }
  return times.get(day);
}

export class Diary {
  #held = new Map(); // Times that meetings hold, by link worker and day; those that are free, likewise.
  #free = new Map();
  constructor(workers, held = []) {
    this.workers = workers;
    held.forEach(this.hold);
  }
  #change({ worker, day }, change) {
    this.#held.set(`${worker} ${day}`, change(this.#held.get(`${worker} ${day}`) ?? []));
    this.#free.delete(`${worker} ${day}`);
  }
  hold = (meeting) => this.#change(meeting, (held) => [...held, meeting]);
  release = (meeting) => this.#change(meeting, (held) => held.filter((one) => one !== meeting));
  freeOf(entry, day) {
    const key = `${entry.id} ${day}`;
    const held = this.#held.get(key) ?? [];
    const isFree = ({ starts, ends }) => held.every((one) => one.ends <= starts || ends <= one.starts);
    if (!this.#free.has(key)) this.#free.set(key, timesOf(entry, day).filter(isFree));
    return this.#free.get(key);
  }
  entry = (id) => this.workers.find((one) => one.id === id);
  isAway = (id, day) => this.workers.some((one) => one.id === id && isAway(one, day));

  // BOOK-2: the link workers who suit.
  team({ practice, language, interpreter, home, binding, isFull }) {
    const serving = this.workers.filter((one) => one.active !== false && (!home || one.home_visits) &&
      one.hours.some(({ practices }) => practices.includes(practice)));
    const bound = serving.filter(({ id }) => id === binding);
    const fit = bound.length ? bound : serving;
    const speaking = fit.filter((one) => speaks(one, language));
    return (speaking.length && !interpreter ? speaking : fit).filter((one) => !isFull(one));
  }

  // BOOK-2: free times that suit, the earliest first.
  *times(wanted, now) {
    const team = this.team(wanted);
    const needsOne = (id) => wanted.interpreter && !speaks(this.entry(id), wanted.language);
    const earliest = (id) => now + (needsOne(id) ? 72 : 2) * 3_600_000; // An interpreter has to be found.
    for (const day of team.length ? days(dayOf(now), DAYS_AHEAD) : []) {
      const noon = wanted.cannotCome.length && inLondon(day, "12:00:00");
      const cannot = (half) => wanted.cannotCome.includes(`${WEEKDAYS[weekdayOf(day)]}_${half}`);
      const suits = ({ worker, practices, starts, ends }) => practices.includes(wanted.practice) &&
        starts >= earliest(worker) && !wanted.givenUp.includes(starts) &&
        !(cannot("am") && starts < noon) && !(cannot("pm") && ends > noon);
      yield* team.flatMap((one) => this.freeOf(one, day)).filter(suits).sort((a, b) => a.starts - b.starts);
    }
  }

  // In words: that of the link worker's hours for the practice, of the meeting's weekday if there are some.
  place({ link_worker, practice, starts_at, mode }) {
    const here = (this.entry(link_worker)?.hours ?? []).filter(({ practices }) => practices.includes(practice));
    const onDay = here.find(({ weekday }) => weekday === weekdayOf(dayOf(starts_at)));
    return WORDS[mode] ?? (onDay ?? here[0])?.place ?? practice;
  }

  capacity(weeks, now) {
    const monday = plus(dayOf(now), -weekdayOf(dayOf(now)));
    const within = (first, count, timesOn) => days(first, count).flatMap((day) =>
      this.workers.flatMap((one) => timesOn(one, day)).filter(({ starts }) => starts > now));
    const count = (times) => new Set(times.map(({ worker, starts }) => `${worker} ${starts}`)).size;
    const freeOn = (entry, day) => this.freeOf(entry, day);
    const practices = new Set(this.workers.flatMap(({ hours }) => hours.flatMap((one) => one.practices)));
    const free = within(monday, 7 * weeks, freeOn);
    const first = (practice) => free.find((time) => time.practices.includes(practice))?.day ?? null;
    return {
      weeks: days(monday, 7 * weeks).filter((_, n) => n % 7 === 0).map((week) =>
        ({ week, times: count(within(week, 7, timesOf)), free: count(within(week, 7, freeOn)) })),
      practices: [...practices].sort().map((practice) => ({ practice, first_free: first(practice) })),
    };
  }
}
