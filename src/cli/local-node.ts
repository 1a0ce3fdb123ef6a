/** Which node on this machine is meant, for commands that ask it. */
import { join, resolve } from 'node:path';
import { loadNodeConfig } from '../config/load.js';
import type { NodeQuestion } from '../node/node-question.js';
import {
  askStatusSocket,
  NotRunningError,
  readStatusSocket,
  statusSocketPath,
} from '../node/status-socket.js';
import type { Arguments, Flag } from './arguments.js';
import type { Components } from './command.js';
import { exists } from './local-files.js';

export const DEFAULT_CONFIG = join('shoal-data', 'node.yaml');
/** Where `shoal serve` keeps what its configuration names no folder for. */
const DEFAULT_DATA = 'data';

export const nodeFlags: readonly Flag[] = [
  {
    name: 'config',
    value: 'FILE',
    help: `The node's configuration. Default: ./${DEFAULT_CONFIG}, or --data ${DEFAULT_DATA}.`,
  },
  { name: 'data', value: 'DIR', help: "The node's data folder, instead of its configuration." },
];

export interface LocalNode {
  /**
   * What it answers; without a question, its status. Throws {@link NotRunningError} saying where it was looked for,
   * TimeoutError, ParseError. Whoever listens in the data folder is the node itself, of this version: what it
   * says has the shape that the question asks for.
   */
  ask(question?: NodeQuestion): Promise<unknown>;
}

/** Throws ConfigError. */
export async function localNode(components: Pick<Components, 'clock'>, args: Arguments): Promise<LocalNode> {
  const { data, why } = await dataFolder(args);
  const socket = statusSocketPath(data);
  return {
    ask: async (question) => {
      try {
        return await (question === undefined
          ? readStatusSocket(components, socket)
          : askStatusSocket(components, socket, question));
      } catch (cause) {
        if (!(cause instanceof NotRunningError)) throw cause;
        throw new NotRunningError(`no node runs with the data folder ${data} (${why})`, { cause });
      }
    },
  };
}

/** And who says so. */
async function dataFolder(args: Arguments): Promise<{ readonly data: string; readonly why: string }> {
  const data = args.get('data');
  if (data !== undefined) return { data: resolve(data), why: 'of --data' };
  const named = args.get('config');
  if (named === undefined && !(await exists(DEFAULT_CONFIG)))
    return { data: resolve(DEFAULT_DATA), why: `as there is no ${DEFAULT_CONFIG} here` };
  const file = named ?? DEFAULT_CONFIG;
  return { data: (await loadNodeConfig(file)).config.data, why: `of ${file}` };
}
