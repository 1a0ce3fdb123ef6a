import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TextStore } from '../../src/query/text-store.js';

describe('TextStore', () => {
  it('gives every text back as it was, however often others were replaced', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('', 'Ünder', 'Война и мир', 'lone \ud800 and \udce9', 'x'.repeat(70_000)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), text, text, fc.boolean()), { maxLength: 60 }), (steps) => {
        const store = new TextStore();
        const model = new Map<number, { name: string; desc: string }>();
        for (const [slot, name, desc, tidies] of steps) {
          if (model.has(slot)) store.remove(slot);
          store.set(slot, { name, desc });
          model.set(slot, { name, desc });
          if (tidies) while (store.tidy());
        }
        for (const [slot, texts] of model) {
          assert.deepEqual({ name: store.name(slot), desc: store.desc(slot) }, texts);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('empties blocks that are mostly waste', () => {
    const store = new TextStore();
    const name = 'n'.repeat(1000);
    for (let slot = 0; slot < 200; slot++) store.set(slot, { name: `${slot} ${name}`, desc: '' });
    assert.equal(store.tidy(), false);
    for (let slot = 0; slot < 200; slot++) if (slot % 4 !== 0) store.remove(slot);
    const before = store.bytes;
    assert.equal(store.tidy(), true);
    while (store.tidy());
    assert.ok(store.bytes <= before / 2, `${store.bytes} of ${before}`);
    for (let slot = 0; slot < 200; slot += 4) assert.equal(store.name(slot), `${slot} ${name}`);
  });
});
