/** `npm run bench -- search [100000,1000000 | LIST]`: words among many files, beside minisearch and lunr. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.js';
import type { Filled, Searched } from './search-process.js';
import { QUERIES, type SearchQuery } from './search-queries.js';
import { type Goal, publish, type Row, type Table, takeTurns } from './table.js';

const SIZES = [100_000, 1_000_000];
/** Beyond that lunr takes gigabytes and minutes. */
const MOST_FOR_LUNR = 100_000;
const HEAP_MB = 12_000;
const PROCESS = fileURLToPath(new URL('search-process.js', import.meta.url));

/** The whole engine, and its text index. */
type Ours = 'shoal' | 'words';

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
    'the order. `words alone` is its text index without the files. minisearch (its own tokenizer) and lunr (ours)',
    'hold words alone too. In brackets: matches. Each is a process of its own; memory is what it grew by.',
  ],
  machine,
  tables,
  missing: [],
});

async function measure(size: number): Promise<Table[]> {
  const names = [
    'shoal',
    'words',
    'minisearch',
    ...(size <= MOST_FOR_LUNR && list === undefined ? ['lunr'] : []),
  ];
  const running: Running[] = [];
  for (const name of names) running.push(await start(name, size));
  try {
    const whole: Row[] = [];
    const words: Row[] = [];
    for (const query of QUERIES) {
      const medians = await searchMedians(query, running);
      whole.push(...searchRows('shoal', query, running, medians));
      if (!query.needsTexts) words.push(...searchRows('words', query, running, medians));
    }
    const files = `${running[0]?.filled.files.toLocaleString('en')} files`;
    const build = (each: Filled) => each.buildMs / 1000;
    const memory = (each: Filled) => each.megabytes;
    return [
      { title: `${files}: searches`, unit: 'ms', rows: whole },
      { title: `${files}: searches, words alone`, unit: 'ms', rows: words },
      { title: `${files}: building`, unit: 's', rows: filledRows(running, 'build', build, 0.3) },
      { title: `${files}: memory`, unit: 'MB', rows: filledRows(running, 'memory', memory, 0.2) },
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

function isOurs(name: string): name is Ours {
  return name === 'shoal' || name === 'words';
}

function canAnswer(name: string, query: SearchQuery): boolean {
  if (name === 'words') return !query.needsTexts;
  return name === 'shoal' || query[name === 'lunr' ? 'lunr' : 'minisearch'] !== undefined;
}

function searchMedians(
  query: SearchQuery,
  running: readonly Running[],
): Promise<ReadonlyMap<string, number>> {
  return takeTurns(
    running
      .filter(({ name }) => canAnswer(name, query))
      .map(({ name, child, matches }) => ({
        name,
        run: async () => {
          child.send(QUERIES.indexOf(query));
          const [searched]: Searched[] = await once(child, 'message');
          matches.set(query.kind, searched?.matches ?? 0);
          return searched?.ms ?? Number.NaN;
        },
      })),
  );
}

function searchRows(
  ours: Ours,
  query: SearchQuery,
  running: readonly Running[],
  medians: ReadonlyMap<string, number>,
): Row[] {
  const us = running.find(({ name }) => name === ours);
  const figure = { ours: medians.get(ours) ?? Number.NaN };
  const work = `${query.kind}: \`${query.ours}\` (${us?.matches.get(query.kind)})`;
  const peers = running.filter(({ name }) => !isOurs(name) && canAnswer(name, query));
  if (peers.length === 0) return [{ work, ...figure }];
  return peers.map(({ name, matches }) => ({
    work,
    ...figure,
    peer: { name: `${name} (${matches.get(query.kind)})`, value: medians.get(name) ?? Number.NaN },
    goal: goalOf(name, query.kind),
  }));
}

/** Of issue 3. */
function goalOf(peer: string, kind: string): Goal {
  if (peer === 'minisearch') return { kind: 'at most', ratio: 0.05 };
  const factor = kind === 'fuzzy' ? 3 : kind === 'rare' || kind === 'prefix' ? 20 : 50;
  return { kind: 'at most', ratio: Math.round(1000 / factor) / 1000 };
}

function filledRows(
  running: readonly Running[],
  work: string,
  value: (filled: Filled) => number,
  goal: number,
): Row[] {
  const peers = running.filter(({ name }) => !isOurs(name));
  return running
    .filter(({ name }) => isOurs(name))
    .flatMap((us) =>
      peers.map(({ name, filled }) => ({
        work: us.name === 'words' ? `${work}, words alone` : work,
        ours: value(us.filled),
        peer: { name, value: value(filled) },
        ...(name === 'minisearch' && { goal: { kind: 'at most' as const, ratio: goal } }),
      })),
    );
}
