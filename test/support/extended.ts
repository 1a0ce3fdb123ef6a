/** Extensions that a test writes as functions, at work in virtual time, with what the log was told. */
import type { Extension, ExtensionHooks } from '../../src/extensions/api.js';
import { ExtensionHost } from '../../src/extensions/extension-host.js';
import { createLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { VirtualClock } from './virtual-clock.js';

export const LIMIT_MS = 2_000;

export interface Extended {
  readonly clock: VirtualClock;
  readonly host: ExtensionHost;
  /** `hook error message`, of each line that has them. */
  readonly lines: string[];
}

export interface ExtendedInit {
  readonly clock?: VirtualClock;
  /** In their order; hooks stand for an extension that has them. Their names are `one`, `two` and so on. */
  readonly extensions: readonly (Extension | ExtensionHooks)[];
}

const NAMES = ['one', 'two', 'three', 'four'];

/** Made, but not started. */
export function extended({ clock = new VirtualClock(), extensions }: ExtendedInit): Extended {
  const lines: string[] = [];
  const write = (line: string) => {
    const { hook, error, msg, extension } = JSON.parse(line) as Record<string, string | undefined>;
    lines.push([extension, hook, error, msg].filter((part) => part !== undefined).join(': '));
  };
  const factories = new Map(
    extensions.map((each, at) => [`/${NAMES[at]}`, typeof each === 'function' ? each : () => each]),
  );
  const host = new ExtensionHost(
    {
      clock,
      log: createLog('debug', { write }),
      modules: { load: async (path) => factories.get(path) as (context: object) => unknown },
    },
    {
      extensions: [...factories.keys()].map((module) => ({
        module,
        config: { list: [1, { deep: true }] },
        folder: '/etc/shoal',
      })),
      jid: parseJid('files.example.org'),
      limitMs: LIMIT_MS,
    },
  );
  return { clock, host, lines };
}
