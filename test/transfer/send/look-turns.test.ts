/** Requests that name neither a hash nor a full path: all files are gone through, in turns. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import type { AccessPolicy } from '../../../src/access/access-policy.js';
import { FileRequestBudget } from '../../../src/access/file-request-budget.js';
import { RuleBook } from '../../../src/access/rule-book.js';
import { type AccessRule, EVERY_FILE } from '../../../src/config/access-options.js';
import { AbortedError, LimitError } from '../../../src/errors.js';
import { FileNotAvailableError } from '../../../src/jingle/file-session.js';
import { silentLog } from '../../../src/log.js';
import { bareOf, parseJid } from '../../../src/stanza/jid.js';
import type { FileDescription } from '../../../src/stanza/xep0234-file-transfer.js';
import { FileServer } from '../../../src/transfer/send/file-server.js';
import { MemoryFiles } from '../../support/memory-files.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const PEER = parseJid('juliet@example.org/pda');
const SUCCESS = { type: 'success', bytes: 0 } as const;

describe('files that have to be looked for among very many', () => {
  const STRANGER = parseJid('tybalt@example.com/street');
  const type = { mediaType: 'text/plain' };
  let files: MemoryFiles;
  let server: FileServer;
  let turns: number;
  let budget: FileRequestBudget;
  let rules: AccessRule['may'];

  beforeEach(() => {
    files = new MemoryFiles();
    const clock = new VirtualClock();
    for (let at = 0; at < 100_000; at += 1)
      files.offer(`many/${at}`, Buffer.from('1'), { mediaType: 'text/plain' });
    turns = 0;
    rules = 'see';
    const perMinute = 600;
    budget = new FileRequestBudget(
      { clock },
      {
        fileRequestsPerAskerPerMinute: perMinute,
        fileRequestsPerDomainPerMinute: 10_000,
        fileRequestsPerMinute: 10_000,
      },
    );
    const looked = budget.looked.bind(budget);
    budget.looked = (asker) => {
      turns += 1;
      looked(asker);
    };
    const jid = bareOf(STRANGER);
    const access: AccessPolicy = {
      viewOf: (asker) =>
        new RuleBook(
          { clock },
          {
            rules: [
              { who: [{ type: 'jid', jid }], what: EVERY_FILE, may: rules },
              { who: [{ type: 'everyone' }], what: EVERY_FILE, may: 'take' },
            ],
          },
        ).viewOf(asker),
    };
    server = new FileServer(
      { access, catalogue: files.catalogue, files, clock, log: silentLog, budget },
      { maxUploads: 3, maxUploadsPerPeer: 2 },
    );
  });

  const request = (file: Partial<FileDescription>, peer = PEER, signal = new AbortController().signal) =>
    server.handle({ peer, sid: randomUUID(), file: { hashes: [], hashesUsed: [], ...file } }, signal);

  it('a stranger who asks for types pays for it, holds no slot, and holds up nobody', async () => {
    const asking = Array.from({ length: 16 }, () => request(type, STRANGER));
    const answers = Promise.allSettled(asking);
    assert.equal(server.uploads, 0);
    const slow = request({ name: '5' });
    for (const wanted of [{ path: 'share/many/7' }, { name: 'share/many/7' }]) {
      const source = await request(wanted);
      source.release(SUCCESS);
    }
    assert.ok(turns < 5, 'what is looked up waits for nobody');
    (await slow).release(SUCCESS);
    assert.ok(turns < 50, 'nor does who looks for little wait for who looks for much');
    const refused = (await answers).map((each) => each.status === 'rejected' && each.reason);
    assert.ok(refused[0] instanceof FileNotAvailableError);
    assert.ok(refused.at(-1) instanceof LimitError);
    assert.ok(turns < 900, `${turns}`);
    assert.throws(() => budget.check(bareOf(STRANGER)), { bound: 'fileRequestsPerAskerPerMinute' });
    budget.check(bareOf(PEER));
  });

  it('nothing is looked for on behalf of who may see nothing', async () => {
    rules = 'nothing';
    await assert.rejects(request(type, STRANGER), FileNotAvailableError);
    await assert.rejects(request({ name: '7' }, STRANGER), FileNotAvailableError);
    await assert.rejects(request({ path: 'share/many/7' }, STRANGER), FileNotAvailableError);
    assert.equal(turns, 0);
  });

  it('so many copies of one content are gone through in turns as well', async () => {
    const hashes = [{ algo: 'sha-256', value: createHash('sha256').update('1').digest('base64') }] as const;
    await assert.rejects(request({ hashes }, STRANGER), FileNotAvailableError);
    assert.ok(turns >= 99, `${turns}`);
    const source = await request({ hashes });
    assert.equal(source.file.path, 'share/many/0', 'the first by full path');
    source.release(SUCCESS);
  });

  it('a name that may look otherwise is compared with those alone that do', async () => {
    files.offer('bell\u0007.txt', Buffer.from('1'));
    const source = await request({ name: 'bell\uFFFD.txt' });
    assert.equal(source.file.path, 'share/bell\u0007.txt');
    source.release(SUCCESS);
    assert.ok(turns <= 10, `${turns}`); // compared with all it took a hundred
  });

  it('refuses more looks of one peer than it keeps', async () => {
    const asking = await Promise.allSettled(Array.from({ length: 68 }, () => request(type, STRANGER)));
    const bounds = asking.map((each) => each.status === 'rejected' && (each.reason as LimitError).bound);
    assert.equal(bounds.filter((bound) => bound === 'waiting-per-peer').length, 4);
  });

  it('are looked for no longer when whoever asked went away', async () => {
    const gone = new AbortController();
    const asking = [request(type, STRANGER, gone.signal), request(type, STRANGER, gone.signal)];
    gone.abort();
    for (const each of asking) await assert.rejects(each, AbortedError);
    assert.equal(turns, 1);
  });
});
