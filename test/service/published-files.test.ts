import assert from 'node:assert/strict';
import type { View } from '../../src/access/access-policy.js';
import { QueryBudget } from '../../src/access/query-budget.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { describeFile } from '../../src/catalogue/file-description.js';
import { type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { publishedIdOf, publishedRefOf } from '../../src/catalogue/published-id.js';
import type { Entity } from '../../src/entity/entity.js';
import { LimitError } from '../../src/errors.js';
import type { FileSession, FileSource } from '../../src/jingle/file-session.js';
import { FileDescriber } from '../../src/query/file-describer.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { PublishedFiles } from '../../src/service/published-files.js';
import { ShareListing } from '../../src/service/share-listing.js';
import { SharedFolders } from '../../src/service/shared-folders.js';
import { iqPayload } from '../../src/stanza/iq.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { startCodec, startingCodec } from '../../src/stanza/xep0358-jinglepub.js';
import { entryOf, put } from '../support/file-entries.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const NODE = parseJid('files.example.org');
const hash = (seed: number) => Buffer.alloc(32, seed).toString('base64');
/** Nobody takes what has an x in its name, nor sees what has two. */
const VIEW: View = {
  key: 'x',
  maySee: ({ path }) => !path.includes('xx'),
  mayTake: ({ path }) => !path.includes('x'),
  verdict: () => 'some',
};

describe('published files', () => {
  let juliet: Entity;
  let happened: string[];
  let stop: () => Promise<void>;
  let isFull: boolean;

  beforeEach(async () => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    const entity = network.component(NODE);
    juliet = network.client('juliet@capulet.lit/balcony');
    const catalogue = new Catalogue();
    const access = { viewOf: () => VIEW };
    const listing = new ShareListing({ catalogue, clock });
    const answerer = { check: () => {}, answer: () => Promise.reject(new Error('nobody asks')) };
    const budget = new QueryBudget(
      { clock },
      {
        queriesPerAskerPerMinute: 20,
        queriesPerChannelPerMinute: 20,
        queriesPerMinute: 20,
        concurrentQueriesPerAsker: 2,
      },
    );
    const questions = new DirectQuestions({ answerer, budget }, { hashWaitMs: 0 });
    const describer = new FileDescriber({ hashes: { hashNow: async (entry) => entry }, clock });
    const folders = new SharedFolders(
      { access, listing, describer, questions },
      { defaultEntries: 50, maxEntries: 100, maxBytes: 48_000, hashWaitMs: 0 },
    );
    happened = [];
    isFull = false;
    const source = async (entry: FileEntry): Promise<FileSource> => {
      if (isFull) throw new LimitError('uploads', 'full');
      happened.push(`open ${keyOf(entry)}`);
      return {} as FileSource;
    };
    const session = ({ peer }: { peer: string }) =>
      ({
        sid: 'sid',
        offer: () => happened.push(`offer to ${peer}`),
        begin: () => happened.push('begin'),
      }) as unknown as FileSession;
    const published = new PublishedFiles({
      ...{ entity, access, catalogue, folders, questions },
      disco: { addFeature: () => () => {} },
      files: { source },
      jingle: { session },
    });
    const parts = [entity, juliet, listing, published];
    for (const part of parts) await part.start();
    stop = async () => {
      for (const part of parts.reverse()) await part.stop();
    };
    catalogue.apply([
      put('a/x', { sha256: hash(1) }),
      put('b/same', { sha256: hash(1) }),
      put('a/x2', { sha256: hash(2) }),
      put('a/xx', { sha256: hash(3) }),
      put('a/unhashed'),
    ]);
  });

  afterEach(() => stop());

  const start = async (id: string) =>
    iqPayload(await juliet.request({ to: NODE, type: 'get', payload: startCodec.toXml(id) }));

  it('are sent by content, wherever it may be taken from, and by path, after the session was named', async () => {
    const answer = await start(`sha-256:${hash(1)}`);
    assert.equal(startingCodec.fromXml(answer ?? assert.fail()), 'sid');
    await settle();
    assert.deepEqual(happened, ['open b/same', 'offer to juliet@capulet.lit/balcony', 'begin']);
    await start('path:a/unhashed');
    assert.ok(happened.includes('open a/unhashed'));
  });

  it('say the same of what may not be taken, may not be seen, is not there, and is no id', async () => {
    const ids = [`sha-256:${hash(2)}`, `sha-256:${hash(3)}`, `sha-256:${hash(4)}`, 'path:a/x', 'path:a/xx'];
    const errors = new Set<string>();
    for (const id of [...ids, 'path:a/nothing', 'path:a', 'path:', 'sha-256:x', 'a/unhashed']) {
      const error = await start(id).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof StanzaError, id);
      errors.add(error.message);
    }
    assert.deepEqual([...errors], ['not-acceptable: there is no such file']);
    assert.deepEqual(happened, []);
  });

  it('cost what questions cost, and take an upload’s place', async () => {
    isFull = true;
    await assert.rejects(start('path:a/unhashed'), { condition: 'resource-constraint' });
    isFull = false;
    for (let at = 0; at < 19; at++) await start('path:a/unhashed');
    await assert.rejects(start('path:a/unhashed'), { condition: 'resource-constraint' });
  });

  it('have an id each, from which they are found', () => {
    const hashed = publishedIdOf(describeFile(entryOf('a/b', { sha256: hash(1) }))) ?? assert.fail();
    assert.deepEqual(publishedRefOf(hashed), { type: 'content', sha256: hash(1) });
    const plain = publishedIdOf(describeFile(entryOf('a/sha-256:b'))) ?? assert.fail();
    assert.deepEqual(publishedRefOf(plain), { type: 'path', path: 'a/sha-256:b' });
    assert.equal(publishedRefOf('sha-1:x'), undefined);
  });
});
