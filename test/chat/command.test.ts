import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_COMMAND_CHARS, parseCommand } from '../../src/chat/command.js';
import type { Saying } from '../../src/chat/conversation-machine.js';
import { textOf } from '../../src/chat/saying.js';

describe('commands in a chat', () => {
  it('are words that people type', () => {
    assert.deepEqual(parseCommand('find juliet pdf'), { type: 'find', words: 'juliet pdf' });
    assert.deepEqual(parseCommand('  Find  name:"a b" -c  '), { type: 'find', words: 'name:"a b" -c' });
    assert.deepEqual(parseCommand('/search x'), { type: 'find', words: 'x' });
    assert.deepEqual(parseCommand('more'), { type: 'more' });
    assert.deepEqual(parseCommand('HELP'), { type: 'help' });
    assert.deepEqual(parseCommand('?'), { type: 'help' });
    assert.deepEqual(parseCommand('stop'), { type: 'stop' });
  });

  it('browse the top, a folder as it is written, or one of the list', () => {
    assert.deepEqual(parseCommand('browse'), { type: 'browse', folder: '' });
    assert.deepEqual(parseCommand('browse /'), { type: 'browse', folder: '' });
    assert.deepEqual(parseCommand('browse books/'), { type: 'browse', folder: 'books' });
    assert.deepEqual(parseCommand('ls "books/my plays/"'), { type: 'browse', folder: 'books/my plays' });
    assert.deepEqual(parseCommand('browse 3'), { type: 'browse-number', number: 3 });
    assert.deepEqual(parseCommand('browse "3"'), { type: 'browse', folder: '3' });
  });

  it('get files by number, several at once, or by path', () => {
    assert.deepEqual(parseCommand('get 2'), { type: 'get', numbers: [2] });
    assert.deepEqual(parseCommand('get 2, 5-7 6'), { type: 'get', numbers: [2, 5, 6, 7] });
    assert.deepEqual(parseCommand('get books/a b.pdf'), { type: 'get-path', path: 'books/a b.pdf' });
  });

  it('cost no more to read than their bound, however many files are asked for', () => {
    const command = parseCommand('get 1-9999 1-9999 1-9999');
    assert.equal(command.type === 'get' && command.numbers.length, 11);
  });

  it('are nothing else', () => {
    const texts = [
      'hello',
      'helpful',
      'find\nme',
      'more or less',
      'help me',
      'stop it',
      '',
      '12',
      'get //',
      'get 9-2',
    ];
    for (const text of [...texts, `find ${'x'.repeat(MAX_COMMAND_CHARS)}`]) {
      assert.equal(parseCommand(text).type, 'strange', text);
    }
  });

  it('are never what we say ourselves', () => {
    const name = fc.string({ unit: 'binary' });
    const subject = fc.oneof(
      fc.record({ type: fc.constant('find' as const), words: name }),
      fc.record({ type: fc.constant('browse' as const), folder: name }),
    );
    const item = fc.oneof(
      fc.record({ type: fc.constant('folder' as const), path: name }),
      fc.record({
        type: fc.constant('file' as const),
        path: name,
        name,
        size: fc.option(fc.nat(), { nil: undefined }),
      }),
    );
    const saying: fc.Arbitrary<Saying> = fc.oneof(
      fc.constantFrom<Saying>(
        ...(
          [
            'help',
            'not-understood',
            'encrypted',
            'busy',
            'stopped',
            'no-more',
            'no-list',
            'not-there',
          ] as const
        ).map((type) => ({ type })),
      ),
      fc.record({
        type: fc.constant('page' as const),
        subject,
        items: fc.array(item, { maxLength: 12 }),
        first: fc.nat(),
        total: fc.nat(),
        pending: fc.nat(3),
        hasMore: fc.boolean(),
      }),
      fc.record({ type: fc.constant('nothing' as const), subject, pending: fc.nat(3) }),
      fc.record({
        type: fc.constant('no-such-number' as const),
        number: fc.nat(),
        first: fc.nat(),
        last: fc.nat(),
      }),
      fc.record({ type: fc.constantFrom('is-folder' as const, 'is-file' as const), number: fc.nat() }),
      fc.record({ type: fc.constant('too-many-at-once' as const), max: fc.nat() }),
      fc.record({ type: fc.constant('failed' as const), reason: name }),
    );
    fc.assert(
      fc.property(saying, (each) => {
        const text = textOf(each);
        assert.equal(parseCommand(text).type, 'strange', text);
        assert.ok(text.length < 4000, 'short enough for a telephone');
        assert.doesNotMatch(text, /[\u202e\u0007\u2028]/u, 'nothing that a client would obey');
      }),
    );
  });

  it('are never what we say ourselves: words repeated in a reason', () => {
    const text = textOf({ type: 'failed', reason: `'\u0007\u202e\n${'x'.repeat(1100)}' is no word` });
    assert.match(text, /^That did not work: '\ufffd\ufffd\ufffdx+…x+' is no word$/);
    assert.ok(text.length < 600);
  });
});
