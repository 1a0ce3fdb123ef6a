import assert from 'node:assert/strict';
import { FoundRows, namesOf, rowsWith, rowToJson } from '../../src/cli/found-rows.js';
import { parseJid } from '../../src/stanza/jid.js';
import { foundFile } from './found-files.js';

function rowsOf(...files: Parameters<FoundRows['add']>[0][]) {
  const rows = new FoundRows();
  for (const file of files) rows.add(file);
  return rows.rows;
}

describe('found rows', () => {
  it('join the same content from several nodes, whatever its name there', () => {
    const rows = rowsOf(
      foundFile('romeo.txt', 'a.x', { content: 'same' }),
      foundFile('other.txt', 'b.x'),
      foundFile('copy of romeo.txt', 'b.x', { content: 'same' }),
    );
    assert.deepEqual(
      rows.map((row) => [row.name, row.sources.map(({ jid, path }) => [jid, path])]),
      [
        [
          'romeo.txt',
          [
            ['a.x', 'share/romeo.txt'],
            ['b.x', 'share/copy of romeo.txt'],
          ],
        ],
        ['other.txt', [['b.x', 'share/other.txt']]],
      ],
    );
  });

  it('have the same names, whoever answers first: first what most say', () => {
    const files = [
      foundFile('b', 'a.x', { content: 'same' }),
      foundFile('a', 'b.x', { content: 'same' }),
      foundFile('z', 'c.x', { content: 'same' }),
      foundFile('z', 'd.x', { content: 'same' }),
    ];
    for (const order of [files, files.toReversed()]) {
      const [row] = rowsOf(...order);
      assert.deepEqual(row && namesOf(row), ['z', 'a', 'b']);
    }
  });

  it('of one hash come last where nobody tells the size', () => {
    const { size, ...unsized } = foundFile('r', 'a.x');
    const [hash] = unsized.hashes;
    const rows = rowsOf(unsized, { ...unsized, source: { jid: parseJid('b.x') } }, foundFile('r', 'c.x'));
    assert.deepEqual(
      rowsWith(rows, hash ?? assert.fail()).map((row) => row.size),
      [size, undefined],
    );
  });

  it('keep apart what has the same hash and another size', () => {
    assert.deepEqual(
      rowsOf(foundFile('r', 'a.x', { size: 5 }), foundFile('r', 'b.x'), foundFile('r', 'c.x')).map(
        ({ size, sources }) => [size, sources.length],
      ),
      [
        [5, 1],
        [1, 2],
      ],
    );
  });

  it('count a source once in a channel, and once more in another', () => {
    const jid = parseJid('a.x');
    const [row] = rowsOf(
      foundFile('r', 'a.x'),
      foundFile('r', 'a.x'),
      foundFile('r', 'a.x', { source: { jid, channel: 'music' } }),
    );
    assert.deepEqual(
      row?.sources.map(({ channel }) => channel),
      ['books', 'music'],
    );
  });

  it('keep files without a hash apart', () => {
    assert.equal(
      rowsOf(foundFile('r', 'a.x', { hashes: [] }), foundFile('r', 'b.x', { hashes: [] })).length,
      2,
    );
  });

  it('stay bounded when one file is said to be everywhere', () => {
    const files = Array.from({ length: 1500 }, (_, at) => foundFile('r', `n${at}.x`));
    assert.equal(rowsOf(...files)[0]?.sources.length, 1000);
  });

  it('are written as one JSON object with the keys that are promised', () => {
    const [row] = rowsOf(foundFile('romeo.txt', 'a.x'), foundFile('romeo.txt', 'b.x'));
    assert.ok(row !== undefined);
    const { value } = row.hashes[0] ?? { value: '' };
    assert.equal(
      rowToJson(row),
      `{"name":"romeo.txt","path":"share/romeo.txt","size":9,"date":"2026-11-23T00:00:00Z","mediaType":"text/plain","hashes":{"sha-256":"${value}"},"sources":[{"jid":"a.x","channel":"books"},{"jid":"b.x","channel":"books"}]}`,
    );
  });

  it('hold null in JSON for what nobody told, and no character that a terminal obeys', () => {
    const name = 'a\x1b[2J\u009b\u202e\u2028\n.txt';
    const [row] = rowsOf({ name, hashes: [], dateMs: 9e15, source: { jid: parseJid('a.x') } });
    assert.ok(row !== undefined);
    const json = rowToJson(row);
    assert.doesNotMatch(json, /[\p{Cc}\u2028\u202e]/u);
    assert.deepEqual(JSON.parse(json), {
      name,
      path: null,
      size: null,
      date: null,
      mediaType: null,
      hashes: {},
      sources: [{ jid: 'a.x', channel: null }],
    });
  });
});
