// What CheckClaims accepts, jose must read to the same iss, aud and exp, and
// inside the key's scope; what JSON.parse refuses, CheckClaims must refuse. If
// this fails, somebody can have a JWT signed that means more to a validator
// than it did to us.
//
// usage: node claims_differential.mjs PROBE [SEED]
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { decodeJwt } from 'jose';

const [probe, seedArgument] = process.argv.slice(2);
const seed = seedArgument === undefined ? randomInt(2 ** 31) : Number(seedArgument);
const MUTANTS = 20_000;
const NOW = 1_700_000_000, LIFETIME = 3600, ISS = 'https://issuer.example/a';
const AUDIENCES = ['mail', 'calendar'];

// mulberry32: small, seeded, the same everywhere.
let state = seed >>> 0;
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

const base = (more = '') => `{"iss":"${ISS}","aud":"mail","exp":${NOW + 600}${more}}`;
const texts = [
  base(), base(',"sub":"x"'), base(',"iss":"https://evil.example"'),
  base(',"\\u0069ss":"https://evil.example"'), base(',"a\\u0075d":"payroll"'),
  base(',"exp":99999999999'), base(',"__proto__":{"iss":"https://evil.example"}'),
  base(',"constructor":1,"toString":2,"hasOwnProperty":3'),
  base(',"a":1e400'), base(',"a":-0'), base(',"a":1e-400'), base(',"a":"\\ud800"'),
  base(',"a":"\\u0000"'), '\ufeff' + base(), base() + '\0', base() + 'x', ' \n' + base() + '\t',
  base(',"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]'), base(',"AUD":"payroll"'),
  `{"\\u0069\\u0073\\u0073":"${ISS}","aud":["mail","calendar"],"exp":${NOW + 600}}`,
  `{"iss":"https:\\/\\/issuer.example\\/a","aud":["m\\u0061il"],"exp":1.7000006e9}`,
  `{"iss":"${ISS}","aud":"mail","exp":1700000600.25,"nbf":1699999999.5,"iat":0}`,
  `{"iss":"${ISS}","aud":[],"exp":1700000600}`, `{"iss":"${ISS}","aud":"mail","exp":"1700000600"}`,
  `{"iss":"${ISS}","aud":"mail","exp":17000006000000000000e-10}`,
  `{"iss":"${ISS}","aud":"mail","exp":0.17000006e10}`,
  `{"aud":"mail","exp":1700000600,"a":{"iss":"${ISS}"}}`,
].map((text) => Buffer.from(text, 'utf8'));
const atBytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
for (const bytes of [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff], [0xc3], [0xf4, 0x90, 0x80, 0x80]]) {
  texts.push(atBytes(base(',"a":"').slice(0, -1), bytes, '"}'));
}

const FRAGMENTS = ['"', '\\', '\\u0069', '\\u0000', '\\ud800', '\\udc00', '{', '}', '[', ']', ',',
  ':', '"iss":', '"aud":"payroll",', '"exp":1,', '1e400', '-', '.', 'e', '0', '9', 'null', 'true',
  ' ', '\n', '\0', '\u00e9', '\ufeff', '\u2028', ',"ISS":1', ',"a":1', '/', '__proto__'];
function mutate(text) {
  let out = text;
  for (let n = 1 + random(3); n > 0; --n) {
    const at = random(out.length + 1);
    const cut = random(4) === 0 ? random(8) : 0;
    const insert = random(3) === 0 ? Buffer.from([random(256)])
      : Buffer.from(FRAGMENTS[random(FRAGMENTS.length)]);
    out = atBytes(out.subarray(0, at), random(5) === 0 ? [] : insert, out.subarray(at + cut));
  }
  return out;
}

// A text that is in scope (or just outside) and spelled in an unusual way.
const pick = (list) => list[random(list.length)];
const space = () => (random(4) === 0 ? pick([' ', '\n', '\t', '\r', '  ']) : '');
function spell(string) {
  const spelled = [...string].map((c) => {
    if (random(6) !== 0) return c === '/' && random(2) ? '\\/' : c;
    const hex = c.charCodeAt(0).toString(16).padStart(4, '0');
    return c.length > 1 ? c : `\\u${random(2) ? hex : hex.toUpperCase()}`;
  });
  return `"${spelled.join('')}"`;
}
function unusual() {
  const exp = NOW + pick([1, 600, LIFETIME, 0, LIFETIME + 1]);
  const aud = pick([() => spell(pick(AUDIENCES)), () => spell('payroll'),
    () => `[${space()}${[...Array(random(4))].map(() => spell(pick(AUDIENCES))).join(',')}]`]);
  const members = [
    ['iss', spell(ISS)], ['aud', aud()],
    ['exp', pick([`${exp}`, `${exp}.0`, `${exp / 1e9}e9`, `${exp}000e-3`, `${exp}.5E0`])],
    [pick(['sub', 'name', '\u{1f600}', 'x', 'jti']), spell(pick(['a', '', '\u00e9\u{1f600}']))],
    [pick(['nested', '__proto__']), `{${spell('iss')}:${spell('other')},"n":[1,{"iss":2}]}`],
  ].sort(() => random(3) - 1);
  return Buffer.from(`{${members.map(([name, value]) =>
    `${space()}${spell(name)}${space()}:${space()}${value}${space()}`).join(',')}}`);
}
const originals = texts.length;
for (let i = 0; i < MUTANTS; ++i) {
  const kind = random(3);
  texts.push(kind === 0 ? unusual() : mutate(kind === 1 ? unusual() : texts[random(originals)]));
}

const run = spawnSync(probe, { input: texts.map((t) => t.toString('base64url') + '\n').join(''),
  encoding: 'utf8', maxBuffer: 64 << 20 });
const answers = (run.stdout ?? '').trimEnd().split('\n').filter(Boolean)
  .map((line) => JSON.parse(line));
if (run.status !== 0 || answers.length !== texts.length) {
  console.error(`the probe ended with ${run.status} after ${answers.length} answers`);
  process.exit(1);
}

function fail(text, answer, why) {
  console.error(`seed ${seed}: ${why}\n  text ${JSON.stringify(text.toString('latin1'))}\n` +
    `  ours ${JSON.stringify(answer)}`);
  process.exit(1);
}

let scanned = 0, accepted = 0;
texts.forEach((text, i) => {
  const answer = answers[i];
  let theirs;
  try {
    theirs = decodeJwt(`e30.${text.toString('base64url')}.`);
  } catch {
    if (answer.accepted || answer.scanned) fail(text, answer, 'jose refuses what we accept');
    return;
  }
  if (answer.scanned) {
    scanned += 1;
    if (typeof theirs.iss === 'string' && theirs.iss !== answer.iss) fail(text, answer, 'iss');
    if (typeof theirs.exp === 'number' && theirs.exp !== answer.exp) fail(text, answer, 'exp');
  }
  if (!answer.accepted) return;
  accepted += 1;
  const aud = [theirs.aud].flat();
  if (theirs.iss !== ISS) fail(text, answer, 'out of scope: iss');
  if (!(theirs.exp > NOW && theirs.exp <= NOW + LIFETIME)) fail(text, answer, 'out of scope: exp');
  if (aud.length === 0 || aud.some((a) => !AUDIENCES.includes(a))) {
    fail(text, answer, 'out of scope: aud');
  }
  if (JSON.stringify(aud) !== JSON.stringify(answer.aud)) fail(text, answer, 'aud');
});
// Both outcomes must have occurred often, else nothing was compared.
if (accepted < 1000 || scanned < accepted || texts.length - accepted < 1000) {
  console.error(`seed ${seed}: only ${accepted} of ${texts.length} texts were accepted`);
  process.exit(1);
}
console.log(`seed ${seed}: ${texts.length} texts, ${scanned} well-formed, ${accepted} in scope`);
