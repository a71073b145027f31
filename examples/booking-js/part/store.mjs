// All that a part must not forget, in one SQLite file. On Node 22.13 and later, `node:sqlite` is the same.
import { DatabaseSync } from "@photostructure/sqlite";

// A fact of its own stays in the outbox until it is read in its topic.
const TABLES = `
  create table if not exists facts (referral, source, id, record, topic, partition, place,
    primary key (referral, source, id));
  create table if not exists outbox (n integer primary key autoincrement, referral, id, record);
  create table if not exists markers (topic, partition, place, part, epoch, owner,
    primary key (topic, partition, part, epoch));
  create table if not exists offsets (topic, partition, next, primary key (topic, partition));
  create table if not exists answers (key primary key, request, body);
  create table if not exists kept (name primary key, value)`;

export function openStore(file) {
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = wal; pragma synchronous = full; ${TABLES}`);
  const statements = new Map();
  const sql = (text) => statements.get(text) ?? statements.set(text, database.prepare(text)).get(text);
  const run = (text, ...values) => sql(text).run(...values).changes;
  const one = (text, ...values) => sql(text).get(...values);
  const all = (text, ...values) => sql(text).all(...values);
  return {
    run, one, all,
    kept: (name) => JSON.parse(one("select value from kept where name = ?", name)?.value ?? "null"),
    owners: (part) => all("select distinct owner from markers where part = ?", part).map(({ owner }) => owner),
    keep: (name, value) => run("insert or replace into kept values (?, ?)", name, JSON.stringify(value)),
    transaction(work) {
      database.exec("begin immediate");
      try {
        const result = work();
        database.exec("commit");
        return result;
      } catch (error) {
        database.exec("rollback");
        throw error;
      }
    },
  };
}
