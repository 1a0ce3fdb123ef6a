import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseArguments } from '../../src/cli/arguments.js';
import { criteriaOf } from '../../src/cli/criteria-arguments.js';
import { findCommand } from '../../src/cli/find.js';
import { UsageError } from '../../src/cli/usage-error.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { fileCriteriaCodec } from '../../src/stanza/file-criteria-form.js';

const of = (...argv: string[]) => criteriaOf(parseArguments(findCommand.spec, argv));
const DIGEST = createHash('sha256').update('x').digest();
const HASH = { algo: 'sha-256', value: DIGEST.toString('base64') } as const;

describe('criteria on the command line', () => {
  const cases: readonly (readonly [readonly string[], FileCriteria])[] = [
    [['romeo', 'juliet'], { text: ['romeo juliet'] }],
    [['romeo -audio "a b"'], { text: ['romeo -audio "a b"'] }],
    [
      ['--name', 'a', '--name', 'b'],
      {
        name: [
          { type: 'contains', value: 'a' },
          { type: 'contains', value: 'b' },
        ],
      },
    ],
    [['--regex', '^a.*b$'], { name: [{ type: 'regex', pattern: '^a.*b$' }] }],
    [['--ext', '.PDF', '--ext', 'epub'], { ext: ['PDF', 'epub'] }],
    [['--type', 'Audio', '--type', 'image/png'], { mediaType: ['audio/*', 'image/png'] }],
    [['--size-min', '1k', '--size-max', '2MiB'], { sizeMin: 1000, sizeMax: 2_097_152 }],
    [['--after', '2026-01-02'], { dateFromMs: Date.UTC(2026, 0, 2) }],
    [['--before', '2026-01-02T03:04:05+01:00'], { dateBeforeMs: Date.UTC(2026, 0, 2, 2, 4, 5) }],
    [['--hash', `sha-256:${HASH.value}`], { hash: [HASH] }],
    [
      ['--hash', `SHA-256:${DIGEST.toString('hex')}`, '--hash', DIGEST.toString('hex')],
      { hash: [HASH, HASH] },
    ],
  ];
  for (const [argv, criteria] of cases) {
    it(`${argv.join(' ')}`, () => {
      assert.deepEqual(of(...argv), criteria);
      // What can't be written on the wire can't be asked for.
      assert.doesNotThrow(() => fileCriteriaCodec.toXml(of(...argv)));
    });
  }

  it('keeps the limits on dates exact on the wire: from the first, before the second', () => {
    const asked = of('--after', '2026-01-02', '--before', '2026-01-03');
    assert.deepEqual(fileCriteriaCodec.fromXml(fileCriteriaCodec.toXml(asked)), asked);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /say what to look for/],
    [['  '], /say what to look for/],
    [['--name', ''], /--name needs a value/],
    [['--name', 'a', '--regex', 'b'], /--name and --regex both test the name/],
    [['--regex', 'a', '--regex', 'b'], /--regex can be given once/],
    [['--regex', '(('], /^--regex is not an extended regular expression at character 2/],
    [['--size-min', '2', '--size-max', '1'], /^--size-min is larger than --size-max$/],
    [['--after', '2020', '--before', '2019-01-01'], /^--after must be a date/],
    [['--after', '2020-01-01', '--before', '2019-01-01'], /^--after is later than --before$/],
    [['-pdf'].map((word) => ` ${word}`), /^TEXT says only what to leave out$/],
    [['--size-min', 'x'], /--size-min must be a size/],
    [['--after', 'yesterday'], /--after must be a date/],
    [['--before', '2026-02-30'], /--before must be a date/],
    [['--hash', 'abc'], /--hash must look like sha-256:BASE64/],
    [['--hash', `md5:${HASH.value}`], /--hash must look like/],
    [['--hash', `sha-512:${HASH.value}`], /--hash must look like/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ') || 'nothing at all'}`, () => {
      assert.throws(
        () => of(...argv),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
