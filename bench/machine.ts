/** What a measurement ran on, in a few lines; and which of the peers are installed. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem, version } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a system keeps programs that are not in an ordinary user's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin'];
const GIB = 2 ** 30;

/** The path of a program, or undefined where it is not installed. */
export function programOf(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Call it before the work begins: it tells the load that others make. */
export function describeMachine(): readonly string[] {
  const cores = cpus();
  const load = loadavg().map((each) => each.toFixed(2));
  return [
    `* ${cores.length} cores, ${cores[0]?.model.trim() ?? 'of an unknown kind'}, ${(totalmem() / GIB).toFixed(0)} GiB`,
    `* Node ${process.version}, ${systemName()}, kernel ${kernelRelease()}`,
    `* ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC; load average before: ${load.join(', ')}`,
  ];
}

function systemName(): string {
  if (!existsSync('/etc/os-release')) return version();
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? version();
}

function kernelRelease(): string {
  const file = '/proc/sys/kernel/osrelease';
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown';
}
