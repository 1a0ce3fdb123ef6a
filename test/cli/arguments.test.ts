import assert from 'node:assert/strict';
import { type CommandSpec, helpText, parseArguments } from '../../src/cli/arguments.js';
import { findCommand } from '../../src/cli/find.js';
import { getCommand } from '../../src/cli/get.js';
import { reloadCommand } from '../../src/cli/reload.js';
import { serveCommand } from '../../src/cli/serve.js';
import { startCommand } from '../../src/cli/start.js';
import { statusCommand } from '../../src/cli/status.js';
import { UsageError } from '../../src/cli/usage-error.js';

const spec: CommandSpec = {
  name: 'try',
  summary: 'Tries.',
  words: '[WORD]',
  maxWords: 1,
  flags: [
    { name: 'size', short: 's', value: 'N', help: 'A size.' },
    { name: 'ext', value: 'E', repeatable: true, help: 'An extension.' },
    { name: 'json', help: 'JSON.' },
  ],
  notes: ['A note.'],
};

describe('arguments', () => {
  it('are words and flags in any order', () => {
    const args = parseArguments(spec, ['--ext', 'a', 'word', '-s', '5', '--ext=b', '--json']);
    assert.deepEqual(args.words, ['word']);
    assert.equal(args.get('size'), '5');
    assert.deepEqual(args.all('ext'), ['a', 'b']);
    assert.ok(args.has('json') && !args.has('help'));
  });

  it('take the last where one stands twice, and words after --', () => {
    const args = parseArguments(spec, ['--size=1', '--size=2', '--', '--json']);
    assert.equal(args.get('size'), '2');
    assert.deepEqual(args.words, ['--json']);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--jsn'], /there is no option '--jsn'; did you mean '--json'\?/],
    [['--colour'], /there is no option '--colour'$/],
    [['-x'], /there is no option '-x'$/],
    [['-x', '-word'], /there is no option '-x'; .* goes behind --: shoal try -- -word$/],
    [['--size'], /^--size needs a value: --size N$/],
    [['--size', '-3'], /^--size needs a value: --size N; one with a dash in front is written --size=-…$/],
    [['--ext', '--json'], /^--ext needs a value: --ext E/],
    [['--json=1'], /^--json takes no value$/],
    [['a', 'b'], /'b' is one word too many/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuse ${argv.join(' ')}`, () => {
      assert.throws(
        () => parseArguments(spec, argv),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  it('say how to leave words out of a search', () => {
    assert.throws(() => parseArguments(findCommand.spec, ['romeo', '-audio']), /shoal find 'romeo -audio'/);
  });

  it('are told by the help of every command, in lines that fit', () => {
    for (const { spec: each } of [
      findCommand,
      getCommand,
      reloadCommand,
      serveCommand,
      startCommand,
      statusCommand,
    ]) {
      const help = helpText(each);
      for (const flag of each.flags) assert.ok(help.includes(`--${flag.name}`), flag.name);
      for (const line of help.split('\n')) assert.ok(line.length <= 112, `${each.name}: ${line}`);
      assert.match(help, new RegExp(`^usage: shoal ${each.name}`));
    }
  });
});
