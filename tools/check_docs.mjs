// Checks the Markdown pages: every relative link leads to a file that is there, every
// #anchor to a heading, and every path in backticks that starts with one of our folders
// names something that exists.
//
//   node tools/check_docs.mjs REPOSITORY
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = process.argv[2] ?? '.';
const pages = execFileSync('git', ['-C', root, 'ls-files', '-co', '--exclude-standard', '*.md'],
  { encoding: 'utf8' }).split('\n').filter((page) => page && existsSync(path.join(root, page)));
const FOLDERS = /^(\.ci|client|cmake|common|deploy|examples|hsm|proto|server|tests|tools)\/[\w./*{},-]*$/;
const problems = [];

// GitHub's way from heading to anchor.
const anchorOf = (heading) => heading.trim().toLowerCase().replace(/`/g, '')
  .replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');

const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, '');

const anchors = (file) => new Set([...withoutCode(readFileSync(file, 'utf8'))
  .matchAll(/^#{1,6} +(.*)$/gm)].map((match) => anchorOf(match[1])));

function checkLink(page, target) {
  if (/^[a-z][a-z0-9+.-]*:/.test(target)) return;
  const [file, anchor] = target.split('#');
  const full = file ? path.resolve(root, path.dirname(page), file) : path.join(root, page);
  if (!existsSync(full)) problems.push(`${page}: link to ${target}: there is no such file`);
  else if (anchor && full.endsWith('.md') && !anchors(full).has(anchor)) {
    problems.push(`${page}: link to ${target}: there is no such heading`);
  }
}

// server/{api,auth}/x.{cc,h} names four paths; a * is looked up as its folder.
function expand(text) {
  const braces = /\{([^{}]*)\}/.exec(text);
  if (!braces) return [text];
  return braces[1].split(',').flatMap((part) => expand(text.replace(braces[0], part)));
}

function checkPath(page, text) {
  for (const one of expand(text)) {
    const full = path.join(root, one.includes('*') ? path.dirname(one) : one);
    const found = [full, `${full}.cc`, `${full}.h`].some((file) => existsSync(file));
    if (!found) problems.push(`${page}: \`${text}\`: there is no ${one}`);
  }
}

for (const page of pages) {
  const text = withoutCode(readFileSync(path.join(root, page), 'utf8'));
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) checkLink(page, match[1]);
  for (const match of text.matchAll(/`([^`\n]+)`/g)) {
    if (FOLDERS.test(match[1])) checkPath(page, match[1]);
  }
}

for (const problem of problems) console.error(problem);
console.error(`docs: ${pages.length} pages, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
