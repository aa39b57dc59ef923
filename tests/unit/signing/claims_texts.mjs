// Seeded claims texts for the differential run: some in scope, some just outside,
// in every spelling that JSON allows and in many that it does not.
export const NOW = 1_700_000_000;
export const LIFETIME = 3600;
export const ISS = 'https://issuer.example/a';
export const AUDIENCES = ['mail', 'calendar'];
export const PREFIXES = ['user:', 'user:admin:', 'svc/\u00e9\u{1f600}'];

// mulberry32: small, seeded, the same everywhere.
let state = 0;
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (list) => list[random(list.length)];
const oneIn = (n) => random(n) === 0;
const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

// Texts that once were a question; mutants start from them.
const base = (more = '') => `{"iss":"${ISS}","aud":"mail","exp":${NOW + 600}${more}}`;
const NAMED = [
  base(), base(',"sub":"user:x","jti":"1"'), base(',"iss":"https://evil.example"'),
  base(',"\\u0069ss":"https://evil.example"'), base(',"a\\u0075d":"payroll"'),
  base(',"exp":99999999999'), base(',"__proto__":{"iss":"https://evil.example"}'),
  base(',"constructor":1,"toString":2,"hasOwnProperty":3'),
  base(',"a":1e400'), base(',"a":-0'), base(',"a":1e-400'), base(',"a":"\\ud800"'),
  base(',"a":"\\u0000"'), '\ufeff' + base(), base() + '\0', base() + 'x', ' \n' + base() + '\t',
  base(',"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]'), base(',"AUD":"payroll"'), base(',"i\u017fs":1'),
  base(',"sub":"user:","jti":""'), base(',"sub":"svc\\/\\u00e9\\ud83d\\ude00x","jti":"1"'),
  base(`,"iat":${NOW - 3300},"sub":"user:a","s\\u0075b":"user:admin:b","jti":"1"`),
  `{"\\u0069\\u0073\\u0073":"${ISS}","aud":["mail","calendar"],"exp":${NOW + 600}}`,
  `{"iss":"https:\\/\\/issuer.example\\/a","aud":["m\\u0061il"],"exp":1.7000006e9}`,
  `{"iss":"${ISS}","aud":"mail","exp":1700000600.25,"nbf":1699999999.5,"iat":1699999999}`,
  `{"iss":"${ISS}","aud":[],"exp":1700000600}`, `{"iss":"${ISS}","aud":"mail","exp":"1700000600"}`,
  `{"iss":"${ISS}","aud":"mail","exp":17000006000000000000e-10}`,
  `{"iss":"${ISS}","aud":"mail","exp":0.17000006e10}`,
  `{"aud":"mail","exp":1700000600,"a":{"iss":"${ISS}"}}`,
].map((text) => Buffer.from(text, 'utf8'));
for (const bad of [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff], [0xc3], [0xf4, 0x90, 0x80, 0x80]]) {
  NAMED.push(bytes(base(',"a":"').slice(0, -1), bad, '"}'));
}

const FRAGMENTS = ['"', '\\', '\\u0069', '\\u0000', '\\ud800', '\\udc00', '{', '}', '[', ']', ',',
  ':', '"iss":', '"aud":"payroll",', '"exp":1,', '1e400', '-', '.', 'e', '0', '9', 'null', 'true',
  ' ', '\n', '\0', '\u00e9', '\ufeff', '\u2028', ',"ISS":1', ',"a":1', '/', '__proto__',
  '"sub":"user:admin:x",', '"jti":"2",'];
function mutate(text) {
  let out = text;
  for (let n = 1 + random(3); n > 0; --n) {
    const at = random(out.length + 1);
    const cut = oneIn(4) ? random(8) : 0;
    const insert = oneIn(3) ? Buffer.from([random(256)]) : Buffer.from(pick(FRAGMENTS));
    out = bytes(out.subarray(0, at), oneIn(5) ? [] : insert, out.subarray(at + cut));
  }
  return out;
}

// A JSON string for `string`, some of its characters as escapes.
function spell(string) {
  const spelled = [...string].map((c) => {
    if (!oneIn(6)) return c === '/' && random(2) ? '\\/' : c === '\0' ? '\\u0000' : c;
    const hex = (unit) => unit.toString(16).padStart(4, '0');
    const escapes = [...Array(c.length).keys()].map((i) => `\\u${hex(c.charCodeAt(i))}`).join('');
    return random(2) ? escapes : escapes.toUpperCase().replaceAll('\\U', '\\u');
  });
  return `"${spelled.join('')}"`;
}
const number = (value) => pick([`${value}`, `${value}.0`, `${value / 1e9}e9`, `${value}000e-3`,
  `${value}.5E0`, `${value}.25`, oneIn(8) ? pick(['1e400', '-1', '9007199254740993']) : `${value}`]);
const space = () => (oneIn(4) ? pick([' ', '\n', '\t', '\r', '  ']) : '');
const nested = (depth) => (depth === 0 ? '1'
  : pick([() => `[${nested(depth - 1)}]`, () => `{"a":${nested(depth - 1)}}`])());

const VALUES = {
  iss: () => spell(oneIn(12) ? 'https://evil.example' : ISS),
  aud: () => pick([() => spell(pick(AUDIENCES)), () => spell(oneIn(3) ? 'payroll' : 'mail'),
    () => `[${space()}${[...Array(random(4))].map(() => spell(pick(AUDIENCES))).join(',')}]`])(),
  exp: () => number(NOW + pick([1, 300, 600, LIFETIME, oneIn(3) ? pick([0, LIFETIME + 1]) : 60])),
  nbf: () => number(NOW + pick([-9000, -1, 0, 300, oneIn(3) ? pick([301, 600]) : 0])),
  iat: () => number(NOW + pick([-300, -1, 0, 300, oneIn(3) ? pick([-3301, -9000, 301]) : 0])),
  sub: () => spell(pick(['user:a', 'user:', 'user:admin:x', 'admin', '', 'User:a', 'user',
    'svc/\u00e9\u{1f600}', 'svc/\u00e9\u{1f600}!', 'svc/e\u0301\u{1f600}!'])),
  jti: () => (oneIn(20) ? pick(['1', 'null', '["1"]']) : spell(pick(['1', '', 'j-\u00e9']))),
  extra: () => pick([() => spell(oneIn(9) ? 'a\0b' : 'x\u{1f600}'), () => nested(random(19)),
    () => '{"n":[1,{"iss":2}],"aud":"x"}', () => number(random(1e9))])(),
};

// Claims that are in scope more often than not, spelled in an unusual way.
function unusual() {
  const names = ['iss', 'aud', 'exp'];
  for (const name of ['nbf', 'iat', 'sub', 'jti', 'extra', 'extra']) if (random(3)) names.push(name);
  if (oneIn(12)) names.push(pick(names));  // twice
  const members = names.map((name) => [
    name === 'extra' ? pick(['nested', '__proto__', '\u{1f600}', 'x', '', 'ISS', 'Exp', 'j\u0131i'])
      : name, VALUES[name]()]).sort(() => random(3) - 1);
  const text = `{${members.map(([name, value]) =>
    `${space()}${spell(name)}${space()}:${space()}${value}${space()}`).join(',')}}`;
  return Buffer.from(pick(['', '', '', oneIn(9) ? '\ufeff' : ' ']) + text +
    (oneIn(40) ? pick(['\0', 'x', ' {}']) : ''));
}

// The named texts and `count` more; the same for the same seed.
export function makeTexts(seed, count) {
  state = seed >>> 0;
  const texts = [...NAMED];
  for (let i = 0; i < count; ++i) {
    const kind = random(3);
    texts.push(kind === 0 ? mutate(random(2) ? unusual() : pick(NAMED)) : unusual());
  }
  return texts;
}
