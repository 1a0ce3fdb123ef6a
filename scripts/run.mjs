// Runs other programs, and says in a line what stopped a script.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the script with a message for the person who called it. */
export function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a program in the project's folder, its output shown. Returns its exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error !== undefined) stop(`${command} can't be run: ${result.error.message}`);
  return result.status ?? 1;
}

/** True when the program ends with 0; its output is not shown. */
export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** True when the program is installed. The folders of system programs count too: a user's PATH may lack them. */
export function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Stops when this Node is older than package.json asks for. */
export function checkNode(wanted) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.replace(/^>=/, '').split('.').map(Number);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    stop(`shoal needs Node.js ${wantedMajor}.${wantedMinor} or newer; this is ${process.versions.node}`);
  }
}
