// What CheckClaims accepts, jose must read to the same iss, aud, exp, sub and jti
// and find inside the key's scope, in a finished JWT too; what means two things
// to two parsers must be refused. If this fails, somebody can have a JWT signed
// that means more to a validator than it did to us.
//
// usage: node claims_differential.mjs PROBE [SEED]
import { spawnSync } from 'node:child_process';
import { createHmac, createSecretKey, randomInt } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import { ambiguity, inScope, keepsRules } from './claims_oracle.mjs';
import { AUDIENCES, ISS, makeTexts, NOW } from './claims_texts.mjs';

const [probe, seedArgument] = process.argv.slice(2);
const seed = seedArgument === undefined ? randomInt(2 ** 31) : Number(seedArgument);
const TEXTS = 30_000;
const SECRET = Buffer.from('any key will do for this comparison');
const HEADER = Buffer.from('{"alg":"HS256"}').toString('base64url');

function fail(why, text, answer) {
  console.error(`seed ${seed}: ${why}\n  text ${JSON.stringify(text.toString('latin1'))}\n` +
    `  ours ${JSON.stringify(answer)}`);
  process.exit(1);
}

// One answer of claims_probe.cc for each line.
function ask(lines) {
  const run = spawnSync(probe, { input: lines.map((line) => `${line}\n`).join(''),
    encoding: 'utf8', maxBuffer: 256 << 20 });
  const answers = (run.stdout ?? '').trimEnd().split('\n').filter(Boolean)
    .map((line) => JSON.parse(line));
  if (run.status === 0 && answers.length === lines.length) return answers;
  console.error(`seed ${seed}: the probe ended with ${run.status} after ${answers.length} answers`);
  process.exit(1);
}

function parse(payload) {
  try {
    return decodeJwt(`${HEADER}.${payload}.`);
  } catch {
    return undefined;
  }
}

// Compares one answer with what jose reads; whether it was accepted.
function compare(text, answer) {
  const theirs = parse(text.toString('base64url'));
  if (theirs === undefined) {
    if (answer.scanned) fail('jose refuses what we accept', text, answer);
    return false;
  }
  const problem = ambiguity(text.toString('utf8'));
  if (answer.scanned && problem !== undefined) fail(`accepted: ${problem}`, text, answer);
  const expected = answer.scanned && inScope(theirs);
  if (answer.accepted !== expected) fail(`should be ${expected ? 'accepted' : 'refused'}`, text, answer);
  if (answer.strict !== (expected && keepsRules(theirs))) fail('claim rules', text, answer);
  if (!answer.accepted) return false;
  for (const name of ['iss', 'exp', 'sub', 'jti']) {
    if (theirs[name] !== answer[name]) fail(`another ${name}`, text, answer);
  }
  if (JSON.stringify([theirs.aud].flat()) !== JSON.stringify(answer.aud)) {
    fail('another aud', text, answer);
  }
  return true;
}

const sign = (input) => createHmac('sha256', SECRET).update(input).digest('base64url');
const verify = (jwt) => jwtVerify(jwt, createSecretKey(SECRET), { issuer: ISS, audience: AUDIENCES,
  algorithms: ['HS256'], currentDate: new Date(NOW * 1000), clockTolerance: 300 });

// The finished JWT: validators take it and read our bytes; spelled another way
// (in BASE64URL that a lax decoder reads alike) nobody takes it.
async function compareFinished(text, answer) {
  const input = `${HEADER}.${answer.payload}`;
  if (answer.payload !== text.toString('base64url')) fail('another payload', text, answer);
  const { payload } = await verify(`${input}.${sign(input)}`).catch((error) =>
    fail(`jwtVerify: ${error.message}`, text, answer));
  if (payload.sub !== answer.sub || payload.exp !== answer.exp) fail('jwtVerify', text, answer);
  for (const other of respell(answer.payload)) {
    const taken = await verify(`${HEADER}.${other}.${sign(input)}`).then(() => true, () => false);
    if (taken) fail(`taken with another spelling, ${other}`, text, answer);
  }
}

// Other texts that lax BASE64URL decoders decode to the same bytes.
function respell(segment) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spellings = [`${segment}=`, `${segment}\n`, segment.replace(/[-_]/, (c) => '+/'['-_'.indexOf(c)])]
    .filter((other) => other !== segment);
  if (segment.length % 4 === 0) return spellings;
  return [...spellings, segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.at(-1)) ^ 1]];
}

const texts = makeTexts(seed, TEXTS);
const answers = ask(texts.map((text) => text.toString('base64url')));
const accepted = texts.map((text, i) => [text, answers[i]]).filter((pair) => compare(...pair));
for (const pair of accepted) await compareFinished(...pair);

const respelled = accepted.slice(0, 1000).flatMap(([, answer]) => respell(answer.payload))
  .filter((line) => !line.includes('\n'));
ask(respelled).forEach((answer, i) => {
  if (answer.decoded) fail('our decoder takes another spelling', Buffer.from(respelled[i]), answer);
});

// Every outcome must have occurred often, else nothing was compared.
const scanned = answers.filter((answer) => answer.scanned).length;
const strict = answers.filter((answer) => answer.strict).length;
if (accepted.length < 2000 || strict < 300 || scanned < accepted.length + 1000 ||
    texts.length < scanned + 1000) {
  console.error(`seed ${seed}: ${texts.length} texts, but only ${scanned} well-formed, ` +
    `${accepted.length} in scope, ${strict} within claim rules`);
  process.exit(1);
}
console.log(`seed ${seed}: ${texts.length} texts, ${scanned} well-formed, ${accepted.length} in ` +
  `scope, ${strict} within claim rules`);
