// Validates JWTs with npm jose, one a line on standard input, one JSON answer a
// line: {"ok":true,"payload":…} or {"ok":false,"error":…}.
//
//   node jose_validator.mjs remote|strict|tally JWKS_URI ISSUER AUDIENCE [PROMISE_S]
//
// remote: jose's own createRemoteJWKSet (keeps a set for 10 minutes, refetches
//   on an unknown kid, not within 30 s).
// strict: a cache that does what Cache-Control says and never refetches for an
//   unknown kid, like Envoy and kube-apiserver: the least forgiving there is.
// tally: every JWT by strict and by jose's own remote set, told to keep the
//   issuer's promise of PROMISE_S, else 1 s (with its defaults it needs 30 s of notice);
//   answers nothing but, at the end of the input, one line with counts:
//   {"accepted":…,"expired":…,"refused":…,"kids":{…},"errors":[…]}. Expired is what was so
//   by the time that it was looked at: on a busy machine, JWTs that live for seconds.
import { createInterface } from "node:readline";
import {
  createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, jwtVerify,
} from "jose";

const [mode, uri, issuer, audience, promise = "1"] = process.argv.slice(2);
const MAX_ERRORS = 10;

function strictKeySet() {
  let keys;
  let expires = 0;
  let pending;
  async function load() {
    const asked = Date.now();
    const response = await fetch(uri, { redirect: "error" });
    if (response.status !== 200) throw new Error(`JWKS status ${response.status}`);
    const maxAge = /max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "");
    if (!maxAge) throw new Error("JWKS without max-age");
    keys = createLocalJWKSet(await response.json());
    // From the request on: what a cache may not have seen must not count.
    expires = asked + Number(maxAge[1]) * 1000;
  }
  return async (header, token) => {
    // Again where the answer took so long that it is over already.
    while (Date.now() >= expires) {
      pending ??= load().finally(() => { pending = undefined; });
      await pending;
    }
    return keys(header, token);
  };
}

const PROMISE_MS = Number(promise) * 1000;
const strict = strictKeySet();
const keySets = {
  remote: () => [createRemoteJWKSet(new URL(uri))],
  strict: () => [strict],
  tally: () => [strict, createRemoteJWKSet(new URL(uri), {
    cacheMaxAge: PROMISE_MS, cooldownDuration: PROMISE_MS,
  })],
}[mode]();

async function check(token) {
  let result;
  for (const keySet of keySets) {
    result = await jwtVerify(token, keySet, { issuer, audience, requiredClaims: ["exp"] });
  }
  return result.payload;
}

const tally = { accepted: 0, expired: 0, refused: 0, kids: {}, errors: [] };
async function count(token) {
  try {
    await check(token);
    tally.accepted++;
    const { kid } = decodeProtectedHeader(token);
    tally.kids[kid] = (tally.kids[kid] ?? 0) + 1;
  } catch (error) {
    if (error.code === "ERR_JWT_EXPIRED") {
      tally.expired++;
      return;
    }
    tally.refused++;
    if (tally.errors.length < MAX_ERRORS) tally.errors.push(`${error.code}: ${error.message}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "") continue;
  if (mode === "tally") {
    await count(line);
    continue;
  }
  try {
    console.log(JSON.stringify({ ok: true, payload: await check(line) }));
  } catch (error) {
    console.log(JSON.stringify({ ok: false, error: `${error.code}: ${error.message}` }));
  }
}
if (mode === "tally") console.log(JSON.stringify(tally));
