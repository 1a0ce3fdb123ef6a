import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { budgetOptions } from '../src/config/budget-options.js';
import { limitOptions } from '../src/config/limits.js';
import type { NodeConfig } from '../src/config/options.js';
import { RestartNeededError, RunningConfig } from '../src/node/reload.js';
import { projectRoot } from './support/codec-fixtures.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const DOCUMENT = readFileSync(path.join(ROOT, 'docs/limits.md'), 'utf8');
const NAMES = Object.keys({ ...budgetOptions, ...limitOptions }).map((each) => each.replace('limits.', ''));
/** Named there as what needs one. */
const NEEDS_RESTART = ['concurrentQueries', 'queuedQueries'];

/** The part below a heading. */
function part(heading: string): string {
  const [, text] = DOCUMENT.split(`## ${heading}\n`);
  return text?.split('\n## ')[0] ?? assert.fail(`there is no '${heading}'`);
}

/** What stands in code in the first column of the table. */
function firstColumn(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

/** `queries…PerMinute` → the options that are called so. */
function optionsOf(written: string): string[] {
  const [before = '', after = ''] = written.split('…');
  const pattern = new RegExp(`^${before}(Per(Asker|Peer|Domain|Channel))?${after}$`);
  return NAMES.filter((name) => pattern.test(name));
}

describe('docs/limits.md', () => {
  const budgets = firstColumn(part('Budgets'))
    .filter((each) => each.includes('…'))
    .map((written) => [written, optionsOf(written)] as const);

  it('names options that there are', () => {
    assert.ok(budgets.length > 9);
    assert.deepEqual(
      budgets.filter(([, names]) => names.length < 2),
      [],
    );
  });

  for (const name of budgets.flatMap(([, names]) => names)) {
    const needsRestart = NEEDS_RESTART.includes(name);
    it(`says of ${name} that it ${needsRestart ? 'needs a restart' : 'holds after a reload'}`, async () => {
      const config = (value: number) => {
        const limits = Object.fromEntries(NAMES.map((each) => [each, each === name ? value : 1]));
        const lists = { shares: [], channels: [], wishes: [], access: [] };
        return { ...lists, limits, xmpp: {}, bandwidth: {}, transfers: {} } as unknown as NodeConfig;
      };
      const told: NodeConfig[] = [];
      const never = () => assert.fail('nothing but limits has changed');
      const running = new RunningConfig(
        {
          library: { setShares: never },
          channels: { set: never },
          access: { replace: never },
          knowGroups: never,
          settled: never,
          bounded: [{ setLimits: (now) => told.push(now) }],
        },
        config(1),
      );
      if (needsRestart) {
        await assert.rejects(running.change(config(2)), RestartNeededError);
        return;
      }
      assert.deepEqual(await running.change(config(2)), ['limits']);
      assert.equal(told.length, 1);
    });
  }

  it('has each rule by which somebody is turned away, where it is no limit', () => {
    const rules = firstColumn(part('What it turned away'));
    const unknown = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((each) => each.endsWith('.ts'))
      .flatMap((each) => {
        const text = readFileSync(path.join(ROOT, 'src', each), 'utf8');
        return [...text.matchAll(/new LimitError\(\s*'([^']+)'/g)].map(
          ([, bound = '']) => `${each}: ${bound}`,
        );
      })
      .filter((each) => ![...NAMES, ...rules].includes(each.split(': ')[1] ?? ''));
    assert.deepEqual(unknown, []);
  });
});
