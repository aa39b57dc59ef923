// What a text of claims says to JSON.parse, and what may be signed of it: the
// rules of server/signing/claims.h a second time, from the validator's side.
import { AUDIENCES, ISS, LIFETIME, NOW, PREFIXES } from './claims_texts.mjs';

const REGISTERED = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'];
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gu;
const START_TOLERANCE = 300, ISSUE_TOLERANCE = 300;

// Why a text that JSON.parse takes means different things to different parsers,
// or undefined. REQUIRES: JSON.parse takes it.
export function ambiguity(text) {
  const containers = [];
  const tokens = text.match(TOKEN) ?? [];
  for (let i = 0; i < tokens.length; ++i) {
    const token = tokens[i];
    if (token === '{' || token === '[') {
      containers.push(token === '{' ? new Set() : null);
      if (containers.length > 16) return 'nested too deeply';
    } else if (token === '}' || token === ']') {
      containers.pop();
    } else if (token[0] === '"') {
      const string = JSON.parse(token);
      if (string.includes('\0')) return 'a NUL';
      if (!string.isWellFormed()) return 'an unpaired surrogate';
      if (tokens[i + 1] !== ':') continue;
      const names = containers.at(-1);
      if (names.has(string)) return 'a duplicate member';
      names.add(string);
    } else if (/[0-9]$/.test(token) && !Number.isFinite(Number(token))) {
      return 'a number that overflows';
    }
  }
  return undefined;
}

// A parser that ignores case reads it as a registered claim.
const isLookalike = (name) => !REGISTERED.includes(name) &&
  REGISTERED.includes(name.replaceAll('\u0130', 'i').toUpperCase().toLowerCase());
const isDate = (value) => typeof value === 'number' && value >= 0 && value <= 2 ** 53;
const isAbsentOr = (claims, name, test) => !Object.hasOwn(claims, name) || test(claims[name]);

// Whether a key without rules for sub and jti may sign the claims.
export function inScope(claims) {
  const aud = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  return !Object.keys(claims).some(isLookalike) &&
    claims.iss === ISS &&
    aud.length > 0 && aud.length <= 64 && aud.every((value) => AUDIENCES.includes(value)) &&
    isDate(claims.exp) && claims.exp > NOW && claims.exp <= NOW + LIFETIME &&
    isAbsentOr(claims, 'nbf', (nbf) => isDate(nbf) && nbf <= NOW + START_TOLERANCE &&
      nbf < claims.exp) &&
    isAbsentOr(claims, 'iat', (iat) => isDate(iat) && iat <= NOW + START_TOLERANCE &&
      iat < claims.exp && claims.exp - iat <= LIFETIME + ISSUE_TOLERANCE) &&
    isAbsentOr(claims, 'sub', (sub) => typeof sub === 'string') &&
    isAbsentOr(claims, 'jti', (jti) => typeof jti === 'string');
}

// Whether in-scope claims keep KeyWithClaimRules' rules (claims_fixture.h).
export const keepsRules = (claims) => typeof claims.sub === 'string' &&
  PREFIXES.some((prefix) => claims.sub.startsWith(prefix) && claims.sub !== prefix) &&
  typeof claims.jti === 'string' && claims.jti !== '';
