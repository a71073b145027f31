// Joins a consumer group by KIP-848, from the latest record on, and prints one line of JSON: what became of it.
const client = "../../examples/booking-js/node_modules/@platformatic/kafka/dist/index.js";
const { Consumer } = await import(new URL(client, import.meta.url));
const { KAFKA_BOOTSTRAP, KAFKA_USER, KAFKA_PASSWORD, GROUP, TOPICS, SECONDS } = process.env;

const consumer = new Consumer({
  clientId: "stranger", groupId: GROUP, groupProtocol: "consumer", autocommit: false, retries: 0, timeout: 5000,
  bootstrapBrokers: KAFKA_BOOTSTRAP.split(","),
  sasl: { mechanism: "SCRAM-SHA-512", username: KAFKA_USER, password: KAFKA_PASSWORD },
});
let records = 0;
const tell = (found) => {
  console.log(JSON.stringify({ records, ...found }));
  process.exit(0);
};
const refused = (error) => {
  const all = [error, ...(error.errors ?? []), error.cause].filter(Boolean);
  tell({ refused: all.map((each) => each.apiId ?? each.code ?? each.message).join(" ") });
};

setTimeout(() => tell({ refused: null }), Number(SECONDS) * 1000);
process.on("uncaughtException", refused);
try {
  const stream = await consumer.consume({ topics: TOPICS.split(","), mode: "latest" });
  stream.on("error", refused);
  for await (const _ of stream) records += 1;
} catch (error) {
  refused(error);
}
