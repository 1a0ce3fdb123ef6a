/** `npm run bench -- access [1000000]`: searches among a million files by 100 rules of access, beside the same without. */
import type { ViewRules } from '../src/access/access-policy.js';
import { RuleBook } from '../src/access/rule-book.js';
import { Catalogue } from '../src/catalogue/catalogue.js';
import type { FileEntry } from '../src/catalogue/file-entry.js';
import { baseName, parentOf } from '../src/catalogue/share-path.js';
import { systemClock } from '../src/clock.js';
import { type AccessRule, EVERY_FILE, type FileSet } from '../src/config/access-options.js';
import { silentLog } from '../src/log.js';
import { parseCriteria } from '../src/query/criteria.js';
import { LocalQueryEngine } from '../src/query/local-query-engine.js';
import type { FileCriteria } from '../src/stanza/file-criteria.js';
import { parseJid } from '../src/stanza/jid.js';
import { generateFiles } from './corpus.js';
import { describeMachine } from './machine.js';
import { publish, type Row, takeTurns } from './table.js';

const FILES = 1_000_000;
const RULES = 100;
const FILES_AT_A_TIME = 4096;
/** A short search is made more often in a turn, so that the clock matters less. */
const ENOUGH_MS = 60;
const GOAL = { kind: 'at most', ratio: 1.2 } as const;

const QUERIES: readonly (readonly [string, FileCriteria])[] = [
  ['a rare word', { text: ['delmirgan'] }],
  ['a common word', { text: ['music'] }],
  ['two words', { text: ['music flac'] }],
  ['a prefix', { text: ['noct*'] }],
  ['a part of a name', { name: [{ type: 'contains', value: 'winter' }] }],
  ['a pattern', { name: [{ type: 'regex', pattern: '^[a-m].*[0-9]{3}' }] }],
  ['a pattern of paths', { path: [{ type: 'regex', pattern: 'flac$' }] }],
  ['an extension', { ext: ['flac'] }],
  ['a size', { sizeMin: 100_000_000 }],
  ['a type', { mediaType: ['audio/*'] }],
];

const machine = describeMachine();
const files = Number(process.argv[2] ?? FILES);
const catalogue = new Catalogue();
const engine = new LocalQueryEngine({ clock: systemClock, log: silentLog, table: catalogue.table });
await engine.start();
const folders = new Set<string>();
let batch: FileEntry[] = [];
async function add(): Promise<void> {
  catalogue.apply(batch.map((entry) => ({ type: 'put', entry })));
  await engine.settled();
  batch = [];
}
for (const file of generateFiles(files)) {
  folders.add(parentOf(`${file.share}/${file.path}`));
  batch.push(file);
  if (batch.length === FILES_AT_A_TIME) await add();
}
await add();
await engine.tidy();

const rows: Row[] = [];
const view = viewBy(rulesFor([...folders]), 0);
for (const [name, asked] of QUERIES) rows.push(await compared(name, asked));
const first = await firstLooks();
await engine.stop();
publish(
  {
    name: 'access',
    about: [
      `Generated files as in \`search\`, in ${folders.size.toLocaleString('en')} folders. ${RULES} rules, all of which the asker falls under: ${RULES - 41} about a folder each,`,
      '25 about names (`**/*x?.mp3`), 15 about media types, the last about everything. `ours` is a search by them, `peer` the same',
      'search without. The first search of the first asker of a kind looks at the files that it comes to; later ones know.',
    ],
    machine,
    tables: [
      { title: `${files.toLocaleString('en')} files: searches`, unit: 'ms', rows },
      {
        title: `${files.toLocaleString('en')} files: the first search of a kind of askers`,
        unit: 'ms',
        rows: first,
      },
    ],
    missing: [],
  },
  files === FILES ? 'kept' : 'shown',
);

async function compared(name: string, asked: FileCriteria): Promise<Row> {
  const matches = { by: 0, without: 0 };
  const run = (which: 'by' | 'without', rules?: ViewRules) => ({
    name: which,
    run: async () => {
      const began = performance.now();
      let times = 0;
      for (; performance.now() - began < ENOUGH_MS; times += 1) matches[which] = await search(asked, rules);
      return (performance.now() - began) / times;
    },
  });
  const medians = await takeTurns([run('by', view), run('without')]);
  return {
    work: `${name} (${matches.by})`,
    ours: medians.get('by') ?? Number.NaN,
    peer: { name: `without rules (${matches.without})`, value: medians.get('without') ?? Number.NaN },
    goal: GOAL,
  };
}

/** Other rules each time: nobody has looked by them. */
async function firstLooks(): Promise<Row[]> {
  const made: Row[] = [];
  for (const [at, [name, asked]] of QUERIES.entries()) {
    const began = performance.now();
    await search(asked, viewBy(rulesFor([...folders]), at + 1));
    const ms = performance.now() - began;
    const without = rows[at]?.peer?.value ?? Number.NaN;
    made.push({ work: name, ours: ms, peer: { name: 'without rules', value: without } });
  }
  return made;
}

async function search(asked: FileCriteria, rules?: ViewRules): Promise<number> {
  const { total } = await engine.search({
    criteria: parseCriteria(asked),
    page: { max: 100 },
    deadlineMs: 60_000,
    ...(rules && { view: rules }),
  });
  return total;
}

function viewBy(rules: readonly AccessRule[], edition: number): ViewRules {
  const book = new RuleBook({ clock: systemClock }, { rules });
  const { rules: compiled } = book.viewOf({ jid: parseJid('juliet@example.org') });
  if (compiled === undefined) throw new TypeError('a view without rules');
  return { ...compiled, key: `${edition}` };
}

function rulesFor(all: readonly string[]): readonly AccessRule[] {
  const who = [{ type: 'everyone' as const }];
  const path = (glob: string): readonly FileSet[] => [{ type: 'path', glob }];
  const every = (part: number) => Math.floor((all.length / part) * 0.9);
  const count = RULES - 41;
  const inFolders = Array.from({ length: count }, (_, at) => path(plain(all[at * every(count)] ?? '')));
  const byName = Array.from({ length: 25 }, (_, at) => path(`**/*${String.fromCharCode(97 + at)}?.mp3`));
  const byType = ['x-a', 'x-b', 'x-c'].flatMap((end) =>
    ['video', 'image', 'text', 'application', 'audio'].map((type): readonly FileSet[] => [
      { type: 'media-type', mediaType: `${type}/${end}` },
    ]),
  );
  const kept = [...inFolders, ...byName, ...byType].map(
    (what): AccessRule => ({ who, what, may: 'nothing' }),
  );
  return [...kept, { who, what: EVERY_FILE, may: 'take' }];
}

/** A path that is no pattern. */
function plain(folder: string): string {
  return baseName(folder) === '' ? '**' : folder.replace(/[*?]/g, '?');
}
