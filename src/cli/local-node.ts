/** Which node on this machine is meant, for commands that ask it. */
import { join, resolve } from 'node:path';
import { loadNodeConfig } from '../config/load.js';
import { statusSocketPath } from '../node/status-socket.js';
import type { Arguments, Flag } from './arguments.js';
import { exists } from './local-files.js';

export const nodeFlags: readonly Flag[] = [
  { name: 'config', value: 'FILE', help: "The node's configuration. Default: ./shoal-data/node.yaml." },
  { name: 'data', value: 'DIR', help: "The node's data folder, instead of its configuration." },
];

export const DEFAULT_CONFIG = join('shoal-data', 'node.yaml');

/** Where the node listens. Throws ConfigError. */
export async function socketOf(args: Arguments): Promise<string> {
  return statusSocketPath(await dataFolder(args));
}

async function dataFolder(args: Arguments): Promise<string> {
  const data = args.get('data');
  if (data !== undefined) return resolve(data);
  const file = args.get('config');
  if (file === undefined && !(await exists(DEFAULT_CONFIG))) return resolve('data');
  const { config } = await loadNodeConfig(file ?? DEFAULT_CONFIG);
  return config.data;
}
