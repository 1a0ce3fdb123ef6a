import assert from 'node:assert/strict';
import { LimitError } from '../../../src/errors.js';
import type { Jid } from '../../../src/stanza/jid.js';
import { parseBareJid, parseJid } from '../../../src/stanza/jid.js';
import { discoInfoCodec, discoItemsCodec, discoQueryToXml } from '../../../src/stanza/xep0030-disco.js';
import {
  COMMANDS,
  type CommandAction,
  commandAnswerCodec,
  commandRequestCodec,
} from '../../../src/stanza/xep0050-commands.js';
import { type Element, xml } from '../../../src/stanza/xml.js';
import { put } from '../../support/file-entries.js';
import { DoorWorld, JULIET, OWNER, ROMEO, SHA } from '../door-world.js';

interface Asked {
  readonly action?: CommandAction;
  readonly session?: string;
  readonly values?: Readonly<Record<string, string | readonly string[]>>;
}

function request(nodeId: string, { action = 'execute', session, values }: Asked = {}): Element {
  const fields = Object.entries(values ?? {}).map(([name, value]) => ({ var: name, values: [value].flat() }));
  return commandRequestCodec.toXml({
    nodeId,
    action,
    ...(session !== undefined && { sessionId: session }),
    ...(values && { form: { type: 'submit', fields } }),
  });
}

describe('commands', () => {
  let world: DoorWorld;

  beforeEach(async () => {
    world = new DoorWorld();
    await world.start([
      put('books/romeo.txt', { sha256: SHA }),
      put('books/plays/juliet.pdf', { sha256: SHA }),
      ...Array.from({ length: 60 }, (_, at) => put(`many/${at + 100}.bin`, { sha256: SHA })),
    ]);
  });
  afterEach(async () => {
    await world.stop();
    assert.equal(world.clock.pendingTimers, 0);
  });

  const run = async (nodeId: string, asked: Asked = {}, from: Jid = JULIET) =>
    commandAnswerCodec.fromXml((await world.ask('set', request(nodeId, asked), from)) ?? xml('nothing'));
  const refused = (nodeId: string, asked: Asked = {}, from: Jid = JULIET) =>
    world.refused('set', request(nodeId, asked), from);
  const labels = (answer: Awaited<ReturnType<typeof run>>, field: string) =>
    answer.form?.fields.find((each) => each.var === field)?.options?.map(({ label }) => label);

  it('have counted what is refused in a note', async () => {
    await world.stop();
    world = new DoorWorld({ budget: { queriesPerAskerPerMinute: 2 } });
    await world.start([put('books/romeo.txt', { sha256: SHA })]);
    const { sessionId: session = '' } = await run('find');
    const values = { text: 'romeo' };
    await run('find', { session, action: 'next', values });
    await run('find', { session, action: 'prev' });
    await run('find', { session, action: 'next', values });
    const ticked = await run('find', { session, action: 'next', values: { files: '1' } });
    assert.match(ticked.notes[0]?.text ?? '', /Try again later/);
    const { sessionId: other = '' } = await run('find');
    const over = await run('find', { session: other, action: 'next', values });
    assert.equal(over.notes[0]?.type, 'error');
    assert.deepEqual(world.noted, ['queriesPerAskerPerMinute', 'queriesPerAskerPerMinute']);
  });

  it('are listed for whom they are for; others are told of the owner’s what they are told of none', async () => {
    const listed = async (from: Jid) => {
      const asked = await world.ask('get', discoQueryToXml('items', COMMANDS), from);
      return discoItemsCodec.fromXml(asked ?? xml('nothing')).items.map(({ nodeId }) => nodeId);
    };
    assert.deepEqual(await listed(JULIET), ['find', 'browse', 'transfers', 'wishes']);
    assert.deepEqual(await listed(OWNER), [
      'find',
      'browse',
      'transfers',
      'wishes',
      'status',
      'rescan',
      'channels',
      'bans',
    ]);
    assert.equal(await refused('rescan'), await refused('nonsense'));
    assert.equal(
      await world.refused('get', discoQueryToXml('info', 'rescan')),
      await world.refused('get', discoQueryToXml('info', 'nonsense')),
    );
    assert.equal(world.rescans, 0);
    const info = await world.ask('get', discoQueryToXml('info', 'rescan'), OWNER);
    assert.deepEqual(discoInfoCodec.fromXml(info ?? xml('nothing')).identities, [
      { category: 'automation', type: 'command-node', name: 'Rescan' },
    ]);
  });

  it('find files, page by page, and offer those that are ticked', async () => {
    const { sessionId: session } = await run('find');
    const first = await run('find', { action: 'next', session, values: { ext: 'bin', order: 'name' } });
    assert.equal(labels(first, 'files')?.length, 25);
    assert.match(first.form?.instructions ?? '', /files 1 to 25 of 60.*nothing to see more/);
    const second = await run('find', { action: 'next', session, values: { files: [] } });
    assert.equal(labels(second, 'files')?.[0], '125.bin, 100 B (many)');
    const back = await run('find', { action: 'prev', session });
    assert.equal(labels(back, 'files')?.[0], '100.bin, 100 B (many)');
    const over = await run('find', { action: 'next', session, values: { files: ['1', '3', '3', '99'] } });
    assert.equal(over.status, 'completed');
    assert.deepEqual(world.offered, [
      [JULIET, 'many/100.bin'],
      [JULIET, 'many/102.bin'],
    ]);
    assert.deepEqual(
      over.notes.map(({ type }) => type),
      ['info', 'info'],
    );
    assert.match(await refused('find', { action: 'next', session }), /session-expired$/);
    assert.equal(world.commands.sessionCount, 0);
  });

  it('take labels for what is ticked, which is what Gajim sends', async () => {
    const { sessionId: session } = await run('find');
    await run('find', { action: 'next', session, values: { ext: 'bin', order: 'name' } });
    const values = { files: ['102.bin, 100 B (many)', '999.bin, 100 B (many)'] };
    await run('find', { action: 'next', session, values });
    assert.deepEqual(world.offered, [[JULIET, 'many/102.bin']]);
  });

  it('tell of each file what came of it', async () => {
    const { sessionId: session } = await run('find');
    const values = { ext: 'txt' };
    await run('find', { action: 'next', session, values });
    world.refusal = new LimitError('uploads', 'no slot');
    const over = await run('find', { action: 'next', session, values: { files: '1' } });
    assert.deepEqual(over.notes, [
      { type: 'error', text: 'romeo.txt: too much is being sent now. Try again later.' },
    ]);
  });

  it('keep little of what is written into their pages, and show them again', async () => {
    await world.stop();
    const depth = 20;
    world = new DoorWorld();
    await world.start([put(`${'d/'.repeat(depth)}f.txt`, { sha256: SHA })]);
    const { sessionId: session } = await run('browse');
    const others = Array.from({ length: 255 }, (_, at) => `${at}${'x'.repeat(200)}`);
    let path = 'd';
    for (let at = 0; at < 16; at += 1) {
      const { form } = await run('browse', { session, values: { folder: [path, ...others] } });
      assert.equal(form?.title, path);
      path += '/d';
    }
    for (let at = 0; at < 16; at += 1) {
      path = path.slice(0, -2);
      const { form } = await run('browse', { session, action: 'prev' });
      assert.deepEqual(form?.fields.find((each) => each.var === 'folder')?.values, [path]);
    }
    const { sessionId: finding } = await run('find');
    const values = { name: 'x'.repeat(3000), ext: 'txt', kind: ['document', ...others] };
    const again = await run('find', { session: finding, action: 'next', values });
    const filled = (name: string) => again.form?.fields.find((each) => each.var === name)?.values;
    assert.deepEqual([filled('name'), filled('ext'), filled('kind')], [[], ['txt'], ['document']]);
  });

  it('walk through folders, and back', async () => {
    const shares = await run('browse');
    const { sessionId: session } = shares;
    assert.deepEqual(labels(shares, 'folder'), ['books', 'many']);
    const books = await run('browse', { session, values: { folder: 'books' } });
    assert.deepEqual(
      [labels(books, 'folder'), labels(books, 'files')],
      [['plays'], ['romeo.txt, 100 B (books)']],
    );
    const again = await run('browse', { session, values: { folder: 'elsewhere' } });
    assert.deepEqual(again.notes, [{ type: 'info', text: 'Choose a folder, or tick files.' }]);
    assert.deepEqual(labels(await run('browse', { action: 'prev', session }), 'folder'), ['books', 'many']);
    await run('browse', { session, values: { folder: 'many' } });
    const rest = await run('browse', { session });
    assert.equal(labels(rest, 'files')?.length, 10);
    const over = await run('browse', { session, values: { files: ['10'] } });
    assert.equal(over.status, 'completed');
    assert.deepEqual(world.offered, [[JULIET, 'many/159.bin']]);
  });

  it('show the transfers of whoever asks, and end them', async () => {
    assert.deepEqual((await run('transfers')).notes, [
      { type: 'info', text: 'Nothing is on its way to you.' },
    ]);
    const common = {
      state: 'active',
      bytes: 2_000_000,
      fileBytes: 5_000_000,
      bytesPerSecond: 100_000,
    } as const;
    world.transfers = [
      { ...common, peer: ROMEO, path: 'books/romeo.txt' },
      { ...common, peer: parseJid('juliet@example.org/phone'), path: 'many/100.bin' },
      { ...common, peer: JULIET, path: 'many/101.bin', state: 'waiting' },
    ];
    const shown = await run('transfers');
    assert.deepEqual(labels(shown, 'cancel'), [
      'many/100.bin: 2.0 MB of 5.0 MB, 100 kB/s',
      'many/101.bin: waits for its turn',
    ]);
    const session = shown.sessionId;
    const over = await run('transfers', { action: 'complete', session, values: { cancel: ['1'] } });
    assert.deepEqual(over.notes, [{ type: 'info', text: 'many/100.bin was ended.' }]);
    assert.deepEqual(
      world.cancelled.map(({ path }) => path),
      ['many/100.bin'],
    );
  });

  it('show the questions of whoever asks that are kept, and forget them', async () => {
    assert.deepEqual((await run('wishes')).notes, [
      { type: 'info', text: 'None of your questions is kept here.' },
    ]);
    const untilMs = Date.UTC(2026, 10, 25, 12);
    const channel = { service: parseBareJid('pubsub.example.org'), nodeId: 'books' };
    world.wishes = [
      { id: 'a', asker: JULIET, criteria: { text: ['romeo'], ext: ['pdf', 'epub'] }, untilMs, channel },
      { id: 'b', asker: parseJid('juliet@example.org/phone'), criteria: { sizeMin: 12 }, untilMs },
      { id: 'c', asker: ROMEO, criteria: { text: ['juliet'] }, untilMs },
    ];
    const shown = await run('wishes');
    assert.deepEqual(labels(shown, 'forget'), [
      'text romeo, ext pdf or epub; until 2026-11-25 12:00 (books)',
      'size-min 12; until 2026-11-25 12:00 (b)',
    ]);
    const session = shown.sessionId;
    const over = await run('wishes', { action: 'complete', session, values: { forget: ['2'] } });
    assert.equal(over.status, 'completed');
    assert.deepEqual(
      world.wishes.map(({ id }) => id),
      ['a', 'c'],
    );
  });

  it('tell the owner how things are', async () => {
    const status = await run('status', {}, OWNER);
    assert.deepEqual(
      status.form?.fields.map(({ label, values }) => `${label}: ${values[0]}`),
      ['Files: 12'],
    );
    assert.equal((await run('channels', {}, OWNER)).form?.table?.rows.length, 1);
    assert.equal((await run('rescan', {}, OWNER)).status, 'completed');
    assert.equal(world.rescans, 1);
  });

  it('read the configuration anew for the owner, and tell why nothing came of it', async () => {
    assert.equal(await refused('reload', {}, OWNER), await refused('nonsense', {}, OWNER));
    world.configuration = {
      reload: async () => ({ type: 'reloaded', changed: ['shares'], warnings: ['a folder is empty'] }),
    };
    assert.equal(await refused('reload'), await refused('nonsense'));
    assert.deepEqual((await run('reload', {}, OWNER)).notes, [
      { type: 'info', text: 'Changed: shares.' },
      { type: 'warn', text: 'a folder is empty' },
    ]);
    world.configuration = {
      reload: async () => ({ type: 'refused', why: ['node.yaml:3: shares: must be a list'] }),
    };
    assert.deepEqual((await run('reload', {}, OWNER)).notes, [
      { type: 'error', text: 'Nothing was changed.' },
      { type: 'error', text: 'node.yaml:3: shares: must be a list' },
    ]);
  });

  it('are nobody else’s to go on with, nor those of another command', async () => {
    const { sessionId: session } = await run('find');
    const values = { text: 'romeo' };
    const none = await refused('find', { action: 'next', session: 'none', values });
    assert.match(none, /^modify\|bad-request\|.*\|bad-sessionid$/);
    assert.equal(await refused('find', { action: 'next', session, values }, ROMEO), none);
    assert.equal(
      await refused('find', { action: 'cancel', session }, parseJid('juliet@example.org/phone')),
      none,
    );
    assert.equal(await refused('browse', { action: 'next', session }), none);
    assert.equal((await run('find', { action: 'cancel', session })).status, 'canceled');
  });

  it('expire, and hold a bounded number of sessions of one asker', async () => {
    const { sessionId: first } = await run('find');
    await world.clock.advance(9 * 60_000);
    await run('find', { action: 'next', session: first, values: { text: 'nothing at all' } });
    await world.clock.advance(9 * 60_000);
    assert.equal(world.commands.sessionCount, 1);
    await world.clock.advance(3 * 60_000);
    assert.equal(world.commands.sessionCount, 0);
    assert.match(
      await refused('find', { action: 'next', session: first }),
      /^cancel\|not-allowed\|.*session-expired$/,
    );
    for (let at = 0; at < 20; at += 1) await run('find');
    assert.equal(world.commands.sessionCount, 5);
    await run('find', {}, ROMEO);
    assert.equal(world.commands.sessionCount, 6);
  });

  it('of others go on, however many accounts of a domain begin some', async () => {
    const { sessionId: session } = await run('find');
    for (let at = 0; at < 250; at += 1) await run('find', {}, parseJid(`u${at}@bad.example/x`));
    assert.equal(world.commands.sessionCount, 51);
    const values = { text: 'nothing at all' };
    assert.equal((await run('find', { action: 'next', session: session ?? '', values })).status, 'executing');
  });

  it('begin by execute, and are told what was wrong by the conditions of XEP-0050', async () => {
    assert.match(await refused('find', { action: 'next' }), /bad-action$/);
    const { sessionId: session } = await run('find');
    assert.match(await refused('find', { action: 'complete', session }), /bad-action$/);
    const wrong = await run('find', { session, values: { 'size-min': 'much' } });
    assert.equal(wrong.notes[0]?.type, 'error');
    assert.deepEqual(wrong.form?.fields.find((field) => field.var === 'size-min')?.values, ['much']);
  });
});
