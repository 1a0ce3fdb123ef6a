/** What is shown of folders when rules change meanwhile, and what looking costs. */
import assert from 'node:assert/strict';
import { type AccessPolicy, allowAll } from '../../src/access/access-policy.js';
import { AbortedError } from '../../src/errors.js';
import { discoItemsCodec, discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import { retrieveToXml } from '../../src/stanza/xep0135-file-sharing.js';
import { sharedFilesQueryCodec } from '../../src/stanza/xep0329-file-information-sharing.js';
import { xml } from '../../src/stanza/xml.js';
import { put } from '../support/file-entries.js';
import { DoorWorld } from './door-world.js';

const NOBODY: AccessPolicy = {
  viewOf: () => ({ key: 'nobody', maySee: () => false, mayTake: () => false, verdict: () => 'none' }),
};
const look = (path: string) => sharedFilesQueryCodec.toXml({ path, page: {} });

describe('shared folders', () => {
  let world: DoorWorld;
  afterEach(() => world.stop());

  it('show nothing by rules that are others when the wait for a hash is over', async () => {
    world = new DoorWorld({
      hashNow: () => {
        world.access = NOBODY;
        return Promise.reject(new AbortedError('too late'));
      },
    });
    await world.start([put('a/b.txt')]);
    for (const question of [look('a/b.txt'), look('a'), discoQueryToXml('info', 'files/a/b.txt')]) {
      world.access = allowAll;
      assert.match(await world.refused('get', question), /item-not-found/, question.toString());
    }
  });

  it('show nothing by rules that are others when all folders have been looked at', async () => {
    world = new DoorWorld();
    await world.start([put('a/b.txt'), put('c/d.txt')]);
    const view = allowAll.viewOf({ jid: world.entity.jid });
    let looks = 0;
    const closing = (key: string): AccessPolicy => ({
      viewOf: () => ({
        ...view,
        key,
        verdict: () => {
          looks += 1;
          world.access = NOBODY;
          return 'all';
        },
      }),
    });
    world.access = closing('one');
    assert.match(await world.refused('get', look('a')), /item-not-found/);
    world.access = closing('two');
    assert.doesNotMatch(await world.refused('get', look('')), /directory/);
    world.access = closing('three');
    assert.match(await world.refused('get', retrieveToXml({ type: 'tree' })), /item-not-found/);
    assert.deepEqual(world.made, []);
    const top = await world.ask('get', discoQueryToXml('items', 'files'));
    assert.deepEqual(discoItemsCodec.fromXml(top ?? xml('nothing')).items, []);
    assert.ok(looks > 0);
  });

  it('cost who looks into one after the other what the looks take', async () => {
    world = new DoorWorld({ budget: { searchMsPerAskerPerMinute: 20 } });
    let nowMs = 0;
    world.clock.monotonic = () => {
      nowMs += 0.05;
      return nowMs;
    };
    const files = Array.from({ length: 40_000 }, (_, at) => put(`a/${at % 40}/${at}.txt`));
    await world.start(files);
    const answers: string[] = [];
    for (let at = 0; at < 40; at += 1) answers.push(await world.refused('get', look(`a/${at}`)));
    const first = answers.findIndex((answer) => answer.includes('resource-constraint'));
    assert.ok(first > 1, `${first}`);
    assert.equal(answers.slice(first).filter((answer) => answer.startsWith('answered')).length, 0);
  });
});
