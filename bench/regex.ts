/**
 * Extended regular expressions over a million names beside `grep -E` and `plocate --regex`; and hostile
 * ones, through the engine that serves the network, with an eye on who else has to wait.
 */
import { Buffer } from 'node:buffer';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Catalogue } from '../src/catalogue/catalogue.js';
import type { CatalogueChange } from '../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../src/catalogue/share-path.js';
import { systemClock } from '../src/clock.js';
import { LimitError } from '../src/errors.js';
import { silentLog } from '../src/log.js';
import { parseCriteria } from '../src/query/criteria.js';
import { compileEre } from '../src/query/ere-matcher.js';
import { parseEre } from '../src/query/ere-parse.js';
import { findMatches, type PackedValues } from '../src/query/ere-scan.js';
import { WorkerQueryEngine } from '../src/query/worker-query-engine.js';
import { describeMachine, programOf } from './machine.js';
import { generateNames } from './names.js';
import { throughEngine } from './regex-engine.js';
import {
  type Contender,
  type Goal,
  median,
  publish,
  type Row,
  type Table,
  takeTurns,
  timedShell,
} from './table.js';

const NAMES = 1_000_000;
const ENTRIES = 50_000;
const NANOSECONDS_A_MS = 1e6;

const WITH_LITERAL = [
  'Nocturne.*\\.mp3$',
  'Nocturne',
  '^02 .*Requiem',
  '物語',
  'x264\\.mkv$',
  'buffer_[a-z]+[0-9]{2}\\.rs',
];
const WITHOUT_LITERAL = [
  '^(IMG|DSC)_2019[0-9]{4}_[0-9]+\\.jpe?g$',
  '[0-9]{4}-[0-9]{2}',
  '^.*[aeiou]{3}.*[0-9]{2}.*$',
  '(война|Мир|物語)',
  '[^a-z0-9]$',
  '.*',
  '^[^ ]*$',
  '[[:upper:]]{3}',
];
const HOSTILE = [
  '([[:alpha:]].{1,30}){10}x',
  '(x+x+)+y',
  '(.*[aeiou].*[0-9]){6}q',
  '[a-z].{40}z',
  '((a|e|i|o|u).{2,9}){8}[^[:print:]]',
  '(a?){60}a{60}',
];
const DEADLINE_MS = 1000;
const ATTACK_MS = 3000;
const IDLE_QUERIES = 100;

const machine = describeMachine();
const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
const missing: string[] = [];
try {
  const tables = [...(await ordinary()), ...(await hostile())];
  publish({
    name: 'regex',
    about: [
      `${NAMES.toLocaleString('en')} generated names, a fifth of them not ASCII, in one buffer and in one file of lines; every`,
      'matcher has compiled its pattern and every file is in the page cache. `findMatches` of `src/query/ere-scan.ts`',
      'in one thread beside `grep -E -c` (C.UTF-8) and `plocate --regex -c`; all give the same count. Through the engine',
      'the same names are files in folders of fifty, and the answer is ordered by path.',
    ],
    machine,
    tables,
    missing,
  });
} finally {
  await rm(folder, { recursive: true });
}

async function ordinary(): Promise<Table[]> {
  const list = join(folder, 'names.txt');
  const names = [...generateNames(NAMES)];
  await writeFile(list, names.map((name) => `${name}\n`).join(''));
  const values = pack(names);
  const database = await plocateDatabase(list);
  if (programOf('grep') === undefined) missing.push('grep');
  if (database === undefined) missing.push('plocate');

  const tables: Table[] = [];
  for (const [title, patterns, goals] of [
    ['With a literal', WITH_LITERAL, { grep: 1, plocate: undefined }],
    ['Without one', WITHOUT_LITERAL, { grep: 2.5, plocate: 1 }],
  ] as const) {
    const rows: Row[] = [];
    for (const pattern of patterns) rows.push(...(await compare(pattern, values, list, database, goals)));
    tables.push({ title: `${title}, ${NAMES.toLocaleString('en')} names`, unit: 'ms', rows });
  }
  tables.push(
    ...(await throughEngine(names, missing.includes('grep') ? undefined : list, [
      { title: 'With a literal', patterns: WITH_LITERAL, ratio: 1 },
      { title: 'Without one', patterns: WITHOUT_LITERAL, ratio: 2.5 },
    ])),
  );
  return tables;
}

function pack(names: readonly string[]): PackedValues {
  const utf8 = Buffer.from(names.join(''));
  const starts = new Uint32Array(names.length + 1);
  names.forEach((name, index) => {
    starts[index + 1] = (starts[index] as number) + Buffer.byteLength(name);
  });
  return { utf8, starts };
}

/** plocate takes a list of lines for its database, so that it needs no files. Undefined where it is not installed. */
async function plocateDatabase(list: string): Promise<string | undefined> {
  const build = programOf('plocate-build');
  if (build === undefined || programOf('plocate') === undefined) return undefined;
  const database = join(folder, 'plocate.db');
  await timedShell('"$1" --plaintext "$2" "$3"', [build, list, database]);
  return database;
}

async function compare(
  pattern: string,
  values: PackedValues,
  list: string,
  database: string | undefined,
  goals: { readonly grep: number | undefined; readonly plocate: number | undefined },
): Promise<Row[]> {
  const counts = new Map<string, number>();
  const matcher = compileEre(parseEre(pattern), { caseSensitive: true });
  const contenders: Contender[] = [
    {
      name: 'ours',
      run: () => {
        const began = performance.now();
        let found = 0;
        findMatches(
          matcher,
          values,
          { from: 0, to: values.starts.length - 1 },
          { check() {}, isDue: false },
          () => {
            found += 1;
          },
        );
        counts.set('ours', found);
        return performance.now() - began;
      },
    },
  ];
  const external = (name: string, line: string, words: readonly string[]) =>
    contenders.push({
      name,
      run: async () => {
        const { ms, stdout } = await timedShell(line, words);
        counts.set(name, Number(stdout));
        return ms;
      },
    });
  // Both end with 1 where nothing matches.
  if (!missing.includes('grep')) external('grep -E', 'grep -E -c -e "$1" "$2" || true', [pattern, list]);
  if (database !== undefined)
    external('plocate', 'plocate -d "$2" -c --regex "$1" || true', [pattern, database]);
  const medians = await takeTurns(contenders);
  const different = [...counts].filter(([, count]) => count !== counts.get('ours'));
  if (different.length > 0) throw new Error(`${pattern}: ${JSON.stringify([...counts])}`);

  const atMost = (ratio: number | undefined): { goal?: Goal } =>
    ratio === undefined ? {} : { goal: { kind: 'at most', ratio } };
  const ours = medians.get('ours') ?? Number.NaN;
  const row = (name: string, ratio: number | undefined): Row[] => {
    const value = medians.get(name);
    if (value === undefined) return [];
    return [
      { work: `\`${pattern}\` (${counts.get('ours')})`, ours, peer: { name, value }, ...atMost(ratio) },
    ];
  };
  const rows = [...row('grep -E', goals.grep), ...row('plocate', goals.plocate)];
  process.stdout.write('.');
  return rows.length > 0 ? rows : [{ work: `\`${pattern}\``, ours }];
}

async function hostile(): Promise<Table[]> {
  const catalogue = new Catalogue();
  const engine = new WorkerQueryEngine({ clock: systemClock, log: silentLog, table: catalogue.table });
  try {
    catalogue.apply(entries());
    await engine.start();
    await otherLatency(engine, IDLE_QUERIES, () => true); // meanwhile the index is put in order
    const idle = await otherLatency(engine, IDLE_QUERIES, () => true);
    const ended: Row[] = [];
    const delays: Row[] = [];
    const others: Row[] = [];
    for (const pattern of HOSTILE) {
      const work = `\`${pattern}\``;
      const { outcome, tookMs, delayMs, latencyMs } = await attack(engine, pattern);
      ended.push({
        work: `${work}: ${outcome}`,
        ours: tookMs,
        remark: tookMs <= DEADLINE_MS + 100 ? 'met' : 'missed',
      });
      delays.push({ work, ours: delayMs, remark: delayMs < 20 ? 'met' : 'missed' });
      if (latencyMs === undefined) continue;
      const peer = { name: 'idle', value: idle ?? Number.NaN };
      others.push({ work, ours: latencyMs, peer, goal: { kind: 'at most', ratio: 2 } });
    }
    const about = `${ENTRIES.toLocaleString('en')} entries, deadline ${DEADLINE_MS} ms`;
    return [
      { title: `Hostile patterns, ${about}: ended after (goal: deadline + 100 ms)`, unit: 'ms', rows: ended },
      {
        title: 'Meanwhile: event loop delay of the main thread, p99 (goal: < 20 ms)',
        unit: 'ms',
        rows: delays,
      },
      { title: 'Meanwhile: median latency of a word query', unit: 'ms', rows: others },
    ];
  } finally {
    await engine.stop();
  }
}

function entries(): CatalogueChange[] {
  return [...generateNames(ENTRIES, 2)].map((name, index) => ({
    type: 'put',
    entry: {
      share: 's',
      path: `${index % 1000}/${index} ${name}` as ShareRelativePath,
      size: index,
      mtimeMs: index * 1000,
      mediaType: 'application/octet-stream',
    },
  }));
}

/** Again and again, as long as it takes to see what becomes of others; the slowest counts. */
async function attack(engine: WorkerQueryEngine, pattern: string) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let over = false;
  let outcome = '';
  let tookMs = 0;
  delay.enable();
  const attacks = (async () => {
    const ends = performance.now() + ATTACK_MS;
    while (performance.now() < ends) {
      const began = performance.now();
      outcome = await search(engine, pattern).catch((error: unknown) => {
        if (!(error instanceof LimitError)) throw error;
        return `refused, ${error.bound}`;
      });
      tookMs = Math.max(tookMs, performance.now() - began);
    }
    over = true;
  })();
  const latencyMs = await otherLatency(engine, Number.POSITIVE_INFINITY, () => !over);
  await attacks;
  delay.disable();
  return { outcome, tookMs, latencyMs, delayMs: delay.percentile(99) / NANOSECONDS_A_MS };
}

async function search(engine: WorkerQueryEngine, pattern: string): Promise<string> {
  const criteria = parseCriteria({ name: [{ type: 'regex', pattern }], caseSensitive: true });
  const { total } = await engine.search({ criteria, page: { max: 50 }, deadlineMs: DEADLINE_MS });
  return `${total} found`;
}

/** Of word queries, one after another while `goOn`. Undefined when there were none. */
async function otherLatency(
  engine: WorkerQueryEngine,
  most: number,
  goOn: () => boolean,
): Promise<number | undefined> {
  const criteria = parseCriteria({ text: ['requiem nocturne'] });
  const taken: number[] = [];
  await new Promise(setImmediate);
  while (taken.length < most && goOn()) {
    const began = performance.now();
    await engine.search({ criteria, page: { max: 50 }, deadlineMs: DEADLINE_MS }).catch((error: unknown) => {
      if (!(error instanceof LimitError)) throw error; // it counts with all the time it was given
    });
    taken.push(performance.now() - began);
  }
  return taken.length === 0 ? undefined : median(taken);
}
