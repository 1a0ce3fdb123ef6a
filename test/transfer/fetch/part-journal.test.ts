import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJid } from '../../../src/stanza/jid.js';
import type { KnownFile } from '../../../src/transfer/fetch/known-file.js';
import { formatJournal, parseJournal } from '../../../src/transfer/fetch/part-journal.js';
import { sha256 } from '../../support/memory-sources.js';

const optional = { requiredKeys: [], noNullPrototype: true };
const hash = fc.string().map((text) => sha256(Buffer.from(text)));
const source = fc.record(
  { jid: fc.constant(parseJid('a@b.example/c')), path: fc.string() },
  { requiredKeys: ['jid'], noNullPrototype: true },
);
const file: fc.Arbitrary<KnownFile> = fc.record(
  {
    asked: hash,
    name: fc.string({ unit: 'binary' }),
    askedSize: fc.maxSafeNat(),
    range: fc.record(
      { offset: fc.maxSafeNat(), length: fc.maxSafeNat() },
      { requiredKeys: ['offset'], noNullPrototype: true },
    ),
    told: fc.record(
      { hashes: fc.array(hash), size: fc.maxSafeNat(), dateMs: fc.maxSafeInteger(), source },
      { requiredKeys: ['hashes', 'source'], noNullPrototype: true },
    ),
  },
  optional,
);

describe('the journal of a part', () => {
  const good = {
    file: { asked: sha256(Buffer.from('x')), name: 'x' },
    syncedBytes: 3,
    provenBytes: 2,
    senders: ['a.example'],
  };

  it('says after reading what it said before writing', () => {
    const journals = fc.record(
      {
        file,
        syncedBytes: fc.maxSafeNat(),
        provenBytes: fc.maxSafeNat(),
        senders: fc.array(fc.string(), { maxLength: 5 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(journals, (journal) => {
        assert.deepEqual(parseJournal(formatJournal(journal)), journal);
      }),
    );
  });

  it('is none when any of it is wrong', () => {
    const text = formatJournal(good);
    assert.ok(parseJournal(text));
    for (const broken of [
      '',
      'null',
      '[]',
      '{}',
      text.slice(0, -4),
      text.replace('shoal part 1', 'shoal part 9'),
      text.replace('sha-256:', 'sha-256:A'),
      text.replace('"syncedBytes": 3', '"syncedBytes": -3'),
      text.replace('"syncedBytes": 3', '"syncedBytes": "3"'),
      text.replace('"syncedBytes": 3', '"syncedBytes": 1e99'),
      text.replace('"name": "x"', '"name": 7'),
    ]) {
      assert.equal(parseJournal(broken), undefined, broken);
    }
  });
});
