import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { Column } from '../../src/columns/column.js';
import { MadeOfTexts } from '../../src/columns/made-of-texts.js';
import { TextWriter } from '../../src/columns/text-pieces.js';
import { TextTable } from '../../src/columns/text-table.js';

function emptyTable() {
  const texts = new TextWriter({ onPiece: () => undefined, onDrop: () => undefined });
  const at = Column.uint32();
  return { texts, at, table: new TextTable({ texts, at }) };
}

const bytes = (text: string) => Buffer.from(text);

describe('TextTable', () => {
  it('finds what is held and not retired, each text once, as a map does', () => {
    const step = fc.record({ text: fc.string({ maxLength: 2 }), does: fc.constantFrom('hold', 'leave') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const { texts, at, table } = emptyTable();
        const model = new Map<string, { readonly number: number; holders: number }>();
        for (const { text, does } of steps) {
          const known = model.get(text);
          assert.equal(table.find(bytes(text)), known?.number);
          if (does === 'hold') {
            const held = known ?? { number: table.add(bytes(text)), holders: 0 };
            model.set(text, held);
            table.hold(held.number);
            held.holders += 1;
          } else if (known !== undefined) {
            known.holders -= 1;
            if (known.holders === 0) {
              table.retire(known.number);
              model.delete(text);
            }
            table.release(known.number);
          }
          for (const [each, { number }] of model)
            assert.equal(Buffer.from(texts.bytesAt(at.get(number))).toString(), each);
        }
      }),
    );
  });

  it('gives a text that is retired and comes back another number while somebody has the old one', () => {
    const { texts, at, table } = emptyTable();
    const old = table.add(bytes('a'));
    table.hold(old);
    table.retire(old);
    const other = table.add(bytes('a'));
    assert.notEqual(other, old);
    assert.equal(Buffer.from(texts.bytesAt(at.get(old))).toString(), 'a');
    table.release(old);
    assert.equal(table.find(bytes('a')), other);
    assert.equal(table.add(bytes('b')), old, 'it is used again when nobody has it');
  });
});

describe('what is made of texts', () => {
  it('is made once of each text, and never taken for that of another in its place', () => {
    const { texts, at, table } = emptyTable();
    const made = new MadeOfTexts<string | null>({ texts });
    const asked: string[] = [];
    const upperCaseOf = (number: number) =>
      made.of(at.get(number), () => {
        const text = Buffer.from(texts.bytesAt(at.get(number))).toString();
        asked.push(text);
        return text === '' ? null : text.toUpperCase();
      });
    const [a, b] = [table.add(bytes('a')), table.add(bytes(''))];
    for (const number of [a, b]) table.hold(number);
    assert.deepEqual(
      [upperCaseOf(b), upperCaseOf(a), upperCaseOf(b), upperCaseOf(a)],
      [null, 'A', null, 'A'],
    );
    table.retire(a);
    table.release(a);
    const c = table.add(bytes('c'));
    assert.equal(c, a);
    assert.equal(upperCaseOf(c), 'C');
    assert.deepEqual(asked, ['', 'a', 'c']);
  });
});
