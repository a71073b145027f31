// What a part asks of Linkwork over HTTP, with a token of its own.
import { setTimeout as sleep } from "node:timers/promises";

// Does something again and again. A failure is logged, and tried again.
export async function forever(name, seconds, work) {
  for (;;) {
    await work().catch((error) => console.error(`${name}: ${error.message}`));
    await sleep(seconds * 1000);
  }
}

async function asked(url, options) {
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(5000) });
  if (!answer.ok && answer.status !== 304) throw new Error(`${answer.status} from ${url}`);
  return answer;
}

// With a `token`, such as one of the development issuer, none is asked for.
export async function linkwork({ address, issuer, token: given, client, secret, scope }) {
  const about = await (await asked(`${issuer}/.well-known/openid-configuration`)).json();
  let token = given ? { access_token: given, until: Infinity } : { until: 0 };
  async function get(path, { at = address, ...headers } = {}) {
    if (token.until < Date.now()) {
      const authorization = `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}`;
      const body = new URLSearchParams({ grant_type: "client_credentials", scope });
      const answer = await asked(about.token_endpoint, { method: "POST", body, headers: { authorization } });
      const { access_token, expires_in } = await answer.json();
      token = { access_token, until: Date.now() + (expires_in - 60) * 1000 };
    }
    const authorization = `Bearer ${token.access_token}`;
    return asked(`${at}/api/contract/v1/${path}`, { headers: { authorization, ...headers } });
  }
  return { about, get };
}

// Who owns which part, and the priorities and parts of sources, as the table in force has them.
export function followTable(part, { get }) {
  forever("parts", 2, async () => {
    const { parts } = await (await get(`parts?locality=${part.locality}`)).json();
    part.learn("parts", Object.fromEntries(parts.map((one) => [one.part, one])));
  });
  forever("sources", 60, async () => {
    const { sources } = await (await get("sources")).json();
    part.learn("priorities", Object.fromEntries(sources.map(({ source, priority }) => [source, priority])));
    part.learn("brings", Object.fromEntries(sources.map(({ source, part: brought }) => [source, brought])));
  });
}
