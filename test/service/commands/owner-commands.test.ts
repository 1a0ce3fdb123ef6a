import assert from 'node:assert/strict';
import type { OwnersConfiguration } from '../../../src/service/commands/owner-commands.js';
import type { ReloadResult } from '../../../src/service/commands/reload-stage.js';
import { parseBareJid } from '../../../src/stanza/jid.js';
import {
  type CommandAction,
  commandAnswerCodec,
  commandRequestCodec,
} from '../../../src/stanza/xep0050-commands.js';
import { type Element, xml } from '../../../src/stanza/xml.js';
import { DoorWorld, JULIET, OWNER } from '../door-world.js';

type Values = Readonly<Record<string, string | readonly string[]>>;

const MALLORY = parseBareJid('mallory@elsewhere.example');

describe('commands of owners', () => {
  let world: DoorWorld;

  beforeEach(async () => {
    world = new DoorWorld();
    await world.start();
  });
  afterEach(async () => {
    await world.stop();
    assert.equal(world.clock.pendingTimers, 0);
  });

  function request(
    nodeId: string,
    action: CommandAction = 'execute',
    session?: string,
    values?: Values,
  ): Element {
    const fields = Object.entries(values ?? {}).map(([name, value]) => ({
      var: name,
      values: [value].flat(),
    }));
    return commandRequestCodec.toXml({
      nodeId,
      action,
      ...(session !== undefined && { sessionId: session }),
      ...(values && { form: { type: 'submit', fields } }),
    });
  }
  const run = async (...[nodeId, ...rest]: Parameters<typeof request>) =>
    commandAnswerCodec.fromXml((await world.ask('set', request(nodeId, ...rest), OWNER)) ?? xml('nothing'));
  const topic = async (name: string) => {
    const { sessionId } = await run('bans');
    return await run('bans', 'next', sessionId, { topic: name });
  };
  const ban = async (values: Values) => {
    const { sessionId } = await topic('ban');
    return await run('bans', 'complete', sessionId, values);
  };
  const texts = ({ notes }: Awaited<ReturnType<typeof run>>) => notes.map(({ text }) => text);
  const rows = ({ form }: Awaited<ReturnType<typeof run>>) =>
    form?.table?.rows.map((row) => row.flatMap(({ values }) => values));
  const labels = ({ form }: Awaited<ReturnType<typeof run>>, field: string) =>
    form?.fields.find((each) => each.var === field)?.options?.map(({ label }) => label);

  it('are not there for others', async () => {
    world.places = ['/srv/files'];
    world.configuration = configuration({ type: 'reloaded', changed: [], warnings: [] });
    const none = await world.refused('set', request('nonsense'), JULIET);
    for (const nodeId of ['bans', 'add-share', 'remove-share', 'reload', 'status']) {
      assert.equal(await world.refused('set', request(nodeId), JULIET), none, nodeId);
      assert.equal((await run(nodeId)).nodeId, nodeId);
    }
  });

  it('are there no longer for who is an owner no longer, in the middle of one', async () => {
    const { sessionId } = await topic('ban');
    world.owners = [];
    const none = await world.refused('set', request('nonsense'), OWNER);
    const late = request('bans', 'complete', sessionId, { who: 'mallory@elsewhere.example' });
    assert.equal(await world.refused('set', late, OWNER), none);
    assert.deepEqual(world.bans.list(), []);
  });

  it('ban an account or a domain, for a while or for good', async () => {
    assert.deepEqual(texts(await topic('bans')), ['Nobody is banned.']);
    assert.deepEqual(
      texts(await ban({ who: 'mallory@elsewhere.example/x', for: '2h', reason: 'flooded us' })),
      [
        'Banned: mallory@elsewhere.example, since 1970-01-01, for another 2:00:00: flooded us'.replace(
          '1970-01-01',
          new Date(world.clock.now()).toISOString().slice(0, 10),
        ),
      ],
    );
    assert.equal((await ban({ who: 'bad.example' })).status, 'completed');
    assert.deepEqual(
      world.bans.list().map(({ who, untilMs }) => [who, untilMs]),
      [
        [MALLORY, world.clock.now() + 7_200_000],
        ['bad.example', undefined],
      ],
    );
    assert.equal(world.bans.covering(MALLORY)?.reason, 'flooded us');
  });

  it('take bans back, of which they show the last ones first', async () => {
    for (let at = 0; at < 60; at += 1) world.bans.add(parseBareJid(`m${at}@elsewhere.example`));
    const first = await topic('bans');
    assert.equal(labels(first, 'lift')?.length, 50);
    assert.match(labels(first, 'lift')?.[0] ?? '', /^m59@elsewhere\.example, since [\d-]+, for good$/);
    const second = await run('bans', 'next', first.sessionId, { lift: [] });
    assert.equal(labels(second, 'lift')?.length, 10);
    const over = await run('bans', 'next', first.sessionId, {
      lift: ['10', labels(second, 'lift')?.[0] ?? ''],
    });
    assert.deepEqual(texts(over), [
      'm9@elsewhere.example is no longer banned.',
      'm0@elsewhere.example is no longer banned.',
    ]);
    assert.equal(world.bans.list().length, 58);
  });

  it('tell what is wrong with a ban, on the same page', async () => {
    for (const [values, text] of [
      [{ who: '' }, /^Who: write/],
      [{ who: 'a@b@c' }, /./],
      [{ who: 'mallory@elsewhere.example', for: 'long' }, /^For how long: write/],
      [{ who: 'mallory@elsewhere.example', for: '99999w' }, /^For how long: write/],
      [{ who: 'owner@example.org' }, /keep an owner away: owner@example\.org/],
      [{ who: 'example.org' }, /keep an owner away/],
    ] as const) {
      const again = await ban(values);
      assert.deepEqual([again.status, again.notes[0]?.type], ['executing', 'error'], JSON.stringify(values));
      assert.match(texts(again)[0] ?? '', text);
    }
    assert.deepEqual(world.bans.list(), []);
  });

  it('show who was turned away, and the limits', async () => {
    assert.deepEqual(rows(await topic('refusals')), [['queriesPerAskerPerMinute', '12']]);
    assert.deepEqual(rows(await topic('Limits in force')), [['limits.uploads', '32']]);
  });

  const asked: unknown[] = [];
  function configuration(outcome: ReloadResult): OwnersConfiguration {
    asked.length = 0;
    const answer = async (...what: unknown[]) => {
      asked.push(what);
      return outcome;
    };
    return { reload: answer, editor: { addShare: answer, removeShare: answer } };
  }

  it('add a share, where the configuration says that they may, and remove one', async () => {
    const none = await world.refused('set', request('nonsense'), OWNER);
    assert.equal(await world.refused('set', request('remove-share'), OWNER), none);
    world.configuration = configuration({ type: 'reloaded', changed: ['shares'], warnings: ['slow disk'] });
    assert.equal(await world.refused('set', request('add-share'), OWNER), none);
    world.places = ['/srv/files'];
    const { sessionId, form } = await run('add-share');
    assert.match(form?.instructions ?? '', /somewhere in \/srv\/files\.$/);
    const added = await run('add-share', 'complete', sessionId, { path: '/srv/files/music/', name: '' });
    assert.deepEqual(texts(added), [
      'music is shared now; what is in it can be found when it has been looked through.',
      'Changed: shares.',
      'slow disk',
    ]);
    const going = await run('remove-share');
    assert.deepEqual(labels(going, 'name'), ['books', 'many']);
    const gone = await run('remove-share', 'complete', going.sessionId, { name: 'many' });
    assert.equal(texts(gone)[0], 'many is no longer shared.');
    assert.deepEqual(asked, [
      [{ name: 'music', path: '/srv/files/music/' }, 'owner@example.org'],
      ['many', 'owner@example.org'],
    ]);
  });

  it('show the page again where a share is refused', async () => {
    world.configuration = configuration({ type: 'refused', why: ['it is no folder', 'and more'] });
    world.places = ['/srv/files'];
    const { sessionId } = await run('add-share');
    const again = await run('add-share', 'complete', sessionId, { path: '/etc', name: 'x' });
    assert.deepEqual(
      [again.status, texts(again)],
      ['executing', ['Nothing was changed: it is no folder; and more']],
    );
    assert.deepEqual(
      again.form?.fields.map(({ values }) => values[0]),
      ['/etc', 'x'],
    );
    const other = await run('remove-share');
    assert.equal(
      (await run('remove-share', 'complete', other.sessionId, { name: 'letters' })).notes[0]?.type,
      'info',
    );
    assert.equal(asked.length, 1);
  });
});
