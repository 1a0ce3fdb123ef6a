/** Calls code of whoever uses us, which may throw: that must not keep us from closing what is ours. */
import type { Log } from '../log.js';

export function guarded(log: Pick<Log, 'error'>, what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    log.error({ err: error }, `${what} threw`);
  }
}
