// Sets a program's clock ahead, as the clocks of the services are: `node --import ./clock.mjs main.mjs`.
const ahead = Number(process.env.CLOCK_AHEAD_MS ?? 0);
const Machine = globalThis.Date;

globalThis.Date = class Date extends Machine {
  constructor(...given) {
    super(...(given.length ? given : [Machine.now() + ahead]));
  }

  static now() {
    return Machine.now() + ahead;
  }
};
