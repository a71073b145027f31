// A certified OpenID Connect provider (oidc-provider) with people whom a test gives roles and takes them away.
//
//   node provider.mjs '{"port": 3001, "client": {...}}'
//
// PUT /test/people/<id> sets claims, DELETE ends the account, POST /test/people/<id>/log-out sends the logout
// tokens of their sessions, GET /test/refreshes counts the uses of refresh tokens.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const RESOURCE = "urn:linkwork";
const { port, client } = JSON.parse(process.argv[2]);
const people = new Map();
const sids = new Map();
let refreshes = 0;

const provider = new Provider(`http://localhost:${port}`, {
  clients: [client],
  acrValues: ["AAL1_USERPASS", "AAL3_ANY"],
  claims: { openid: ["sub"], acr: null, auth_time: null, sid: null },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: 60, IdToken: 60, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  // The logout token goes to loopback, which the provider's own guard refuses.
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: "linkwork", audience: "linkwork", accessTokenFormat: "jwt" }),
    },
  },
  async findAccount(_, id) {
    return people.has(id) ? { accountId: id, claims: async () => ({ sub: id }) } : undefined;
  },
  async extraTokenClaims(_, token) {
    return people.get(token.accountId);
  },
  async loadExistingGrant(ctx) {
    const { client: asking, session } = ctx.oidc;
    const known = session.grantIdFor(asking.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({ clientId: asking.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid");
    grant.addResourceScope(RESOURCE, "linkwork");
    await grant.save();
    return grant;
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

provider.on("grant.success", (ctx) => {
  const { params, entities } = ctx.oidc;
  if (params.grant_type === "refresh_token") refreshes += 1;
  const source = entities.AuthorizationCode;
  if (source?.sid) sids.set(source.accountId, [...(sids.get(source.accountId) ?? []), source.sid]);
});

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function ofTests(request, answer, [, , kind, id, act]) {
  if (kind === "refreshes") return answer.end(JSON.stringify({ refreshes }));
  if (act === "log-out") {
    const asking = await provider.Client.find(client.client_id);
    for (const sid of sids.get(id) ?? []) await asking.backchannelLogout(id, sid);
  } else if (request.method === "PUT") people.set(id, JSON.parse(await body(request)));
  else people.delete(id);
  answer.statusCode = 204;
  return answer.end();
}

async function interaction(request, answer) {
  const { prompt, params } = await provider.interactionDetails(request, answer);
  if (request.method === "GET") {
    answer.setHeader("content-type", "application/json");
    return answer.end(JSON.stringify({ prompt: prompt.name, params }));
  }
  const chosen = new URLSearchParams(await body(request));
  const login = { accountId: chosen.get("person"), acr: chosen.get("acr") ?? undefined };
  return provider.interactionFinished(request, answer, { login }, { mergeWithLastSubmission: false });
}

const handle = provider.callback();
createServer(async (request, answer) => {
  const steps = request.url.split("/");
  try {
    if (steps[1] === "test") await ofTests(request, answer, steps);
    else if (steps[1] === "interaction") await interaction(request, answer);
    else await handle(request, answer);
  } catch (error) {
    answer.statusCode = 500;
    answer.end(String(error));
  }
}).listen(port, "127.0.0.1", () => console.log("ready"));
