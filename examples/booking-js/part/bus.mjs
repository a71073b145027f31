// The three topics and the refusals in, the inbox out. A part has `hear`, `learn`, `owned` and `store`.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import Ajv from "ajv/dist/2020.js";
import { readRecord } from "../../fold-js/log.mjs";

const EVENTS = ["referral-created", "meeting-booked", "outcome-recorded"];
const folder = new URL("../../../shared/contract/events/schemas/reading/", import.meta.url);
const schemaOf = (event) => JSON.parse(readFileSync(new URL(`org.linkwork.${event}.v1.json`, folder)));
const schemas = Object.fromEntries(EVENTS.map((event) => [event, new Ajv().compile(schemaOf(event))]));

// Follows for ever, in a group of its own with one member, from the places that the database has.
export async function follow(part, client) {
  const { locality, partner, store } = part;
  const name = `${locality}.${partner}.${part.name}`;
  const topics = EVENTS.map((event) => `${locality}.${event}.v1`);
  const consumer = new Consumer({
    ...client, groupId: name, groupInstanceId: name, sessionTimeout: 10_000,
    autocommit: false, maxWaitTime: 250, deserializers: stringDeserializers,
  });

  function read({ topic, partition, offset, ...record }) {
    const at = { topic, partition, place: Number(offset) };
    try {
      if (!topic.startsWith("refused.")) return { ...at, ...readRecord(record, locality, schemas) };
      const { topic: inbox, id, code } = JSON.parse(record.value);
      return inbox ? { ...at, refused: { id, code } } : at; // A notice has no place.
    } catch {
      console.error(`unreadable: ${topic} ${partition} ${offset}`);
      return at;
    }
  }

  try {
    const known = await consumer.metadata({ topics });
    part.learn("partitions", topics.reduce((sum, topic) => sum + known.topics.get(topic).partitionsCount, 0));
    const offsets = store.all("select * from offsets").map((row) => ({ ...row, offset: BigInt(row.next) }));
    const followed = [...topics, `refused.${locality}.${partner}`];
    const stream = await consumer.consume({ topics: followed, mode: "manual", fallbackMode: "earliest", offsets });
    let batch = [];
    for await (const message of stream) {
      batch.push(read(message));
      if (stream.readableLength && batch.length < 500) continue;
      part.hear(batch);
      batch = [];
    }
  } finally {
    await consumer.close(true).catch(() => {});
  }
}

// What is to be said now: nothing before the table was asked, and nothing that was decided in a former epoch. That is
// forgotten at the marker that ended the epoch.
export function unsaid({ partner, store, owned: { owner, epoch }, marked, sent }) {
  if (owner !== partner || marked?.epoch !== epoch) return [];
  return store.all("select n, record from outbox where n > ? order by n limit 200", sent);
}

// Publishes the outbox in its order. What was sent before a crash, or is to be said again, has the same id and bytes.
export async function publish(part, client) {
  const { locality, partner, source, store } = part;
  const producer = new Producer({ ...client, acks: -1, serializers: stringSerializers });
  const recordOf = ({ event, id, time, epoch, body }) => ({
    topic: `in.${locality}.${partner}`, partition: 0, key: body.referral_id ?? body.part, value: JSON.stringify(body),
    headers: {
      ce_specversion: "1.0", ce_id: id, ce_source: source, ce_type: `org.linkwork.${event}.v1`, ce_time: time,
      ...(body.referral_id && { ce_subject: body.referral_id, ce_partepoch: String(epoch) }),
      "content-type": "application/json",
    },
  });
  try {
    part.sent = 0;
    for (; ; await sleep(50)) {
      const rows = unsaid(part);
      if (rows.length) await producer.send({ messages: rows.map(({ record }) => recordOf(JSON.parse(record))) });
      part.sent = rows.at(-1)?.n ?? part.sent;
      const { owner, epoch, handing_over } = part.owned;
      if (rows.length || owner !== partner || !handing_over || store.kept("ended") === epoch) continue;
      // The part has stopped, and nothing of ours comes after this.
      const body = { locality, part: part.name, epoch };
      const end = { event: "inbox-end", id: randomUUID(), time: new Date().toISOString(), body };
      await producer.send({ messages: [recordOf(end)] });
      store.keep("ended", epoch);
    }
  } finally {
    await producer.close().catch(() => {});
  }
}
