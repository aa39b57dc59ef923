// clang-tidy over what changed, in parallel, within a time budget.
//
//   node tools/tidy.mjs --build DIR [--base COMMIT] [--budget-s N] [--jobs N] [--report FILE]
//
// Without --base every file counts, the most recently committed first. A file that was
// clean before is not looked at again while neither it, nor a header of ours that it
// includes, nor .clang-tidy, nor its compile command has changed: the keys of clean
// files are kept in ~/.cache/sealward/tidy. Ends with 1 if there are findings.
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const TIDY = 'clang-tidy-19';
const { values: options } = parseArgs({
  options: {
    build: { type: 'string' }, base: { type: 'string' }, 'budget-s': { type: 'string' },
    jobs: { type: 'string', default: '1' }, report: { type: 'string' },
  },
});
const root = process.cwd();
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'sealward/tidy');
const run = (command, args) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
const relative = (file) => path.relative(root, file);
const isOurs = (file) => !file.startsWith('..') && !/^(build|node_modules)\//.test(file);

// Compile commands of our own sources, by path.
function units() {
  const all = JSON.parse(readFileSync(path.join(options.build, 'compile_commands.json'), 'utf8'));
  return new Map(all.map((unit) => [relative(path.resolve(unit.directory, unit.file)), unit])
    .filter(([file]) => isOurs(file)));
}

// Our own files that each object was compiled from, as ninja recorded them.
function dependencies() {
  const result = new Map();
  let current;
  for (const line of run('ninja', ['-C', options.build, '-t', 'deps']).split('\n')) {
    const object = /^(\S+): #deps/.exec(line);
    if (object) result.set(object[1], (current = []));
    else if (line.startsWith('    ')) {
      const file = relative(path.resolve(options.build, line.trim()));
      if (isOurs(file) && existsSync(file)) current.push(file);
    }
  }
  return result;
}

// Files to look at: changed sources and those that include a changed header.
function wanted(all, includes) {
  if (!options.base) return byAge([...all.keys()]);
  const changed = new Set([
    ...run('git', ['diff', '--name-only', options.base]).split('\n'),
    ...run('git', ['ls-files', '-o', '--exclude-standard']).split('\n'),
  ].filter((file) => /\.(cc|h)$/.test(file)));
  return byAge([...all.keys()].filter((file) => includes(file).some((one) => changed.has(one))));
}

// Most recently committed first; what is not committed yet comes before all.
function byAge(files) {
  const order = new Map();
  for (const file of run('git', ['log', '--format=', '--name-only', '-n', '500']).split('\n')) {
    if (file && !order.has(file)) order.set(file, order.size);
  }
  return files.sort((a, b) => (order.get(a) ?? -1) - (order.get(b) ?? -1));
}

function keyOf(unit, files) {
  const hash = createHash('sha256').update(version).update(readFileSync('.clang-tidy'));
  hash.update((unit.command ?? unit.arguments.join(' ')).replaceAll(root, ''));
  for (const file of files) hash.update(file).update(readFileSync(file));
  return path.join(cache, hash.digest('hex'));
}

const tidy = (file) => new Promise((resolve) => {
  const args = ['-p', options.build, '--quiet', '--extra-arg=-Wno-unknown-warning-option', file];
  execFile(TIDY, args, { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, stdout) =>
    resolve({ clean: !error, text: stdout.replaceAll(`${root}/`, '') }));
});

const version = run(TIDY, ['--version']);
const all = units();
const compiledFrom = dependencies();
const filesOf = (file) => [...new Set([file, ...(compiledFrom.get(all.get(file).output) ?? [])])];
const queue = wanted(all, filesOf);
const total = queue.length;
const deadline = options['budget-s'] ? Date.now() + Number(options['budget-s']) * 1000 : Infinity;
mkdirSync(cache, { recursive: true });
const count = { clean: 0, cached: 0, found: 0 };
const reports = [];

async function worker() {
  while (queue.length && Date.now() < deadline) {
    const file = queue.shift();
    const key = keyOf(all.get(file), filesOf(file));
    if (existsSync(key)) {
      count.cached++;
      continue;
    }
    const { clean, text } = await tidy(file);
    if (clean) {
      writeFileSync(key, '');
      count.clean++;
    } else {
      count.found++;
      reports.push(text);
      process.stdout.write(text);
    }
  }
}

await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
if (options.report) writeFileSync(options.report, reports.join('\n'));
console.error(`clang-tidy: ${total} files: ${count.clean} clean, ${count.cached} clean before, ` +
  `${count.found} with findings, ${queue.length} not reached in the time budget`);
process.exit(count.found ? 1 : 0);
