// JWT validators from npm, each used as its README says, on the JWKS behind an HTTPS URL.
// One question a line of standard input, {"validator","jwks_uri","issuer","audience","alg",
// "token"}; one answer a line, {"ok":true} or {"ok":false,"error":…}, in the same order.
import { createPublicKey } from "node:crypto";
import { createInterface } from "node:readline";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier } from "fast-jwt";
import { createRemoteJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import jwksRsa from "jwks-rsa";

// One client for each JWKS, as an application has: its cache is part of what is tested.
function cached(make) {
  const made = new Map();
  return (question) => {
    if (!made.has(question.jwks_uri)) made.set(question.jwks_uri, make(question));
    return made.get(question.jwks_uri);
  };
}

const joseSet = cached((q) => createRemoteJWKSet(new URL(q.jwks_uri)));
const awsVerifier = cached((q) => JwtVerifier.create({
  issuer: q.issuer, audience: q.audience, jwksUri: q.jwks_uri,
}));
const jwksRsaClient = cached((q) => jwksRsa({ jwksUri: q.jwks_uri }));
const jwks = cached(async (q) => (await fetch(q.jwks_uri)).json());

// For libraries that leave the JWKS to their caller: the key by its kid, through Node's own import.
async function pemOf(question, { kid }) {
  const key = (await jwks(question)).keys.find((each) => each.kid === kid);
  return createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
}

const headerOf = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url"));
const expected = ({ alg, issuer, audience }) => ({ algorithms: [alg], issuer, audience });

const validators = {
  "jose": (q) => jwtVerify(q.token, joseSet(q), expected(q)),
  "jsonwebtoken": async (q) => jsonwebtoken.verify(
    q.token, await pemOf(q, headerOf(q.token)), expected(q)),
  "fast-jwt": (q) => createVerifier({
    key: ({ header }) => pemOf(q, header),
    algorithms: [q.alg], allowedIss: q.issuer, allowedAud: q.audience,
  })(q.token),
  "aws-jwt-verify": (q) => awsVerifier(q).verify(q.token),
  "jwks-rsa + jsonwebtoken": async (q) => jsonwebtoken.verify(
    q.token, (await jwksRsaClient(q).getSigningKey(headerOf(q.token).kid)).getPublicKey(),
    expected(q)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let answer = { ok: true };
  try {
    const payload = await validators[question.validator](question);
    if (payload === undefined) throw new Error("neither a payload nor an error");
  } catch (error) {
    answer = { ok: false, error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer));
}
