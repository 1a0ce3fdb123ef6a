/** `npm run bench -- search [100000,1000000 | LIST]`: words among many files, beside minisearch and lunr. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.js';
import type { Filled, Searched } from './search-process.js';
import { QUERIES } from './search-queries.js';
import { type Goal, publish, type Row, type Table, takeTurns } from './table.js';

const SIZES = [100_000, 1_000_000];
/** Beyond that lunr takes gigabytes and minutes. */
const MOST_FOR_LUNR = 100_000;
const HEAP_MB = 12_000;
const PROCESS = fileURLToPath(new URL('search-process.js', import.meta.url));

interface Running {
  readonly name: string;
  readonly filled: Filled;
  readonly child: ChildProcess;
  readonly matches: Map<string, number>;
}

const machine = describeMachine();
const [asked] = process.argv.slice(2);
const list = asked !== undefined && existsSync(asked) ? asked : undefined;
const sizes =
  asked === undefined || list !== undefined ? SIZES.slice(list ? 1 : 0) : asked.split(',').map(Number);
const tables: Table[] = [];
for (const size of sizes) tables.push(...(await measure(size)));
publish({
  name: 'search',
  about: [
    list === undefined
      ? 'Generated names of books, music, films, photos and source trees, a fifth of them not ASCII.'
      : `The paths of a list of ${tables[0]?.title}.`,
    'Ours is the whole query engine, which keeps the files as well: 100 entries with cursors, the total and',
    'the order. minisearch (its own tokenizer) and lunr (ours) hold words alone and give all matches. Each is a',
    'process of its own; memory is what it grew by.',
  ],
  machine,
  tables,
  missing: [],
});

async function measure(size: number): Promise<Table[]> {
  const names = ['shoal', 'minisearch', ...(size <= MOST_FOR_LUNR && list === undefined ? ['lunr'] : [])];
  const running: Running[] = [];
  for (const name of names) running.push(await start(name, size));
  try {
    const rows: Row[] = [];
    for (const at of QUERIES.keys()) rows.push(...(await searchRows(at, running)));
    const files = `${running[0]?.filled.files.toLocaleString('en')} files`;
    return [
      { title: `${files}: searches`, unit: 'ms', rows },
      {
        title: `${files}: building`,
        unit: 's',
        rows: filledRows(running, 'build', (each) => each.buildMs / 1000),
      },
      {
        title: `${files}: memory`,
        unit: 'MB',
        rows: filledRows(running, 'memory', (each) => each.megabytes),
      },
    ];
  } finally {
    for (const { child } of running) child.kill();
  }
}

async function start(name: string, size: number): Promise<Running> {
  const words = [name, String(size), ...(list === undefined ? [] : [list])];
  const child = fork(PROCESS, words, { execArgv: ['--expose-gc', `--max-old-space-size=${HEAP_MB}`] });
  const [filled]: Filled[] = await Promise.race([once(child, 'message'), ended(child)]);
  if (!filled) throw new Error(`${name} said nothing`);
  process.stderr.write(`${name}, ${size}: ${JSON.stringify(filled)}\n`);
  return { name, filled, child, matches: new Map() };
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`a contender ended: ${code}`);
}

async function searchRows(at: number, running: readonly Running[]): Promise<Row[]> {
  const query = QUERIES[at];
  if (!query) return [];
  const able = running.filter(
    ({ name }) => name === 'shoal' || query[name === 'lunr' ? 'lunr' : 'minisearch'] !== undefined,
  );
  const medians = await takeTurns(
    able.map(({ name, child, matches }) => ({
      name,
      run: async () => {
        child.send(at);
        const [searched]: Searched[] = await once(child, 'message');
        matches.set(query.kind, searched?.matches ?? 0);
        return searched?.ms ?? Number.NaN;
      },
    })),
  );
  const [us, ...peers] = able;
  const ours = medians.get('shoal') ?? Number.NaN;
  const work = `${query.kind}: \`${query.ours}\` (${us?.matches.get(query.kind)})`;
  if (peers.length === 0) return [{ work, ours }];
  return peers.map(({ name, matches }) => ({
    work,
    ours,
    peer: { name: `${name} (${matches.get(query.kind)})`, value: medians.get(name) ?? Number.NaN },
    goal: goalOf(name, query.kind),
  }));
}

/** Of issue 3. */
function goalOf(peer: string, kind: string): Goal {
  if (peer === 'minisearch') return { kind: 'at most', ratio: 0.05 };
  const factor = kind === 'fuzzy' ? 3 : kind === 'rare' || kind === 'prefix' ? 20 : 50;
  return { kind: 'at most', ratio: 1 / factor };
}

function filledRows(
  running: readonly Running[],
  work: 'build' | 'memory',
  value: (filled: Filled) => number,
): Row[] {
  const [us, ...peers] = running;
  if (!us) return [];
  const ratio = work === 'build' ? 0.3 : 0.2;
  return peers.map(({ name, filled }) => ({
    work,
    ours: value(us.filled),
    peer: { name, value: value(filled) },
    ...(name === 'minisearch' && { goal: { kind: 'at most' as const, ratio } }),
  }));
}
