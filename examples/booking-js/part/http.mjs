// Answers the operations of an OpenAPI document of shared/contract/api: tokens, parameters, bodies, refusals.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import formats from "ajv-formats";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { OpenAPIBackend } from "openapi-backend";

function refuse(condition, status, code, more = {}) {
  if (condition) throw Object.assign(new Error(code), { status, code, more });
}

// `handlers`: by operationId; each gets the request, and `caller`, the subject of the token.
export async function serve(part, handlers, { issuer, audience, keys, port }) {
  const file = new URL(`../../../shared/contract/api/${part.name}.openapi.json`, import.meta.url);
  const jwks = createRemoteJWKSet(new URL(keys));

  // One of Linkwork's services, or the partner that owns a part that may ask.
  async function callerOf({ request: { headers, query, requestBody }, operation }) {
    const [scheme, token] = (headers.authorization ?? "").split(" ");
    refuse(!/^bearer$/i.test(scheme) || !token, 401, "no_token");
    const { payload } = await jwtVerify(token, jwks, { issuer, audience }).catch((error) => {
      refuse(error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError), 503, "sign_in_unavailable");
      refuse(true, 401, "invalid_token");
    });
    const { sub, role, localities = [], parts = [], partner, scope = "" } = payload;
    const [isService, locality] = [role === "service", requestBody?.locality ?? query.locality];
    refuse(!isService && role !== "partner", 403, "role");
    refuse(!operation.security[0].part.every((one) => scope.split(" ").includes(one)), 403, "scope");
    refuse(!localities.includes(locality) && !(isService && localities.includes("*")), 403, "locality");
    const asking = operation["x-callers"].filter((name) => parts.includes(name));
    const owns = (name) => part.parts?.[name]?.owner === partner;
    refuse(!isService && !(operation["x-owners-only"] ? asking.some(owns) : asking.length), 403, "part");
    refuse(locality !== part.locality, 404, "unknown_case");
    return sub;
  }

  const handled = Object.entries(handlers).map(([name, handle]) =>
    [name, ({ request, security }) => handle({ ...request, caller: security.part })]);
  const backend = await new OpenAPIBackend({
    definition: JSON.parse(readFileSync(file)), quick: true, coerceTypes: true, customizeAjv: (ajv) => formats(ajv),
    securityHandlers: { part: callerOf },
    handlers: {
      ...Object.fromEntries(handled),
      unauthorizedHandler: ({ security }) => Promise.reject(security.part.error),
      notFound: () => refuse(true, 404, "unknown_address"),
      validationFail({ validation }) {
        const found = validation.errors.map(({ instancePath, keyword: code, message: detail }) =>
          ({ pointer: instancePath.replace(/^\/\w+/, ""), code, detail }));
        refuse(true, 422, "invalid", { errors: found });
      },
    },
  }).init();

  createServer(async (request, response) => {
    const send = (status, type, content, headers = {}) =>
      response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(content));
    try {
      let body = "";
      for await (const chunk of request) refuse((body += chunk).length > 65_536, 422, "invalid");
      const { method, url, headers } = request;
      const [path, query] = url.split("?");
      send(200, "application/json", await backend.handleRequest({ method, path, query, headers, body }));
    } catch (error) {
      const { status = 500, code = "unexpected", more } = error.status ? error : {};
      if (status === 500) console.error(error);
      const problem = { type: `urn:linkwork:problem:${code}`, title: code.replaceAll("_", " "), status, ...more };
      send(status, "application/problem+json", problem, status === 503 ? { "retry-after": "5" } : {});
    }
  }).listen(port);
}
