import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { LimitError } from '../../src/errors.js';
import type { ExtensionHooks, Transfer, TransferEnd, TransferProgress } from '../../src/extensions/api.js';
import { WatchedFiles } from '../../src/extensions/transfer-watch.js';
import { FileNotAvailableError } from '../../src/jingle/file-session.js';
import type { Range } from '../../src/stanza/xep0234-file-transfer.js';
import { offerFile } from '../../src/transfer/send/offer-file.js';
import { type Extended, extended } from '../support/extended.js';
import { ASKER, bytesOf, JinglePair } from '../support/jingle-pair.js';
import { sha256 } from '../support/memory-files.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(400_000);

describe('transfers that extensions see', () => {
  let pair: JinglePair;
  let world: Extended;
  let files: WatchedFiles;

  async function open(...extensions: ExtensionHooks[]): Promise<void> {
    pair = await JinglePair.open({
      maxUploads: 1,
      refusesEarly: false,
      onFileRequest: (request, signal) => files.handle(request, signal),
      onFileOffer: async () => ({
        take: (download) => {
          void bytesOf(download.stream).then(() => download.finish('success'));
        },
      }),
    });
    world = extended({ clock: pair.clock, extensions });
    await world.host.start();
    files = new WatchedFiles({ files: pair.server, extensions: world.host, clock: pair.clock });
    pair.files.offer('a', BYTES);
  }

  afterEach(async () => {
    await pair.ended();
    await world.host.stop();
    await pair.close();
  });

  async function refusal(range?: Range): Promise<string> {
    const download = pair.download({ name: 'a', ...(range && { range: { ...range, hashes: [] } }) });
    download.stream.on('error', () => undefined);
    const [outcome] = await Promise.all([
      download.accepted.then(
        () => 'accepted',
        (error: Error) => error.message,
      ),
      pair.clock.advance(10_000),
    ]);
    assert.equal(pair.server.uploads, 0, 'its slot is free again');
    return outcome;
  }

  it('are told from their start to their end, once each', async () => {
    const starts: Transfer[] = [];
    const ends: TransferEnd[] = [];
    await open({
      onTransferStart: (each) => void starts.push(each),
      onTransferEnd: (each) => void ends.push(each),
    });
    const download = pair.download({ name: 'a', range: { offset: 1000, hashes: [] } });
    assert.deepEqual(await bytesOf(download.stream), BYTES.subarray(1000));
    await download.finish('success');
    await pair.ended();
    const [start] = starts;
    assert.ok(start);
    assert.equal(start.peer, ASKER);
    assert.equal(start.sid, download.sid);
    assert.deepEqual([start.file.name, start.file.size], ['a', BYTES.length]);
    assert.deepEqual(start.range, { offset: 1000, length: BYTES.length - 1000 });
    const end = { ...start, sentBytes: BYTES.length - 1000, outcome: 'success', error: undefined };
    assert.deepEqual(ends, [{ ...end, durationMs: ends[0]?.durationMs }]);
    assert.equal(starts.length, 1);
  });

  it('are told while bytes move, once a second, to who has dealt with the last news', async () => {
    const progress: TransferProgress[] = [];
    let slow = 0;
    await open(
      { onTransferProgress: (each) => void progress.push(each) },
      {
        onTransferProgress: () => {
          slow += 1;
          return new Promise(() => undefined);
        },
      },
    );
    const download = pair.download({ name: 'a' });
    await Promise.all([download.accepted, settle()]);
    // Nobody reads: what is on its way comes to a stand, and then nothing moves.
    for (let turn = 0; turn < 20; turn += 1) await settle();
    await pair.clock.advance(1000);
    await pair.clock.advance(5000);
    const [first] = progress;
    assert.equal(progress.length, 1);
    assert.ok(first && first.sentBytes > 0 && first.sentBytes <= BYTES.length);
    await bytesOf(download.stream);
    await pair.clock.advance(1000);
    assert.ok(slow <= 2);
    await download.finish('success');
    await pair.ended();
    const ticks = progress.length;
    await pair.clock.advance(10_000);
    assert.equal(progress.length, ticks, 'nothing is told when it is over');
  });

  it('that are vetoed look so too where there is no slot for them', async () => {
    const ends: TransferEnd[] = [];
    const vetoed = ({ file }: Transfer) => (file.name === 'secret' ? { veto: true as const } : undefined);
    await open(
      { onTransferEnd: (each) => void ends.push(each) },
      { onTransferStart: async (each) => vetoed(each) },
    );
    const secret = pair.files.offer('secret', BYTES);
    const { signal } = new AbortController();
    const of = (entry: FileEntry) => files.source(entry, ASKER, signal);
    const entry = pair.files.offer('b', BYTES);
    const first = await of(entry);
    await assert.rejects(of(secret), FileNotAvailableError);
    await assert.rejects(of(entry), LimitError);
    first.release({ type: 'success', bytes: 0 });
    assert.deepEqual(
      ends.map(({ file, outcome }) => `${file.name} ${outcome}`),
      ['secret failed', 'b failed', 'b success'],
    );
  });

  it('that are vetoed look like files that are not there', async () => {
    await open({ onTransferStart: async () => ({ veto: true }) });
    const vetoed = await refusal();
    assert.equal(await refusal({ offset: 2 * BYTES.length }), vetoed, 'also where the range is wrong');
    await world.host.stop();
    const download = pair.download({ name: 'not there' });
    download.stream.on('error', () => undefined);
    await assert.rejects(download.accepted, (error: Error) => {
      assert.equal(vetoed, error.message);
      return true;
    });
  });

  it('that are vetoed look like files that are not there also while others are sent', async () => {
    await open({ onTransferStart: ({ file }) => (file.name === 'a' ? undefined : { veto: true }) });
    const secret = randomBytes(1000);
    pair.files.offer('secret', secret);
    const running = pair.download({ name: 'a' });
    await running.accepted;
    for (const range of [undefined, { offset: 5000, hashes: [] }]) {
      const outcomes: string[] = [];
      for (const bytes of [secret, randomBytes(1000)]) {
        const told: number[] = [];
        const hashes = [{ algo: 'sha-256', value: sha256(bytes) }] as const;
        const download = pair.download({ hashes, ...(range && { range }) });
        download.onQueued((place) => told.push(place));
        download.stream.on('error', () => undefined);
        const refused = download.accepted.then(
          () => 'accepted',
          (error: Error) => error.message,
        );
        await pair.clock.advance(5_000);
        outcomes.push(`${told} ${pair.asking.sessionCount}`);
        await download.finish('cancel');
        await refused;
      }
      assert.equal(outcomes[0], outcomes[1]);
    }
    void running.finish('cancel');
  });

  it('that are vetoed are not there, where the range is wrong and the slot has gone to another', async () => {
    await open({ onTransferStart: ({ file }) => (file.name === 'a' ? undefined : { veto: true }) });
    pair.files.offer('secret', randomBytes(1000));
    const running = pair.download({ name: 'a' });
    await running.accepted;
    const download = pair.download({ name: 'secret', range: { offset: 5000, hashes: [] } });
    const told: number[] = [];
    download.stream.on('error', () => undefined);
    const outcome = download.accepted.catch((error: Error) => error.message);
    await pair.clock.advance(1_000);
    const next = pair.download({ name: 'a' });
    await pair.clock.advance(1_000);
    download.onQueued((place) => told.push(place));
    await running.finish('cancel');
    await next.accepted;
    await Promise.all([outcome, pair.clock.advance(25_000)]);
    assert.match(String(await outcome), /file-not-available/);
    assert.deepEqual(told, []);
    await next.finish('cancel');
  });

  it('of bytes that there are not are told as failures', async () => {
    const ends: TransferEnd[] = [];
    await open({
      onTransferEnd: (each) => {
        ends.push(each);
      },
    });
    assert.match(await refusal({ offset: 2 * BYTES.length }), /bad-request/);
    assert.deepEqual(
      ends.map(({ outcome, sentBytes }) => [outcome, sentBytes]),
      [['failed', 0]],
    );
  });

  it('that are vetoed with a reason end with that', async () => {
    await open({ onTransferStart: () => ({ veto: 'decline', text: 'office hours only' }) });
    assert.match(await refusal(), /decline \(office hours only\)/);
  });

  it('that are vetoed end for those who were asked before, and are no news to those behind', async () => {
    const told: string[] = [];
    const listen = (name: string): ExtensionHooks => ({
      onTransferStart: () => void told.push(`${name} start`),
      onTransferEnd: ({ outcome, sentBytes }) => void told.push(`${name} ${outcome} ${sentBytes}`),
    });
    await open(
      listen('before'),
      { ...listen('veto'), onTransferStart: () => ({ veto: true }) },
      listen('behind'),
    );
    await refusal();
    assert.deepEqual(told, ['before start', 'before failed 0']);
  });

  it('go on when an extension hangs, after its time', async () => {
    await open({ onTransferStart: () => new Promise(() => undefined) });
    const download = pair.download({ name: 'a' });
    await Promise.all([download.accepted, pair.clock.advance(3000)]);
    assert.deepEqual(await bytesOf(download.stream), BYTES);
    await download.finish('success');
  });

  it('do not begin when a required extension fails', async () => {
    await open({ required: true, onTransferStart: () => Promise.reject(new Error('broken')) });
    assert.match(await refusal(), /file-not-available/);
  });

  it('can be ours: offers are asked about and told of too', async () => {
    const ends: TransferEnd[] = [];
    await open({ onTransferEnd: (each) => void ends.push(each) });
    const entry = pair.files.offer('b', BYTES);
    const upload = await offerFile({ server: files, uploader: pair.serving }, ASKER, entry);
    assert.equal((await upload.done).type, 'success');
    await pair.ended();
    assert.deepEqual(
      ends.map(({ peer, sid, outcome, sentBytes }) => ({ peer, sid, outcome, sentBytes })),
      [{ peer: ASKER, sid: undefined, outcome: 'success', sentBytes: BYTES.length }],
    );
  });

  it('are what they are, whatever an extension makes of what it was told', async () => {
    const told: (TransferProgress | TransferEnd)[] = [];
    const meddle = (each: object) => void Object.assign(each, { sentBytes: -1 });
    await open(
      { onTransferProgress: meddle, onTransferEnd: meddle },
      { onTransferProgress: (each) => void told.push(each), onTransferEnd: (each) => void told.push(each) },
    );
    const download = pair.download({ name: 'a' });
    await Promise.all([download.accepted, pair.clock.advance(1000)]);
    await bytesOf(download.stream);
    await download.finish('success');
    await pair.ended();
    assert.ok(told.length >= 2);
    assert.deepEqual(
      told.filter(({ sentBytes }) => sentBytes < 0),
      [],
    );
  });
});
