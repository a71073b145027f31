// Sets a program's clock ahead, as the clocks of the services are: `node --import ./clock.mjs main.mjs`. Ids keep the
// machine's time, as the services' ids do: else every id of the partner would be a later word than all of ours.
import { register } from "node:module";

const ahead = Number(process.env.CLOCK_AHEAD_MS ?? 0);
const Machine = globalThis.Date;

globalThis.Date = class Date extends Machine {
  constructor(...given) {
    super(...(given.length ? given : [Machine.now() + ahead]));
  }

  static now() {
    return Machine.now() + ahead;
  }

  static machine() {
    return Machine.now();
  }
};

const hooks = `export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith("/uuid/dist-node/v7.js")) return loaded;
  return { ...loaded, source: String(loaded.source).replaceAll("Date.now()", "Date.machine()") };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
