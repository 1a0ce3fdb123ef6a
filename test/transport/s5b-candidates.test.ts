/** Which candidates we announce, and with which priorities. */
import assert from 'node:assert/strict';
import { parseJid } from '../../src/stanza/jid.js';
import { candidatePriority } from '../../src/stanza/xep0260-jingle-s5b.js';
import { ownCandidates } from '../../src/transport/s5b-candidates.js';

describe('ownCandidates', () => {
  const addresses = Array.from({ length: 10 }, (_, index) => ({
    host: `192.0.2.${index}`,
    port: 7000,
    type: 'direct' as const,
  }));
  const proxies = [{ jid: parseJid('proxy.example.org'), host: '192.0.2.99', port: 7777 }];
  const own = () => ownCandidates({ self: parseJid('a@example.org/b'), addresses, proxies, taken: [] });

  it('puts them in the order in which they are best, proxies last', () => {
    const priorities = own().map(({ priority }) => priority);
    assert.deepEqual(
      priorities,
      priorities.toSorted((a, b) => b - a),
    );
    assert.equal(new Set(priorities).size, priorities.length);
    assert.equal(own().at(-1)?.type, 'proxy');
  });

  it('gives none the priority of one of Dino’s, which breaks ties the other way round', () => {
    // Dino 0.4.2 counts down from 2^15, for direct candidates and for proxies.
    const dinos = Array.from({ length: 20 }, (_, index) => 2 ** 15 - index);
    const taken = new Set(
      ['direct', 'proxy'].flatMap((type) =>
        dinos.map((preference) => candidatePriority(type as 'direct' | 'proxy', preference)),
      ),
    );
    for (const { priority } of own()) assert.ok(!taken.has(priority), String(priority));
  });

  it('stays below each direct one of an offer that it answers', () => {
    const offered = (preference: number, type: 'direct' | 'proxy' = 'direct') => ({
      cid: String(preference),
      host: '198.51.100.1',
      port: 1000 + preference,
      priority: candidatePriority(type, preference),
      type,
    });
    const answer = (...taken: ReturnType<typeof offered>[]) =>
      ownCandidates({ self: parseJid('a@example.org/b'), addresses, proxies, taken });
    const priorities = answer(offered(41_000), offered(300), offered(5, 'proxy')).map(
      ({ priority }) => priority,
    );
    assert.ok(Math.max(...priorities) < candidatePriority('direct', 300));
    assert.equal(new Set(priorities).size, priorities.length);
    const kinds = (all: readonly { readonly priority: number }[]) =>
      all.map(({ priority }) => Math.floor(priority / 65_536));
    assert.deepEqual(kinds(answer(offered(3))), kinds(own()), 'without room below, each keeps its kind');
  });

  it('offers nothing that the peer has offered', () => {
    const [first] = own();
    assert.ok(first);
    const candidates = ownCandidates({
      self: first.jid ?? parseJid('a@b/c'),
      addresses,
      proxies,
      taken: [first],
    });
    assert.deepEqual(
      candidates.map(({ host }) => host),
      own()
        .slice(1)
        .map(({ host }) => host),
    );
  });
});
