// An independent validator: reads a JWT from standard input, finds the issuer's keys
// by OpenID Connect discovery over HTTPS, and accepts or refuses it with npm's jose.
//
//   NODE_EXTRA_CA_CERTS=ca.pem node tools/verify_jwt.mjs --issuer URL --audience AUD
//
// Prints {"kid","alg","jwks_uri","claims"} and ends with 0, or says why not and ends
// with 1. On Node 18 it needs --experimental-global-webcrypto.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { values: options } = parseArgs({
  options: { issuer: { type: 'string' }, audience: { type: 'string' } },
});
const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'];

async function discover(issuer) {
  const url = `${issuer}/.well-known/openid-configuration`;
  const answer = await fetch(url, { redirect: 'error' });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const document = await answer.json();
  if (document.issuer !== issuer) throw new Error(`${url} names the issuer ${document.issuer}`);
  return document.jwks_uri;
}

async function main() {
  if (!options.issuer || !options.audience) throw new Error('--issuer and --audience are needed');
  const jwt = readFileSync(0, 'utf8').trim();
  const jwksUri = await discover(options.issuer);
  const { payload, protectedHeader } = await jwtVerify(jwt, createRemoteJWKSet(new URL(jwksUri)), {
    issuer: options.issuer, audience: options.audience, algorithms: ALGORITHMS,
  });
  const { kid, alg } = protectedHeader;
  console.log(JSON.stringify({ kid, alg, jwks_uri: jwksUri, claims: payload }));
}

main().catch((error) => {
  console.error(`verify_jwt: refused: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
  process.exit(1);
});
