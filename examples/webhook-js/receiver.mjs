// Receives webhooks of Linkwork. docs/partners.md says how to run it. It needs Node 20 and nothing else.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const { PORT = "9443", TLS_CERT, TLS_KEY, WEBHOOK_SECRETS = "" } = process.env;
// The newest first, and the former one for a day after a rotation.
const given = WEBHOOK_SECRETS.split(",").filter((each) => each.startsWith("whsec_"));
const secrets = given.map((each) => Buffer.from(each.slice(6), "base64"));
const known = new Set(); // Yours outlives a restart: keep it where you keep what you make of the events.

function isGenuine({ "webhook-id": id, "webhook-timestamp": time, "webhook-signature": all = "" }, body) {
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < 300)) return false; // Somebody may send an old one again.
  const versions = all.split(" ").filter((each) => each.startsWith("v1,"));
  const signatures = versions.map((each) => Buffer.from(each.slice(3), "base64"));
  return secrets.some((secret) => {
    const wanted = createHmac("sha256", secret).update(`${id}.${time}.`).update(body).digest();
    return signatures.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted));
  });
}

createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!isGenuine(request.headers, body)) return response.writeHead(401).end();
  const id = request.headers["webhook-id"];
  if (!known.has(id)) {
    const { type, source, data } = JSON.parse(body);
    console.log("received   ", type.split(".")[2], "from", source, data.kind ?? data.starts_at ?? "");
    known.add(id); // An event may come again, and later than one that followed it.
  }
  response.writeHead(204).end(); // Within ten seconds: do what takes longer after the answer.
}).listen(Number(PORT), () => console.log("listening  ", PORT));
