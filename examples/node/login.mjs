// Runs the issuer, logs Alice in as a browser and a web application would, and verifies her ID
// token and her access token with npm jose; once more for each line of input.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { createIssuer } from "./issuer.mjs";
import { Sealward } from "./sealward.mjs";

// What README.md says; set others in the environment. NODE_EXTRA_CA_CERTS trusts the dev CA.
const env = (name, value) => process.env[name] ?? value;
const ISSUER = env("ISSUER", "https://login.example");
const RESOURCE = env("AUDIENCE", "https://api.example");
const JWKS = env("JWKS_URI", "https://localhost:8443/tenants/demo/issuers/login/jwks.json");
const CLIENT = {
  client_id: "web-app", client_secret: "not a secret", redirect_uris: ["https://app.example/cb"],
};
const CREDENTIALS = [CLIENT.client_id, CLIENT.client_secret];
const ALGORITHMS = ["ES256", "RS256"]; // never the header's own alg: who verifies decides

const sealward = new Sealward({
  target: env("SEALWARD_TARGET", "localhost:7443"),
  tls: env("SEALWARD_TLS", ".state/tls"),
  key: env("SEALWARD_KEY", "tenants/demo/keys/login"),
});
const provider = await createIssuer({
  sealward, issuer: ISSUER, jwksUri: JWKS, resource: RESOURCE, client: CLIENT,
});
const server = provider.listen(0, "127.0.0.1");
await once(server, "listening");

// The proxy that ends TLS for ISSUER, in one function.
function ask(url, { headers, ...options } = {}) {
  const { pathname, search } = new URL(url, ISSUER);
  return fetch(`http://127.0.0.1:${server.address().port}${pathname}${search}`, {
    redirect: "manual",
    headers: { "x-forwarded-proto": "https", "x-forwarded-host": new URL(ISSUER).host, ...headers },
    ...options,
  });
}

// A browser: follows redirects with cookies until it is sent back to the application.
async function browse(url) {
  const cookies = new Map();
  while (!url.startsWith(CLIENT.redirect_uris[0])) {
    const answer = await ask(url, {
      headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    url = answer.headers.get("location");
    if (!url) throw new Error(`${answer.status}: ${await answer.text()}`);
  }
  return new URL(url).searchParams;
}

// The application: authorization code with PKCE (RFC 7636).
async function logIn({ authorization_endpoint, token_endpoint }) {
  const verifier = randomBytes(32).toString("base64url");
  const answer = await browse(`${authorization_endpoint}?${new URLSearchParams({
    client_id: CLIENT.client_id, response_type: "code", scope: "openid read",
    redirect_uri: CLIENT.redirect_uris[0], code_challenge_method: "S256",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  })}`);
  if (!answer.has("code")) throw new Error(`no code: ${answer}`);
  const tokens = await (await ask(token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", code: answer.get("code"), code_verifier: verifier,
      redirect_uri: CLIENT.redirect_uris[0], client_id: CLIENT.client_id,
    }),
    headers: { authorization: `Basic ${btoa(CREDENTIALS.map(encodeURIComponent).join(":"))}` },
  })).json();
  if (tokens.error) throw new Error(JSON.stringify(tokens));
  return tokens;
}

const discovered = await (await ask(`${ISSUER}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(discovered.jwks_uri));

async function verify(token, audience, typ) {
  await jwtVerify(token, keys, {
    issuer: ISSUER, audience, typ, algorithms: ALGORITHMS, requiredClaims: ["exp"],
  });
  console.log(JSON.stringify(decodeProtectedHeader(token)));
}

async function onceMore() {
  const tokens = await logIn(discovered);
  await verify(tokens.id_token, CLIENT.client_id);
  await verify(tokens.access_token, RESOURCE, "at+jwt"); // RFC 9068: no ID token
  console.log("verified");
}

await onceMore();
for await (const _ of createInterface({ input: process.stdin })) await onceMore();
server.close();
server.closeAllConnections();
sealward.close();
