/** Whatever is said at the doors for clients, it is answered, and never by a fault of ours. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NS } from '../../src/stanza/namespaces.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { put } from '../support/file-entries.js';
import { DoorWorld, SHA } from './door-world.js';

const text = fc.oneof(
  fc.constantFrom(
    '',
    'find',
    'browse',
    'wishes',
    'reload',
    'status',
    'juliet',
    'a',
    'a/b.txt',
    '/a/',
    '..',
    'a/../a',
  ),
  fc.constantFrom(
    'files',
    'files/a',
    'files//',
    'files/a/b.txt',
    NS.commands,
    '%2e%2e',
    '\u0000',
    '1',
    '-1',
    '9e99',
  ),
  fc.constantFrom(
    'true',
    '[',
    'fYQBiAA',
    'dYQA',
    'text -x',
    '*',
    '2026-13-45',
    '1 MB',
    'any',
    'audio',
    'submit',
    'form',
  ),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
);
const field = fc
  .tuple(
    fc.constantFrom(
      'text',
      'kind',
      'name',
      'path',
      'ext',
      'size-min',
      'date-max',
      'order',
      'files',
      'folder',
      'cancel',
      '',
    ),
    fc.array(text, { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([name, values, hasRegex]) =>
    xml(
      'field',
      { var: name },
      values.map((value) => xml('value', {}, value)),
      hasRegex && xml('validate', { xmlns: NS.validate }, xml('regex', {}, '(')),
    ),
  );
const form = fc
  .tuple(
    fc.constantFrom('submit', 'submit', 'submit', 'form', 'cancel', 'odd'),
    fc.array(field, { maxLength: 6 }),
  )
  .map(([type, fields]) => xml('x', { xmlns: NS.dataForms, type }, fields));
const set = fc
  .tuple(
    fc.constantFrom('max', 'after', 'before', 'index'),
    text,
    fc.constantFrom('max', 'after', 'before'),
    text,
  )
  .map(([one, a, other, b]) => xml('set', { xmlns: NS.rsm }, xml(one, {}, a), xml(other, {}, b)));
const inside = fc.array(fc.oneof(form, set, text), { maxLength: 3 });
const attributes = fc.record({
  node: text,
  path: fc.option(text, { nil: undefined }),
  action: fc.constantFrom(undefined, 'execute', 'next', 'prev', 'complete', 'cancel', 'odd'),
  sessionid: fc.option(text, { nil: undefined }),
});
const payload: fc.Arbitrary<Element> = fc
  .tuple(
    fc.constantFrom(
      ['query', NS.search],
      ['query', NS.fis],
      ['query', NS.discoInfo],
      ['query', NS.discoItems],
      ['retrieve', NS.files],
      ['command', NS.commands],
      ['vCard', NS.vcard],
      ['time', NS.time],
    ),
    attributes,
    inside,
  )
  .map(([[name = '', xmlns], attrs, children]) => xml(name, { xmlns, ...attrs }, children));

describe('the doors, whatever is said at them', function () {
  this.timeout(60_000);

  it('answer everything, and never with a fault of their own', async () => {
    const world = new DoorWorld();
    await world.start([put('a/b.txt', { sha256: SHA }), put('a/c/d.pdf', { sha256: SHA }), put('e/f')]);
    try {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom('get', 'set'), payload, async (type, element) => {
          const answer = await world.refused(type, element);
          assert.doesNotMatch(answer, /internal-server-error/);
        }),
        { numRuns: 2000 },
      );
      for (const [, path] of world.offered) assert.ok(['a/b.txt', 'a/c/d.pdf', 'e/f'].includes(path), path);
    } finally {
      await world.stop();
    }
  });

  it('go on with a command whatever is filled in', async () => {
    const world = new DoorWorld();
    await world.start([put('a/b.txt', { sha256: SHA }), put('a/c/d.pdf', { sha256: SHA })]);
    const step = fc.tuple(fc.constantFrom('next', 'prev', 'complete', 'execute', 'cancel'), form);
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('find', 'browse', 'transfers', 'wishes'),
          fc.array(step, { maxLength: 6 }),
          async (node, steps) => {
            const begun = await world.ask('set', xml('command', { xmlns: NS.commands, node }));
            const sessionid = begun?.attrs.sessionid as string;
            for (const [action, filled] of steps) {
              const element = xml('command', { xmlns: NS.commands, node, sessionid, action }, filled);
              assert.doesNotMatch(await world.refused('set', element), /internal-server-error/);
            }
          },
        ),
        { numRuns: 300 },
      );
      assert.ok(world.commands.sessionCount <= 5);
    } finally {
      await world.stop();
    }
  });
});
