/** Ways out of a share, and to what lies in it and is not offered, tried with real files at every door. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RuleBook } from '../../src/access/rule-book.js';
import { publishedIdOf } from '../../src/catalogue/published-id.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { EVERY_FILE } from '../../src/config/access-options.js';
import { FileChangedError, type FileSource } from '../../src/jingle/file-session.js';
import type { FolderWatches } from '../../src/scan/chokidar-watch.js';
import { parseJid } from '../../src/stanza/jid.js';
import { folderNodeId } from '../../src/stanza/xep0498-pubsub-file-sharing.js';
import { Doors } from '../support/doors.js';
import { type LibraryHarness, libraryHarness } from '../support/library-harness.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const STRANGER = parseJid('tybalt@example.com/street');
const OPEN = 'anybody may read this';
const SECRET = 'nobody may read this!';
const LONG_AGO = new Date(1_000_000_000_000);

/** Nobody hears of changes: what is offered stays in the catalogue whatever becomes of it on disk. */
const deaf: FolderWatches = { watch: () => () => undefined, close: async () => undefined };

/** What somebody would like to reach, from within the share. */
const TARGETS = [
  '../outside/secret.txt',
  '../share2/secret.txt',
  'link/secret.txt',
  'link.txt',
  '.hidden/secret.txt',
  '.secret.txt',
  'excluded/secret.txt',
  'private/secret.txt',
  'sub/../../outside/secret.txt',
  'sub/../private/secret.txt',
  '../../../../../../../../etc/hostname',
  '../../../../../../../../proc/self/environ',
];

const SLASHES = [
  '/',
  '\\',
  '%2f',
  '%5c',
  '%252f',
  '%c0%af',
  '\u2215',
  '\u2044',
  '\uff0f',
  '\u29f8',
  '//',
  '/./',
  ':',
];
const DOTS = [
  '..',
  '%2e%2e',
  '%252e%252e',
  '%c0%ae%c0%ae',
  '\uff0e\uff0e',
  '\u2024\u2024',
  '\u2025',
  '...',
  '.. ',
  '..\0',
  '.\u200b.',
];

function waysTo(target: string, folder: string): string[] {
  const parts = target.split('/');
  const encoded = SLASHES.flatMap((slash) =>
    DOTS.map((dots) => parts.map((part) => (part === '..' ? dots : part)).join(slash)),
  );
  const bent = [
    target,
    target.toUpperCase(),
    target.normalize('NFD'),
    target.replaceAll('e', '\uff45'),
    target.replaceAll('s', '\u017f'), // folds to s
    target.replaceAll('s', '\u0455'), // looks like s
    `${target}\0`,
    `${target}\0.txt`,
    `\0${target}`,
    `${target}\n`,
    `${target} `,
    `${target}.`,
    `${target}/`,
    `${target}/.`,
    `${target}::$DATA`,
    `${target}?`,
    `${target}#x`,
    `${target};x`,
    `${target.slice(0, -1)}*`,
    target.replace(/[^/]*$/, '*'),
    `\ufeff${target}`,
    `${target}\u200d`,
    `\u202e${[...target].reverse().join('')}`,
    `~/${target}`,
    `file://${folder}/share/${target}`,
    `${folder}/share/${target}`,
    `//?/${folder}/share/${target}`,
    `/proc/self/root${folder}/share/${target}`,
    target.replaceAll('/', '\ufffd'),
    encodeURIComponent(target),
    Buffer.from(target).toString('base64'),
    `${'x/../'.repeat(200)}${target}`,
    `${'./'.repeat(2000)}${target}`,
  ];
  const below = [...encoded, ...bent];
  return [
    ...new Set(
      below.flatMap((each) => [
        `share/${each}`,
        `Share/${each}`,
        each,
        `/${each}`,
        `share//${each}`,
        `./share/${each}`,
      ]),
    ),
  ];
}

/** Of systems on which names like these are devices. */
const RESERVED = [
  'CON',
  'NUL',
  'nul.txt',
  'COM1',
  'LPT1',
  'aux',
  'prn.pdf',
  '.',
  '..',
  '',
  '/',
  '\\',
  ' ',
  '\0',
  'share',
  'share/',
  'share/..',
  '..share',
  '$HOME',
  '%00',
  '-',
  '--help',
  '`id`',
  '$(id)',
  "';--",
].flatMap((name) => [name, `share/${name}`, `share/sub/${name}`]);

async function bytesOf(source: FileSource): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.open(source.range)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe('ways out of a share', function () {
  this.timeout(60_000);
  let base: TemporaryFolder;
  let harness: LibraryHarness;
  let doors: Doors;

  beforeEach(async () => {
    base = await temporaryFolder();
    for (const path of ['share/open.txt', 'share/sub/open.txt']) await base.write(path, OPEN);
    for (const path of [
      'outside/secret.txt',
      'outside/open.txt',
      'share2/secret.txt',
      'share/.hidden/secret.txt',
      'share/.secret.txt',
      'share/excluded/secret.txt',
      'share/private/secret.txt',
    ])
      await base.write(path, SECRET);
    await symlink('../outside', join(base.path, 'share/link'));
    await symlink('../outside/secret.txt', join(base.path, 'share/link.txt'));
    for (const path of ['share/sub/open.txt', 'outside/open.txt'])
      await utimes(base.at(path), LONG_AGO, LONG_AGO);
    const path = join(base.path, 'share');
    harness = await libraryHarness({ share: { path, exclude: ['excluded'] }, watches: deaf });
    await harness.hashed(3);
    const everyone = [{ type: 'everyone' as const }];
    const access = new RuleBook(
      { clock: systemClock },
      {
        rules: [
          { who: everyone, what: [{ type: 'path', glob: 'share/private' }], may: 'nothing' },
          { who: everyone, what: EVERY_FILE, may: 'take' },
        ],
      },
    );
    const { library } = harness;
    doors = new Doors({
      access,
      catalogue: library.catalogue,
      files: { open: (entry) => library.openFile(entry) },
    });
    await doors.start();
  });
  afterEach(async () => {
    await doors.stop();
    await harness.cleanUp();
    await base.remove();
  });

  const read = (file: { name?: string; path?: string; size?: number }) =>
    doors.request(STRANGER, file, bytesOf);

  it('are none, by whatever name', async () => {
    const ways = [...TARGETS.flatMap((target) => waysTo(target, base.path)), ...RESERVED];
    assert.ok(ways.length >= 500, `${ways.length}`);
    const offered = new Set(['share/open.txt', 'share/sub/open.txt']);
    const shown = new Set(['', 'share', 'share/sub']);
    for (const way of ways) {
      if (offered.has(way) || shown.has(way)) continue;
      for (const file of [
        { path: way },
        { name: way },
        { path: way, size: SECRET.length },
        { name: 'secret.txt', path: way },
      ]) {
        const got = await read(file);
        assert.ok(got instanceof Error, `${JSON.stringify(way)} gives ${String(got)}`);
        assert.equal(got.message, 'no such file');
      }
      for (const door of [doors.look(STRANGER, way), doors.takeable(STRANGER, way)]) {
        const got = await door;
        assert.ok(got instanceof Error, `${JSON.stringify(way)} shows ${String(got)}`);
        assert.equal(got.message, 'item-not-found: there is no such file or folder');
      }
    }
  });

  it('are none at the doors for clients', async () => {
    const { clients } = doors;
    const ways = [...TARGETS.flatMap((target) => waysTo(target, base.path)), ...RESERVED];
    const offered = new Set(['share/open.txt', 'share/sub/open.txt']);
    const shown = new Set(['', 'share', 'share/sub']);
    const tried = new Map<string, number>();
    const isNone = (door: string, way: string, got: string | Error) => {
      tried.set(door, (tried.get(door) ?? 0) + 1);
      assert.ok(got instanceof Error, `${door}: ${JSON.stringify(way)} gives ${got}`);
    };
    for (const way of ways) {
      if (offered.has(way) || shown.has(way)) continue;
      const slash = way.lastIndexOf('/');
      isNone('disco', way, await clients.details(STRANGER, `files/${way}`));
      isNone('a folder’s node', way, await clients.details(STRANGER, folderNodeId(way) ?? way));
      isNone(
        'an item',
        way,
        await clients.item(STRANGER, way.slice(0, Math.max(0, slash)), way.slice(slash + 1)),
      );
      isNone('an item of the share', way, await clients.item(STRANGER, 'share', way));
      isNone('<retrieve/>', way, await clients.retrieve(STRANGER, way));
      isNone(
        '<start/>',
        way,
        await clients.published(STRANGER, publishedIdOf({ hashes: [], path: way }) ?? way),
      );
      isNone('a link', way, await clients.follow(`/${way}`));
      const chat = await clients.chatGet(STRANGER, way);
      // Slashes at the ends mean nothing to who types; a line has one command.
      if (typeof chat !== 'string') isNone('a chat', way, chat);
      else assert.ok(offered.has(chat) && way.includes(chat), `${JSON.stringify(way)} gives ${chat}`);
    }
    for (const [door, times] of tried) assert.ok(times >= 500, `${door}: ${times}`);
    assert.equal(tried.size, 8);
    const { sessionId, folders } = await clients.beginBrowsing(STRANGER);
    assert.deepEqual(folders, ['share']);
    for (const way of ways.slice(0, 500)) {
      assert.deepEqual(await clients.browseInto(STRANGER, sessionId, way), ['share'], way);
    }
  });

  it('are not found by walking and asking', async () => {
    const { clients } = doors;
    for (const walk of [
      () => doors.walk(STRANGER),
      () => clients.discoWalk(STRANGER),
      () => clients.tree(STRANGER),
      () => clients.folderWalk(STRANGER),
      () => clients.searchWindow(STRANGER),
      () => clients.findCommand(STRANGER),
      () => clients.browseCommand(STRANGER),
      () => clients.chatBrowse(STRANGER),
      () => clients.chatFind(STRANGER, 'txt open'),
    ])
      assert.deepEqual((await walk()).sort(), ['share/open.txt', 'share/sub/open.txt']);
    for (const pattern of ['.', 'secret', '\\.\\.', 'outside', '^/', 'etc', 'hidden']) {
      for (const field of ['name', 'path'] as const) {
        const found = await doors.find(STRANGER, { [field]: [{ type: 'regex', pattern }] });
        assert.deepEqual(
          found.filter((path) => !path.endsWith('/open.txt')),
          [],
          pattern,
        );
      }
    }
  });

  it('do not open when what is offered becomes a link, a folder, or no file at all', async () => {
    const deep = 'share/sub/open.txt';
    assert.ok(harness.library.catalogue.get(deep as FullPath));
    assert.equal(await read({ path: deep }), OPEN);
    const sub = join(base.path, 'share/sub');
    const replaced = async (make: () => Promise<unknown>, which: string) => {
      await rm(which, { recursive: true, force: true });
      await make();
      const got = await read({ path: deep });
      assert.ok(got instanceof Error, String(got));
      assert.equal(got.message, 'no such file');
      await rm(which, { recursive: true, force: true });
    };
    await replaced(() => symlink('../outside', sub), sub);
    await replaced(() => symlink(join(base.path, 'outside'), sub), sub);
    await mkdir(sub);
    const file = join(sub, 'open.txt');
    await replaced(() => symlink('../../outside/open.txt', file), file);
    await replaced(() => symlink('/proc/self/environ', file), file);
    await replaced(() => mkdir(file), file);
    await replaced(async () => execFileSync('mkfifo', [file]), file);
    await replaced(async () => undefined, file);
  });

  it('do not open for a moment, however often a folder and a link change places', async () => {
    const at = (name: string) => join(base.path, name);
    await symlink('../outside', at('link-out'));
    let isOver = false;
    const swapping = (async () => {
      while (!isOver) {
        await rename(at('share/sub'), at('kept'));
        await symlink('../outside', at('share/sub'));
        await rm(at('share/sub'));
        await rename(at('kept'), at('share/sub'));
      }
    })();
    const got = { open: 0, refused: 0 };
    try {
      for (let tries = 0; tries < 500; tries += 1) {
        const bytes = await read({ path: 'share/sub/open.txt' }).catch((error: unknown) => {
          if (error instanceof FileChangedError) return error;
          throw error;
        });
        if (!(bytes instanceof Error)) assert.equal(bytes, OPEN);
        got[bytes instanceof Error ? 'refused' : 'open'] += 1;
      }
    } finally {
      isOver = true;
      await swapping;
    }
    assert.ok(got.refused > 0, 'nothing was swapped meanwhile');
  });

  it('do not open through a file that is written anew while it is sent', async () => {
    const secret = join(base.path, 'outside/open.txt');
    const got = await doors.request(STRANGER, { path: 'share/sub/open.txt' }, async (source) => {
      const reader = source.open(source.range);
      await rm(join(base.path, 'share/sub'), { recursive: true });
      await symlink('../outside', join(base.path, 'share/sub'));
      await writeFile(secret, SECRET);
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of reader) chunks.push(Buffer.from(chunk));
        return Buffer.concat(chunks).toString();
      } catch {
        return 'stopped';
      }
    });
    assert.ok(got === OPEN || got === 'stopped', String(got));
  });
});
