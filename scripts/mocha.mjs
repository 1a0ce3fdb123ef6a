// Runs tests and counts them.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './run.mjs';

/** Runs mocha with these words. Its output is shown; `failed` is at least 1 when it did not end well. */
export function runMocha(words) {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  const counts = join(folder, 'counts.json');
  const code = run(process.execPath, [
    join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
    '--reporter',
    join(root, 'scripts', 'counting-reporter.cjs'),
    '--reporter-option',
    `counts=${counts}`,
    ...words,
  ]);
  // Without counts mocha did not get to its end, whatever its code.
  const { passed, failed } = existsSync(counts)
    ? JSON.parse(readFileSync(counts, 'utf8'))
    : { passed: 0, failed: 1 };
  rmSync(folder, { recursive: true });
  return { passed, failed: Math.max(failed, code === 0 ? 0 : 1) };
}

/** The last line of a script that runs tests, and its exit code. */
export function conclude({ passed, failed }) {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
