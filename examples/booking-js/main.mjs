// A partner's booking: README.md says what it does, and how to run it.
import { handlersOf } from "./api.mjs";
import { Booking } from "./booking.mjs";
import { follow, publish } from "./part/bus.mjs";
import { serve } from "./part/http.mjs";
import { followTable, forever, linkwork } from "./part/linkwork.mjs";
import { openStore } from "./part/store.mjs";

const {
  KAFKA_BOOTSTRAP, KAFKA_USER, KAFKA_PASSWORD, KAFKA_TLS, LOCALITY, PARTNER, DATABASE = "booking.sqlite",
  PORT = "9090", API = `http://localhost:${PORT}`, LINKWORK_URL, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, TOKEN,
} = process.env;
const booking = new Booking({ store: openStore(DATABASE), locality: LOCALITY, partner: PARTNER });
const asked = await linkwork({
  address: LINKWORK_URL, issuer: OIDC_ISSUER, scope: "contacts:read",
  token: TOKEN, client: OIDC_CLIENT_ID, secret: OIDC_CLIENT_SECRET,
});
followTable(booking, asked);
let etag = "";
forever("link workers", Number(process.env.LINK_WORKERS_EVERY ?? 60), async () => {
  const at = booking.parts?.casework.address ?? undefined;
  const answer = await asked.get(`casework/link-workers?locality=${LOCALITY}`, { at, "if-none-match": etag });
  if (answer.status === 304) return;
  booking.learn("workers", (await answer.json()).link_workers);
  etag = answer.headers.get("etag") ?? "";
});
forever("tick", 1, async () => booking.tick());

const client = {
  clientId: PARTNER, bootstrapBrokers: KAFKA_BOOTSTRAP.split(","), tls: KAFKA_TLS === "1" ? {} : undefined,
  sasl: KAFKA_USER && { mechanism: "SCRAM-SHA-512", username: KAFKA_USER, password: KAFKA_PASSWORD },
};
forever("topics", 1, () => follow(booking, client));
forever("inbox", 1, () => publish(booking, client));
const { issuer, jwks_uri: keys } = asked.about;
await serve(booking, handlersOf(booking), { issuer, audience: API, keys, port: Number(PORT) });
console.log(`booking of ${LOCALITY} as ${PARTNER} on port ${PORT}`);
