/**
 * The rules of docs/architecture.md that a compiler does not know: which folder may import
 * which, where XML, time and I/O live, how files are named and how long they get.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));

function projectRoot(folder: string): string {
  return readdirSync(folder).includes('tsconfig.json') ? folder : projectRoot(path.dirname(folder));
}

/** Each folder of src (and each leaf file) and those it may import from; every folder may import itself. */
const LEAVES = ['errors', 'clock', 'log', 'machine', 'startable', 'quantities', 'columns', 'blocks'];
const PARTS = ['index', 'transport', 'entity', 'access', 'fs'];
const ENGINES = ['jingle', 'query', 'scan', 'hashing'];
const NETWORK = ['channel', 'service', 'transfer'];
const BELOW_ENGINES = [...PARTS, 'catalogue', 'stanza', ...LEAVES];
const BELOW_NETWORK = [...ENGINES, ...BELOW_ENGINES];
const BELOW_NODE = ['chat', 'wishes', 'http', ...NETWORK, ...BELOW_NETWORK, 'config', 'extensions'];

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  clock: ['errors'],
  log: [],
  machine: [],
  startable: [],
  quantities: [],
  columns: ['errors'],
  blocks: [],
  stanza: LEAVES,
  config: ['stanza', 'catalogue', ...LEAVES],
  catalogue: ['stanza', ...LEAVES],
  fs: ['catalogue', ...LEAVES],
  index: ['catalogue', 'stanza', 'fs', ...LEAVES],
  entity: ['stanza', ...LEAVES],
  transport: ['entity', 'stanza', ...LEAVES],
  access: ['catalogue', 'config', 'stanza', ...LEAVES],
  jingle: BELOW_ENGINES,
  query: BELOW_ENGINES,
  hashing: BELOW_ENGINES,
  scan: ['hashing', ...BELOW_ENGINES],
  channel: BELOW_NETWORK,
  service: BELOW_NETWORK,
  transfer: BELOW_NETWORK,
  chat: [...NETWORK, ...BELOW_NETWORK],
  wishes: [...NETWORK, ...BELOW_NETWORK],
  http: [...NETWORK, ...BELOW_NETWORK],
  extensions: [...BELOW_NETWORK, 'config'],
  'private-server': ['stanza', ...LEAVES],
  node: BELOW_NODE,
  cli: ['node', 'private-server', ...BELOW_NODE],
};

/** What reaches outside the process, and the only files that may. */
const IO_FILES: Readonly<Record<string, readonly string[]>> = {
  'src/cli/free-ports.ts': ['node:net'],
  'src/cli/local-files.ts': ['node:fs/promises', 'node:os'],
  'src/cli/start-folder.ts': ['node:fs/promises'],
  'src/config/config-file.ts': ['node:fs/promises'],
  'src/config/folders.ts': ['node:fs/promises'],
  'src/config/kinds.ts': ['node:net'],
  'src/config/limits.ts': ['node:os'],
  'src/config/load.ts': ['node:fs/promises', 'node:os'],
  'src/config/version.ts': ['node:fs/promises'],
  'src/entity/client-connection.ts': ['@xmpp/client', 'node:net'],
  'src/entity/component-connection.ts': ['@xmpp/component'],
  'src/entity/library-stream.ts': ['node:net'],
  'src/fs/blocking-file-system.ts': ['node:fs'],
  'src/fs/local-disk.ts': ['node:fs/promises'],
  'src/fs/part-file.ts': ['node:fs', 'node:fs/promises'],
  'src/fs/process-claim.ts': ['node:fs/promises'],
  'src/fs/real-data-folder.ts': ['node:fs', 'node:fs/promises'],
  'src/fs/real-file-system.ts': ['node:fs', 'node:fs/promises'],
  'src/hashing/block-thread.ts': ['node:worker_threads'],
  'src/hashing/hash-pool.ts': ['node:os', 'piscina'],
  'src/http/link-server.ts': ['node:http', 'node:https'],
  'src/node/status-socket.ts': ['node:fs/promises', 'node:net', 'node:os'],
  'src/private-server/prosody.ts': ['node:fs/promises', 'node:net'],
  'src/private-server/server-process.ts': ['node:child_process', 'node:fs/promises', 'node:readline'],
  'src/query/search-thread.ts': ['node:worker_threads'],
  'src/scan/chokidar-watch.ts': ['chokidar'],
  'src/scan/walker.ts': ['node:worker_threads'],
  'src/transfer/fetch/thread-intake.ts': ['node:worker_threads'],
  'src/transfer/fetch/thread-whole-hash.ts': ['node:worker_threads'],
  'src/transport/address-policy.ts': ['node:net'],
  'src/transport/gateway-client.ts': ['@achingbrain/nat-port-mapper', 'node:dgram', 'node:fs/promises'],
  'src/transport/port-mapper-thread.ts': ['node:worker_threads'],
  'src/transport/port-mapper.ts': ['node:net'],
  'src/transport/s5b-listener.ts': ['node:net', 'node:os'],
  'src/transport/tcp-connector.ts': ['node:net'],
};

const IO_MODULE =
  /^(node:(fs|fs\/promises|net|http|https|dgram|child_process|worker_threads|os|readline)|piscina|chokidar|@achingbrain\/.*|@xmpp\/.*)$/;

interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly imports: readonly string[];
  /** Those that are there at run time: without `import type`. */
  readonly modules: readonly string[];
}

function sources(folder: string): SourceFile[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((each) => each.endsWith('.ts'))
    .map((each) => {
      const name = `${folder}/${each}`;
      const text = readFileSync(path.join(ROOT, name), 'utf8');
      const targets = importsOf(text);
      return {
        name,
        text,
        imports: targets.map(({ target }) => target),
        modules: targets.filter(({ isType }) => !isType).map(({ target }) => target),
      };
    });
}

function importsOf(text: string): { readonly target: string; readonly isType: boolean }[] {
  const found = text.matchAll(/(?:^|\n)(?:import|export)\s(type\s)?[^;]*?from\s+'([^']+)'/g);
  const late = text.matchAll(/(typeof\s+)?\bimport\(\s*'([^']+)'/g);
  return [...found, ...late].map((match) => ({ isType: match[1] !== undefined, target: match[2] ?? '' }));
}

/** `src/query/plan.ts` → `query`; `src/clock.ts` → `clock`. */
function roomOf(name: string): string {
  const [, first = ''] = name.split('/');
  return first.replace(/\.ts$/, '');
}

/** Comments out, so that prose may name what code may not use. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

describe('architecture', () => {
  const src = sources('src');
  const all = [...src, ...sources('workers'), ...sources('test')];

  it('imports go downward only', () => {
    const wrong: string[] = [];
    for (const file of src) {
      const room = roomOf(file.name);
      const allowed = MAY_IMPORT[room];
      if (!allowed) wrong.push(`${file.name}: there is no room '${room}'`);
      for (const target of file.imports.filter((each) => each.startsWith('.'))) {
        const targetRoom = roomOf(
          path.posix.join(path.posix.dirname(file.name), target).replace(/\.js$/, '.ts'),
        );
        if (targetRoom !== room && !allowed?.includes(targetRoom))
          wrong.push(`${file.name} imports ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('what is imported late is imported, too', () => {
    const { modules } = src.find(({ name }) => name === 'src/cli/main.ts') ?? assert.fail();
    assert.ok(modules.includes('../node/network-node.js'));
    assert.ok(modules.includes('../private-server/prosody.js'));
  });

  it('CONTRIBUTING.md draws the layers as they are here', () => {
    const [, section = ''] = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8').split('\n## Layers\n');
    const [drawn = '', said = ''] = section.split('\nA folder imports');
    const rows = drawn
      .split('\n')
      .flatMap((line) => (line.trim() === '' ? [] : [line.trim().split(/, | · /)]));
    assert.deepEqual(rows.flat().sort(), Object.keys(MAY_IMPORT).sort());
    const levelOf = (room: string) => rows.findIndex((row) => row.includes(room));
    const beside: string[] = [];
    const upward: string[] = [];
    for (const [room, targets] of Object.entries(MAY_IMPORT)) {
      for (const target of targets) {
        if (target === room) continue; // every folder may
        if (levelOf(target) < levelOf(room)) upward.push(`${room} uses ${target}`);
        if (levelOf(target) === levelOf(room)) beside.push(`${room} uses ${target}`);
      }
    }
    assert.deepEqual(upward, []);
    const pairs = [...(said.split('\n\n', 1)[0]?.matchAll(/`([\w-]+)` uses\s+`([\w-]+)`/g) ?? [])];
    assert.deepEqual(beside.sort(), pairs.map(([, room, target]) => `${room} uses ${target}`).sort());
  });

  it('no import goes round in a circle between rooms', () => {
    const edges = new Map<string, Set<string>>();
    for (const file of src) {
      const room = roomOf(file.name);
      for (const target of file.imports.filter((each) => each.startsWith('.'))) {
        const targetRoom = roomOf(path.posix.join(path.posix.dirname(file.name), target));
        if (targetRoom !== room)
          edges.set(room, (edges.get(room) ?? new Set()).add(targetRoom.replace(/\.js$/, '')));
      }
    }
    const reachable = (from: string): Set<string> => {
      const seen = new Set<string>();
      const waiting = [from];
      for (let room = waiting.pop(); room !== undefined; room = waiting.pop()) {
        for (const next of edges.get(room) ?? []) if (!seen.has(next)) waiting.push(next);
        for (const next of edges.get(room) ?? []) seen.add(next);
      }
      return seen;
    };
    assert.deepEqual(
      [...edges.keys()].filter((room) => reachable(room).has(room)),
      [],
    );
  });

  it('XML is built and namespaces are written in src/stanza only', () => {
    const namespace = /['"`](urn:(xmpp|ietf):|https?:\/\/jabber\.org\/|jabber:)/;
    const building = /\bxml\(|new Element\(/;
    const wrong = src
      .filter((file) => roomOf(file.name) !== 'stanza')
      .filter((file) => namespace.test(codeOf(file.text)) || building.test(codeOf(file.text)))
      .map((file) => file.name);
    assert.deepEqual(wrong, []);
  });

  it('time comes from clock.ts only', () => {
    const time = /\b(Date\.now|performance\.now|setTimeout|setInterval|new Date\(\))/;
    const wrong = [...src, ...sources('workers')]
      .filter((file) => file.name !== 'src/clock.ts' && time.test(codeOf(file.text)))
      .map((file) => file.name);
    assert.deepEqual(wrong, []);
  });

  it('what reaches outside the process stands in the list', () => {
    const found: Record<string, string[]> = {};
    for (const file of src) {
      const io = file.modules.filter((each) => IO_MODULE.test(each)).sort();
      if (io.length > 0) found[file.name] = [...new Set(io)];
    }
    assert.deepEqual(found, IO_FILES);
  });

  it('files are named for the one thing in them, and not longer than 500 lines', () => {
    const names = /(^|\/)(utils?|helpers?|common|misc|manager|index)\.ts$/;
    const wrong = all
      .filter(
        ({ name, text }) => names.test(name) || !/^[a-z0-9./-]+$/.test(name) || text.split('\n').length > 501,
      )
      .map((file) => file.name);
    assert.deepEqual(wrong, []);
  });

  it('tests are never skipped or singled out', () => {
    const wrong = sources('test')
      .filter((file) => file.name !== 'test/architecture.test.ts')
      .filter((file) => /\b(describe|it)\.(only|skip)\(|this\.skip\(/.test(file.text))
      .map((file) => file.name);
    assert.deepEqual(wrong, []);
  });
});
