import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import type { ExtensionHooks, Query, QueryAnswer } from '../../src/extensions/api.js';
import { WatchedAnswerer } from '../../src/extensions/query-watch.js';
import { silentLog } from '../../src/log.js';
import { type Answer, Answerer } from '../../src/query/answer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { foundMessage } from '../../src/stanza/file-discovery.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { type Extended, extended } from '../support/extended.js';
import { entryOf } from '../support/file-entries.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { VirtualClock } from '../support/virtual-clock.js';

const ROMEO = parseJid('romeo@example.net/x');
const CHANNEL = { service: parseBareJid('pubsub.example.org'), nodeId: 'books' };
const SHA = Buffer.alloc(32, 7).toString('base64');
const MAX_STANZA_BYTES = 65_536;

const FILES = ['private/diary.txt', 'private/songs.txt', 'public/songs.txt'].map((path) =>
  entryOf(path, { sha256: SHA }),
);
const TXT: FileCriteria = { ext: ['txt'] };
const PUBLIC: FileCriteria = { path: [{ type: 'regex', pattern: '^public/' }] };

describe('queries that extensions see', () => {
  const clock = new VirtualClock();
  let engine: LocalQueryEngine;
  let world: Extended;
  let answerer: WatchedAnswerer;

  async function start(files: readonly FileEntry[], ...extensions: ExtensionHooks[]): Promise<void> {
    world = extended({ clock, extensions });
    await world.host.start();
    const searched = new SearchedCatalogue((table) => new LocalQueryEngine({ clock, log: silentLog, table }));
    engine = searched.engine;
    await engine.start();
    await searched.apply(files.map((entry) => ({ type: 'put', entry })));
    const hashes = { hashNow: async (entry: FileEntry) => entry };
    answerer = new WatchedAnswerer({
      answerer: new Answerer(
        { access: allowAll, engine, hashes, clock },
        { maxFiles: 100, defaultFiles: 50, maxAnswerBytes: 48_000, deadlineMs: 1000 },
      ),
      extensions: world.host,
    });
  }

  afterEach(async () => {
    await engine.stop();
    await world.host.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  const ask = (
    criteria: FileCriteria,
    where: { channel?: typeof CHANNEL; max?: number } = {},
  ): Promise<Answer> =>
    answerer.answer(
      {
        criteria,
        page: { ...(where.max !== undefined && { max: where.max }) },
        hashWaitMs: 0,
        asker: ROMEO,
        ...(where.channel && { channel: where.channel }),
      },
      new AbortController().signal,
    );
  const paths = ({ files }: Answer) => files.map(({ path }) => path);
  const isNothing = ({ files, total, more, pending }: Answer) =>
    assert.deepEqual({ files, total, more, pending }, { files: [], total: 0, more: false, pending: 0 });

  it('show who asks what, where, and what is found', async () => {
    const queries: Query[] = [];
    const answers: QueryAnswer[] = [];
    await start(FILES, {
      onQuery: (query) => void queries.push(query),
      onAnswer: (answer) => void answers.push(answer),
    });
    const unchanged = await ask({ name: [{ type: 'contains', value: 'diary' }] }, { channel: CHANNEL });
    const asked = {
      from: ROMEO,
      channel: CHANNEL,
      criteria: { name: [{ type: 'contains', value: 'diary' }] },
    };
    assert.deepEqual(queries, [asked]);
    const file = {
      name: 'diary.txt',
      path: 'private/diary.txt',
      size: 100,
      modifiedMs: Date.UTC(2026, 0, 1),
      mediaType: 'text/plain',
      desc: undefined,
      sha256: SHA,
    };
    assert.deepEqual(answers, [{ ...asked, files: [file], total: 1 }]);
    assert.deepEqual(paths(unchanged), ['private/diary.txt']);
    await ask({ ext: ['none'] });
    assert.equal(queries[1]?.channel, undefined);
    assert.equal(answers[1]?.total, 0);
  });

  for (const hook of ['onQuery', 'onAnswer'] as const) {
    it(`are answered as if nothing were there after a veto in ${hook}, which nobody else is asked about`, async () => {
      let asked = 0;
      const others = () => {
        asked += 1;
        return undefined;
      };
      await start(FILES, { [hook]: async () => ({ veto: true }) }, { [hook]: others });
      isNothing(await ask(TXT));
      isNothing(await ask(TXT, { channel: CHANNEL }));
      assert.equal(asked, 0);
    });

    it(`are refused with the condition of a veto in ${hook}, but never on channels`, async () => {
      await start(FILES, { [hook]: () => ({ veto: 'forbidden', text: 'for members' }) });
      await assert.rejects(ask(TXT), (error) => {
        assert.ok(error instanceof StanzaError);
        assert.deepEqual([error.condition, error.text], ['forbidden', 'for members']);
        return true;
      });
      isNothing(await ask(TXT, { channel: CHANNEL }));
    });
  }

  it('are narrowed by one extension after another, which see what the others made of it', async () => {
    const seen: FileCriteria[] = [];
    await start(
      FILES,
      { onQuery: () => ({ narrow: PUBLIC }) },
      {
        onQuery: ({ criteria }) => {
          seen.push(criteria);
          return { narrow: { sizeMax: 100 } };
        },
      },
    );
    const answer = await ask(TXT);
    assert.deepEqual(paths(answer), ['public/songs.txt']);
    assert.equal(answer.total, 1);
    assert.deepEqual(seen, [{ ...TXT, ...PUBLIC, caseSensitive: false }]);
    isNothing(await ask({ path: [{ type: 'contains', value: 'songs' }] })); // two tests of one text
    isNothing(await ask({ sizeMin: 101 }));
  });

  it('are answered with the files that are left, as they are described', async () => {
    await start(FILES, {
      onAnswer: ({ files }) => ({
        files: [
          ...files
            .filter(({ path }) => !path.includes('diary'))
            .map((file) => ({ ...file, desc: `size ${file.size}`, size: 1 })),
          { ...(files[0] as QueryAnswer['files'][number]), path: 'private/invented' },
        ],
      }),
    });
    const answer = await ask(TXT);
    assert.deepEqual(
      answer.files.map(({ path, desc, size }) => [path, desc, size]),
      [
        ['private/songs.txt', 'size 100', 100],
        ['public/songs.txt', 'size 100', 100],
      ],
    );
    assert.equal(answer.total, 2);
    assert.equal(answer.page.count, 2);
    const page = await ask(TXT, { max: 1 });
    assert.deepEqual([paths(page), page.total, page.more], [[], 2, true], 'the others are on further pages');
  });

  it('stay small enough to be sent, however much is said of the files', async () => {
    const many = Array.from({ length: 100 }, (_, at) =>
      entryOf(`books/${'long '.repeat(20)}${at}.txt`, { sha256: SHA }),
    );
    await start(many, {
      onAnswer: ({ files }) => ({ files: files.map((file) => ({ ...file, desc: '<&>'.repeat(500) })) }),
    });
    const answer = await ask(TXT, { max: 100 });
    assert.ok(answer.files.length > 50);
    assert.ok(answer.files.some(({ desc }) => desc !== undefined));
    const found = { ...answer, id: 'q', channel: CHANNEL };
    const bytes = Buffer.byteLength(foundMessage(ROMEO, ROMEO, 'm', found).toString());
    assert.ok(bytes < MAX_STANZA_BYTES, `${bytes}`);
  });

  it('are answered as ever when an extension fails', async () => {
    await start(FILES, {
      onQuery: () => Promise.reject(new Error('broken')),
      onAnswer: () => ({ files: 'all' }) as never,
    });
    assert.equal((await ask(TXT)).total, 3);
    assert.equal(world.lines.filter((line) => line.endsWith('an extension failed')).length, 2);
  });
});
