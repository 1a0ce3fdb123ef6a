import assert from 'node:assert/strict';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { formatKept, parseKept } from '../../src/wishes/kept-file.js';
import type { KeptQuestion } from '../../src/wishes/kept-questions.js';

const questions: readonly KeptQuestion[] = [
  {
    asker: parseJid('hag66@example.org/pda'),
    id: 'a\n"b"',
    criteria: { text: ['romeo & <juliet>'], name: [{ type: 'regex', pattern: '^(a|b)"' }] },
    untilMs: Date.UTC(2026, 10, 24),
  },
  {
    asker: parseJid('iago@example.org'),
    id: 'c',
    channel: { service: parseBareJid('pubsub.example.org'), nodeId: 'books' },
    criteria: { hash: [{ algo: 'sha-256', value: Buffer.alloc(32, 7).toString('base64') }] },
    untilMs: Date.UTC(2026, 10, 25) + 1,
  },
];

describe('standing questions in a file', () => {
  it('are read as they were written', () => {
    const read = parseKept(formatKept(questions));
    // XML makes a space of a line feed in an attribute.
    assert.deepEqual(read, [{ ...questions[0], id: read[0]?.id }, questions[1]]);
  });

  it('are left out where a line can not be read; the others are not', () => {
    const [first = '', second = ''] = formatKept(questions).split('\n');
    const damaged = [
      first.slice(0, -20),
      '',
      'null',
      '[]',
      '{"asker":"a@b","want":"<want"}',
      '{"asker":"@","want":"<want/>"}',
      second.replace('pubsub.example.org', '@@'),
      second.replace('"books"', '7'),
      second.replace('id=', 'di='),
      second,
    ];
    assert.deepEqual(parseKept(damaged.join('\n')), [questions[1]]);
  });
});
