/** The tools that everyone has, on files that everyone has, as the oracle: `find` and `grep`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { fromBytes, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { request } from './query-engine-compliance.js';

const ROOT = '/usr/share';
const FOLDERS = ['doc', 'perl', 'zoneinfo', 'locale'];
const UTF8 = { LC_ALL: 'C.UTF-8', PATH: process.env.PATH };

/** Runs a tool that writes NUL-terminated lines; grep's 1 is "nothing found". */
function lines(tool: string, args: readonly string[], input?: Buffer): string[] {
  try {
    const output = execFileSync(tool, args, {
      env: UTF8,
      cwd: ROOT,
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(input && { input }),
    });
    return split(output).map(fromBytes);
  } catch (error) {
    const { status, stdout } = error as { status?: number; stdout?: Buffer };
    // grep says 1 for nothing; find says 1 for a folder that is not there or can't be read.
    if (status === 1 && stdout !== undefined) return split(stdout).map(fromBytes);
    throw error;
  }
}

function split(output: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0, end = output.indexOf(0); end >= 0; from = end + 1, end = output.indexOf(0, from)) {
    parts.push(output.subarray(from, end));
  }
  return parts;
}

describe('execute, against find and grep', () => {
  const engine = new SearchedCatalogue(
    (table) => new LocalQueryEngine({ clock: systemClock, log: silentLog, table }),
  );
  let entries: FileEntry[];
  let paths: Buffer;

  before(async () => {
    const listed = lines('find', [...FOLDERS, '-type', 'f', '-printf', '%s %T@ %p\\0']);
    entries = listed.map((line) => {
      const [size = '', time = ''] = line.split(' ', 2);
      const path = line.slice(size.length + time.length + 2) as ShareRelativePath;
      return {
        share: 'share',
        path,
        size: Number(size),
        mtimeMs: Math.floor(Number(time) * 1000),
        mediaType: 'a/b',
      };
    });
    assert.ok(entries.length > 2000, 'this machine has documentation');
    paths = Buffer.concat(entries.map(({ path }) => Buffer.from(`share/${path}\0`)));
    await engine.start();
    await engine.apply(entries.map((entry) => ({ type: 'put', entry })));
  });
  after(() => engine.stop());

  async function found(asked: FileCriteria): Promise<string[]> {
    const all: string[] = [];
    for (let after: string | undefined; ; ) {
      const answer = await engine.search(
        request(asked, { page: { max: 1000, ...(after !== undefined && { after }) } }),
      );
      all.push(...answer.entries.map(({ entry }) => `${entry.share}/${entry.path}`));
      if (answer.entries.length === 0) {
        assert.equal(all.length, answer.total);
        return all.sort();
      }
      after = answer.entries.at(-1)?.cursor;
    }
  }

  const base = (path: string) => path.slice(path.lastIndexOf('/') + 1);

  /** The paths whose name, or which themselves, grep selects. */
  function grepped(flags: readonly string[], pattern: string, what: 'name' | 'path'): string[] {
    const all = entries.map(({ share, path }) => `${share}/${path}`);
    const input = what === 'path' ? paths : Buffer.concat(all.map((path) => Buffer.from(`${base(path)}\0`)));
    const selected = new Set(lines('grep', ['-z', '-a', ...flags, '-e', pattern], input));
    return all.filter((path) => selected.has(what === 'path' ? path : base(path))).sort();
  }

  const texts = [
    'readme',
    'README',
    'lib',
    '.gz',
    'a',
    'é',
    'changelog.Debian',
    '/doc/',
    'LC_MESSAGES/',
    '++',
    '[',
    '\\',
  ];
  for (const text of texts) {
    for (const what of ['name', 'path'] as const) {
      for (const caseSensitive of [false, true]) {
        it(`contains '${text}' in the ${what}${caseSensitive ? ', case and all' : ''}`, async () => {
          const ours = await found({ [what]: [{ type: 'contains', value: text }], caseSensitive });
          assert.deepEqual(ours, grepped(caseSensitive ? ['-F'] : ['-F', '-i'], text, what));
        });
      }
    }
  }

  const patterns = [
    '^[A-Z]+$',
    '^copyright$',
    '[0-9]{4}',
    '\\.(gz|html?|txt)$',
    '^.{1,4}$',
    '(^|/)lib[^/]*/',
    '[[:upper:]][[:lower:]]+[[:digit:]]',
    '[^a-z0-9.]$',
    '^(.*[aeiou]){6}',
    '(x|y|z)+[-_]',
    '[[:space:]]',
    'ch.*ng.*log|news',
    '[^[:alnum:]/._-]',
  ];
  for (const pattern of patterns) {
    for (const what of ['name', 'path'] as const) {
      for (const caseSensitive of [false, true]) {
        // Where case is ignored, [[:upper:]] means something else to grep; see ere-matcher.ts.
        if (!caseSensitive && pattern.includes('[:upper:]')) continue;
        it(`matches ${pattern} in the ${what}${caseSensitive ? ', case and all' : ''}`, async () => {
          const ours = await found({ [what]: [{ type: 'regex', pattern }], caseSensitive });
          assert.deepEqual(ours, grepped(caseSensitive ? ['-E'] : ['-E', '-i'], pattern, what));
        });
      }
    }
  }

  const listedBy = (...tests: string[]) =>
    lines('find', [...FOLDERS, '-type', 'f', ...tests, '-print0'])
      .map((path) => `share/${path}`)
      .sort();

  it('finds sizes as find does', async () => {
    assert.deepEqual(
      await found({ sizeMin: 1001, sizeMax: 4999 }),
      listedBy('-size', '+1000c', '-size', '-5000c'),
    );
    assert.deepEqual(await found({ size: [0] }), listedBy('-size', '0c'));
  });

  it('finds dates as find does', async () => {
    const dates = entries.map(({ mtimeMs }) => mtimeMs).sort((one, other) => one - other);
    for (const share of [0.1, 0.5, 0.9]) {
      const ms = Math.floor((dates[Math.floor(dates.length * share)] ?? 0) / 1000) * 1000;
      const at = new Date(ms).toISOString();
      // find's -newermt is "later than", ours is "from": one nanosecond earlier, which find can read.
      const justBefore = `${new Date(ms - 1000).toISOString().slice(0, 19)}.999999999Z`;
      assert.deepEqual(await found({ dateFromMs: ms }), listedBy('-newermt', justBefore), at);
      assert.deepEqual(await found({ dateBeforeMs: ms }), listedBy('-not', '-newermt', justBefore), at);
    }
  });

  it('finds extensions as find does', async () => {
    const tests = ['(', '-iname', '?*.gz', '-o', '-iname', '?*.html', ')'];
    assert.deepEqual(await found({ ext: ['gz', 'html'] }), listedBy(...tests));
  });
});
