// A partner's client: refers somebody, follows the referral to its meeting, sees a refusal and mends it.
// docs/partners.md says where the values come from.
import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";

const {
  KAFKA_BOOTSTRAP = "localhost:9092",
  KAFKA_USER,
  KAFKA_PASSWORD,
  KAFKA_TLS = "0",
  LOCALITY = "meir",
  PARTNER = "vast-hub",
  PRACTICE = "M83100",
} = process.env;
const source = `/${LOCALITY}/${PARTNER}`;
const inbox = `in.${LOCALITY}.${PARTNER}`;
const refusals = `refused.${LOCALITY}.${PARTNER}`;

const kafka = new Kafka({
  clientId: PARTNER,
  brokers: KAFKA_BOOTSTRAP.split(","),
  ssl: KAFKA_TLS === "1",
  sasl: KAFKA_USER && { mechanism: "scram-sha-512", username: KAFKA_USER, password: KAFKA_PASSWORD },
  logLevel: logLevel.ERROR,
});

// A UUID of version 7: the fold takes a higher id for a later word.
function newId() {
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

// CloudEvents 1.0 in binary mode: attributes in headers, the body as JSON, the referral as key.
function record(event, body, id = newId()) {
  return {
    key: body.referral_id,
    value: JSON.stringify(body),
    headers: {
      ce_specversion: "1.0",
      ce_id: id,
      ce_source: source,
      ce_type: `org.linkwork.${event}.v1`,
      ce_subject: body.referral_id,
      ce_time: new Date().toISOString(),
      "content-type": "application/json",
    },
  };
}

// Codes and opaque references only. Name, telephone and NHS number stay in the partner's own vault.
function referral(changes = {}) {
  return {
    referral_id: randomUUID(),
    locality: LOCALITY,
    practice: PRACTICE,
    person_ref: randomUUID(),
    route: "hub",
    age_band: "65-74",
    needs: ["befriending"],
    agreement: { by: "person", how: "in_person", at: new Date().toISOString() },
    risk: "none_known",
    contact: "ring",
    ...changes,
  };
}

const mine = referral();
const wrong = record("referral-created", referral({ needs: ["owes money"] }));
const waiting = new Set(["meeting or reason", "refusal", "mended"]);
const seen = new Set(); // An event may come again at any time: keep source and id.

async function heard(topic, headers, value) {
  const body = JSON.parse(value);
  if (topic === refusals) {
    // A line may come again, too.
    if (body.id !== wrong.headers.ce_id || !waiting.delete("refusal")) return;
    console.log(`refused     ${body.code} at ${body.pointer}: ${body.detail}`);
    const mended = { ...JSON.parse(wrong.value), needs: ["befriending"] };
    await say(record("referral-created", mended, wrong.headers.ce_id));
  } else if ([mine.referral_id, wrong.key].includes(body.referral_id)) {
    const event = `${headers.ce_source} ${headers.ce_id}`;
    if (seen.has(event)) return;
    seen.add(event);
    const kind = body.kind ?? headers.ce_type.toString().split(".")[2];
    const provisional = body.provisional ? "provisional" : "";
    console.log(`heard       ${kind} from ${headers.ce_source} ${body.starts_at ?? ""} ${provisional}`);
    if (headers.ce_id.toString() === wrong.headers.ce_id) {
      console.log(`mended      ${wrong.key}`);
      waiting.delete("mended");
    }
    const answer = ["meeting-booked", "meeting_waiting"].includes(kind);
    if (answer && body.referral_id === mine.referral_id) waiting.delete("meeting or reason");
  }
}

const consumer = kafka.consumer({ groupId: `${LOCALITY}.${PARTNER}.example-js` });
const producer = kafka.producer();
const say = (...messages) => producer.send({ topic: inbox, messages });

await Promise.all([consumer.connect(), producer.connect()]);
await say(record("referral-created", mine), wrong);
console.log(`referred    ${mine.referral_id}`);

const events = ["referral-created", "meeting-booked", "outcome-recorded"];
const topics = [...events.map((name) => `${LOCALITY}.${name}.v1`), refusals];
// A new group begins with the first record that the topics hold.
await consumer.subscribe({ topics, fromBeginning: true });
await consumer.run({
  eachMessage: ({ topic, message }) => heard(topic, message.headers, message.value.toString()),
});

const end = Date.now() + 60_000;
while (waiting.size && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
await Promise.all([consumer.disconnect(), producer.disconnect()]);
if (waiting.size) console.error(`still waiting for: ${[...waiting].join(", ")}`);
process.exit(waiting.size ? 1 : 0);
