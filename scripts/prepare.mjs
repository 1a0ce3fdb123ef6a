// What npm runs after an install, and `npm run build`: compiles, removes what has lost its source,
// and links `shoal` where npx looks for it. Without the link npx would fetch a stranger's package;
// with a `bin` in package.json, which nobody installs, it would first install the project into its
// cache and run that.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root, run, stop } from './run.mjs';

const dist = join(root, 'dist');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const program = join(dist, 'src', 'cli', 'main.js');

if (existsSync(compiler)) build();
if (existsSync(program)) link();
else process.stderr.write('shoal is not built: that needs the development dependencies\n');

function build() {
  const beganS = Date.now() / 1000;
  // Without its outputs the compiler's memory of them would be wrong.
  if (!existsSync(program)) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  if (run(process.execPath, [compiler]) !== 0) stop('the program does not compile');
  for (const name of ['src', 'workers', 'test', 'bench']) prune(join(dist, name));
  const mark = join(dist, '.built');
  writeFileSync(mark, '');
  utimesSync(mark, beganS, beganS);
}

/** Removes outputs whose source is gone: a test that was deleted shall not run. */
function prune(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      prune(path);
      if (readdirSync(path).length === 0) rmdirSync(path);
    } else if (!existsSync(join(root, relative(dist, path)).replace(/\.(d\.ts|js(\.map)?)$/, '.ts')))
      rmSync(path);
  }
}

function link() {
  chmodSync(program, 0o755);
  const bin = join(root, 'node_modules', '.bin', 'shoal');
  mkdirSync(dirname(bin), { recursive: true });
  rmSync(bin, { force: true });
  symlinkSync(relative(dirname(bin), program), bin);
}
