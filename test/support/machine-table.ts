/** Checks a machine from its table: every state crossed with every event. */
import assert from 'node:assert/strict';
import type { Machine, Tagged } from '../../src/machine.js';

/**
 * Declares tests that every state × event either has a row, which leads where `expected` says,
 * or is named nowhere, and then `step` refuses it; and that every row cites its clause.
 */
export function describeTable<S extends Tagged, E extends Tagged, F extends Tagged>(
  machine: Machine<S, E, F>,
  samples: { readonly states: readonly S[]; readonly events: readonly E[] },
  expected: Readonly<Record<string, Readonly<Record<string, string>>>>,
): void {
  describe(`${machine.name}: table`, () => {
    for (const state of samples.states) {
      for (const event of samples.events) {
        const go = expected[state.type]?.[event.type];
        it(`${state.type} × ${event.type} → ${go ?? 'refused'}`, () => {
          const frozen = Object.freeze({ ...state });
          const step = machine.step(frozen, event);
          if (go === undefined) {
            assert.equal(step, undefined);
            return;
          }
          assert.ok(step, 'there is no row');
          assert.equal([step.state.type, ...step.effects.map((effect) => effect.type)].join(' '), go);
        });
      }
    }

    it('cites a clause in every row', () => {
      for (const row of machine.rows)
        assert.match(row.spec, /^(XEP-\d{4} §|RFC \d+ §|local)/, `${row.in} ${row.on}`);
    });

    it('has samples of every state and event', () => {
      const states = new Set(samples.states.map((state) => state.type));
      const events = new Set(samples.events.map((event) => event.type));
      for (const row of machine.rows)
        assert.ok(states.has(row.in) && events.has(row.on), `${row.in} ${row.on}`);
    });
  });
}
