import assert from 'node:assert/strict';
import { silentLog } from '../../src/log.js';
import type { FindEvent, FindRequest, OtherSize } from '../../src/node/asker.js';
import { AudienceFinder } from '../../src/node/audience-finder.js';
import { parseJid } from '../../src/stanza/jid.js';
import { foundFile } from '../cli/found-files.js';

const romeo = foundFile('romeo.txt', 'a.x');
const wanted = { hash: romeo.hashes[0] ?? assert.fail(), size: romeo.size ?? assert.fail() };
const channel = { service: parseJid('pubsub.x'), node: 'books' };

async function find(answer: (request: FindRequest, signal?: AbortSignal) => AsyncIterable<FindEvent>) {
  const asked: FindRequest[] = [];
  const asker = {
    find: (request: FindRequest, signal?: AbortSignal) => {
      asked.push(request);
      return answer(request, signal);
    },
  };
  const audience = { channels: [channel], nodes: [parseJid('b.x')] };
  const others: string[] = [];
  const onOtherSize = ({ size, source }: OtherSize) => others.push(`${source.jid} ${size}`);
  const finder = new AudienceFinder({ asker, log: silentLog, onOtherSize }, audience);
  const found: string[] = [];
  for await (const { jid, path } of finder.find(wanted, new AbortController().signal))
    found.push(`${jid} ${path}`);
  return { asked, found, others };
}

describe('who else has a file', () => {
  it('is asked on the channels and of the nodes by hash; each is told once, and none that has another file', async () => {
    const { asked, found, others } = await find(async function* ({ to }) {
      const jid = to ?? 'a.x';
      yield { type: 'file', file: foundFile('romeo.txt', jid) };
      yield { type: 'file', file: foundFile('romeo.txt', jid, { path: 'other/romeo.txt' }) };
      yield { type: 'file', file: foundFile('juliet.txt', 'liar.x') };
      yield { type: 'file', file: { ...romeo, size: 8, source: { jid: parseJid('liar.x') } } };
    });
    assert.deepEqual(found.sort(), ['a.x share/romeo.txt', 'b.x share/romeo.txt']);
    assert.deepEqual(others, ['liar.x 8', 'liar.x 8']); // of each question
    assert.deepEqual(
      asked.map(({ to, channels, criteria }) => [to, channels.length, criteria]),
      [
        [undefined, 1, { hash: [wanted.hash] }],
        ['b.x', 0, { hash: [wanted.hash] }],
      ],
    );
  });

  it('is nobody where the question can not be asked, and that is no error', async () => {
    const { found } = await find(async function* ({ to }) {
      if (to === undefined) throw new Error('offline');
      yield { type: 'file', file: foundFile('romeo.txt', to) };
    });
    assert.deepEqual(found, ['b.x share/romeo.txt']);
  });

  it('is not waited for any more by who has heard enough', async () => {
    let aborted = 0;
    const asker = {
      find: async function* (_: FindRequest, signal?: AbortSignal): AsyncGenerator<FindEvent> {
        yield { type: 'file', file: romeo };
        await new Promise<void>((resolve) =>
          signal?.addEventListener('abort', () => resolve(), { once: true }),
        );
        aborted += 1;
      },
    };
    const finder = new AudienceFinder({ asker, log: silentLog }, { channels: [channel], nodes: [] });
    for await (const _ of finder.find(wanted, new AbortController().signal)) break;
    assert.equal(aborted, 1);
  });
});
