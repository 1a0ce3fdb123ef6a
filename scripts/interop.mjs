// `npm run interop`: files sent to and received from programs that we did not write. Ends with a line
// `N passed, N failed`; before it, a line `SKIPPED: …` for each program that this machine can't have.
// Words that follow choose among them: `npm run interop -- libervia`.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { conclude, runMocha } from './mocha.mjs';
import { ensureBuilt } from './project.mjs';
import { root, stop, succeeds } from './run.mjs';
import {
  chromium,
  dbus,
  dino,
  ejabberd,
  gajim,
  installPackages,
  libervia,
  openssl,
  prosody,
  slixmpp,
  x11,
} from './system-packages.mjs';

/** Each is a file of test/interop, and what it needs. */
const SUITES = [
  { name: 'matrix', what: 'the matrix of transfers', needs: [prosody, ejabberd, slixmpp] },
  { name: 'libervia', what: 'Libervia', needs: [prosody, openssl, dbus, libervia] },
  { name: 'dino', what: 'Dino', needs: [prosody, openssl, dbus, x11, dino], obstacle: dinoObstacle },
  { name: 'gajim', what: 'Gajim', needs: [prosody, openssl, dbus, x11, gajim] },
  { name: 'browser', what: 'a browser', needs: [chromium] },
];

const chosen = process.argv.slice(2);
const names = SUITES.map(({ name }) => name);
const unknown = chosen.find((word) => !names.includes(word));
if (unknown !== undefined) stop(`there is no '${unknown}' among: ${names.join(', ')}`);
const suites = SUITES.filter(({ name }) => chosen.length === 0 || chosen.includes(name));

ensureBuilt();
const skipped = [];
const files = [];
for (const { name, what, needs, obstacle } of suites) {
  const reason = installPackages(needs) ?? (await obstacle?.());
  if (reason === undefined) files.push(join(root, 'dist', 'test', 'interop', `${name}.test.js`));
  else skipped.push(`SKIPPED: ${what}: ${reason.replace(/\s+/g, ' ')}\n`);
}
const missing = files.find((file) => !existsSync(file));
if (missing !== undefined) stop(`${missing} is not there`);
const counts =
  files.length === 0
    ? { passed: 0, failed: 0 }
    : runMocha(['--no-config', '--forbid-only', '--forbid-pending', '--timeout', '20000', ...files]);
for (const line of skipped) process.stdout.write(line);
conclude(counts);

/** Dino knows no other port than the usual one, and no other list of authorities than the system's. */
async function dinoObstacle() {
  if (!succeeds('unshare', ['-m', 'true']))
    return 'it needs a mount namespace of its own, which is not allowed';
  const server = createServer().listen(5222, '127.0.0.1');
  try {
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return `it needs port 5222 of 127.0.0.1: ${error.code}`;
  } finally {
    server.close();
  }
}
