// `npm test`: sets up what is missing, runs all tests, and ends with a line `N passed, N failed`.
// Words that follow go to mocha, such as a file or `--grep PATTERN`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './project.mjs';
import { root, run } from './run.mjs';
import { ejabberd, ensurePackages, openssl, prosody, slixmpp } from './system-packages.mjs';

ensureBuilt();
ensurePackages([prosody, ejabberd, openssl, slixmpp]);

const words = process.argv.slice(2);
// Mocha adds files named to those of .mocharc.json; whoever names one wants it alone.
const alone = words.some((word) => word.endsWith('.js')) ? ['--no-config', '--timeout', '20000'] : [];
const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'));
const counts = join(folder, 'counts.json');
const code = run(process.execPath, [
  join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
  '--reporter',
  join(root, 'scripts', 'counting-reporter.cjs'),
  '--reporter-option',
  `counts=${counts}`,
  ...alone,
  ...words,
]);
// Without counts mocha did not get to its end, whatever its code.
const { passed, failed } = existsSync(counts)
  ? JSON.parse(readFileSync(counts, 'utf8'))
  : { passed: 0, failed: 1 };
rmSync(folder, { recursive: true });
const failures = Math.max(failed, code === 0 ? 0 : 1);
process.stdout.write(`${passed} passed, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
