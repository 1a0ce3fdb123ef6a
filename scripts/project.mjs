// Brings node_modules and dist up to date.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, root, run, stop } from './run.mjs';

const SOURCES = ['src', 'workers', 'test', 'bench', 'tsconfig.json', 'package-lock.json'];

/** Installs and builds whatever is missing or older than its source. */
export function ensureBuilt() {
  checkNode(readJson('package.json').engines.node);
  if (!isInstalled()) {
    process.stdout.write('Installing what package-lock.json names…\n');
    // `prepare` builds.
    if (run('npm', ['ci', '--no-fund', '--no-audit']) !== 0) stop('npm ci failed; see above');
  }
  if (isStale()) {
    process.stdout.write('Building…\n');
    if (run(process.execPath, [join(root, 'scripts', 'prepare.mjs')]) !== 0)
      stop('the build failed; see above');
  }
}

/** True when node_modules holds what the lock names. npm keeps its own list of what it installed. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(readJson('package-lock.json').packages).every(
    ([path, wanted]) =>
      path === '' ||
      (have[path] === undefined ? wanted.optional === true : have[path].version === wanted.version),
  );
}

/** True when the last build began before a source was changed. */
function isStale() {
  const built = join(root, 'dist', '.built');
  if (!existsSync(built)) return true;
  const builtMs = statSync(built).mtimeMs;
  return SOURCES.some((source) => newestMs(join(root, source)) > builtMs);
}

/** Folders count too: their time changes when a file is removed. */
function newestMs(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMs(join(path, name))), mtimeMs);
}

function readJson(name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'));
}
