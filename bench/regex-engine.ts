/** Patterns and parts of names as a node looks for them: its engine over a table of files, a page and the total. */
import { Catalogue } from '../src/catalogue/catalogue.js';
import type { CatalogueChange } from '../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../src/catalogue/share-path.js';
import { systemClock } from '../src/clock.js';
import { silentLog } from '../src/log.js';
import { parseCriteria } from '../src/query/criteria.js';
import { LocalQueryEngine } from '../src/query/local-query-engine.js';
import type { FileCriteria } from '../src/stanza/file-criteria.js';
import { type Contender, type Goal, type Row, type Table, takeTurns, timedShell } from './table.js';

const FILES_A_FOLDER = 50;
const FILES_AT_A_TIME = 4096;
const PAGE = 100;
const DEADLINE_MS = 60_000;
const PARTS = ['Nocturne', '物語', 'x264', 'mp3', 'garden', 'война'];

export interface EnginePatterns {
  readonly title: string;
  readonly patterns: readonly string[];
  /** Of grep's time. */
  readonly ratio: number;
}

interface Asked {
  readonly work: string;
  readonly criteria: FileCriteria;
  /** Flags and text for grep. */
  readonly grep: readonly string[];
  readonly ratio: number;
}

/** `list` has the names in lines; without it there is nothing to compare with. */
export async function throughEngine(
  names: readonly string[],
  list: string | undefined,
  groups: readonly EnginePatterns[],
): Promise<Table[]> {
  const { table } = filled(names);
  const engine = new LocalQueryEngine({ clock: systemClock, log: silentLog, table }, { words: false });
  await engine.start();
  try {
    const tables: Table[] = [];
    const about = `through the engine, ${names.length.toLocaleString('en')} files, a page of ${PAGE} and the total`;
    for (const { title, patterns, ratio } of groups) {
      const asked = patterns.map((pattern) => patternAsked(pattern, ratio));
      tables.push({ title: `${title}, ${about}`, unit: 'ms', rows: await compareAll(engine, asked, list) });
    }
    const parts = [true, false].flatMap((caseSensitive) =>
      PARTS.map((part) => partAsked(part, caseSensitive)),
    );
    tables.push({
      title: `Parts of names, ${about}`,
      unit: 'ms',
      rows: await compareAll(engine, parts, list),
    });
    return tables;
  } finally {
    await engine.stop();
  }
}

function patternAsked(pattern: string, ratio: number): Asked {
  const criteria: FileCriteria = { name: [{ type: 'regex', pattern }], caseSensitive: true };
  return { work: `\`${pattern}\``, criteria, grep: ['-E', pattern], ratio };
}

function partAsked(value: string, caseSensitive: boolean): Asked {
  return {
    work: `\`${value}\`${caseSensitive ? '' : ', whatever the case'}`,
    criteria: { name: [{ type: 'contains', value }], caseSensitive },
    grep: [caseSensitive ? '-F' : '-Fi', value],
    ratio: 1,
  };
}

async function compareAll(
  engine: LocalQueryEngine,
  all: readonly Asked[],
  list: string | undefined,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const asked of all) rows.push(await compare(engine, asked, list));
  return rows;
}

async function compare(engine: LocalQueryEngine, asked: Asked, list: string | undefined): Promise<Row> {
  const counts = new Map<string, number>();
  const contenders: Contender[] = [
    {
      name: 'ours',
      run: async () => {
        const began = performance.now();
        const criteria = parseCriteria(asked.criteria);
        const { total } = await engine.search({ criteria, page: { max: PAGE }, deadlineMs: DEADLINE_MS });
        counts.set('ours', total);
        return performance.now() - began;
      },
    },
  ];
  const [flags = '', text = ''] = asked.grep;
  const peer = `grep ${flags}`;
  if (list !== undefined) {
    contenders.push({
      name: peer,
      run: async () => {
        const { ms, stdout } = await timedShell('grep -c "$1" -e "$2" "$3" || true', [flags, text, list]);
        counts.set(peer, Number(stdout));
        return ms;
      },
    });
  }
  const medians = await takeTurns(contenders);
  const [ours = 0, theirs = ours] = counts.values();
  if (ours !== theirs) throw new Error(`${asked.work}: ${JSON.stringify([...counts])}`);
  const goal: Goal = { kind: 'at most', ratio: asked.ratio };
  const value = medians.get(peer);
  process.stdout.write('.');
  return {
    work: `${asked.work} (${ours})`,
    ours: medians.get('ours') ?? Number.NaN,
    ...(value !== undefined && { peer: { name: peer, value }, goal }),
  };
}

function filled(names: readonly string[]): Catalogue {
  const catalogue = new Catalogue();
  let changes: CatalogueChange[] = [];
  const commit = () => {
    catalogue.apply(changes);
    changes = [];
  };
  const inFolder = new Set<string>();
  for (const [at, name] of names.entries()) {
    if (at % FILES_A_FOLDER === 0) inFolder.clear();
    // The generated names repeat themselves now and then.
    const twin = inFolder.has(name) ? ` ${at}` : '';
    inFolder.add(name);
    const path = `${Math.floor(at / FILES_A_FOLDER)}${twin}/${name}` as ShareRelativePath;
    const entry = { share: 's', path, size: at, mtimeMs: at, mediaType: 'application/octet-stream' };
    changes.push({ type: 'put', entry });
    if (changes.length === FILES_AT_A_TIME) commit();
  }
  commit();
  return catalogue;
}
