/** The worker's side of `worker-query-engine.ts`: does what the messages say with an engine of its own. */
import type { CatalogueChange } from '../catalogue/file-entry.js';
import type { LocalQueryEngine } from './local-query-engine.js';
import { type FromSearchWorker, packError, type ToSearchWorker } from './search-messages.js';

export interface SearchPort {
  on(event: 'message', listener: (message: ToSearchWorker) => void): unknown;
  postMessage(message: FromSearchWorker): void;
}

export function runSearchLoop(port: SearchPort, engine: LocalQueryEngine): void {
  const aborts = new Map<number, AbortController>();
  let staged: CatalogueChange[] = [];

  /** Every message with an id is answered once. */
  const answer = (id: number, work: Promise<FromSearchWorker>) => {
    void work
      .catch((error: unknown): FromSearchWorker => ({ type: 'failed', id, error: packError(error) }))
      .then((message) => {
        aborts.delete(id);
        port.postMessage(message);
      });
  };

  port.on('message', (message) => {
    switch (message.type) {
      case 'stage':
        for (const change of message.changes) staged.push(change);
        return;
      case 'commit': {
        const { id } = message;
        const changes = staged;
        staged = [];
        answer(
          id,
          engine.apply(changes).then(() => ({ type: 'committed', id })),
        );
        return;
      }
      case 'search': {
        const { id, request } = message;
        const abort = new AbortController();
        aborts.set(id, abort);
        answer(
          id,
          engine.execute(request, abort.signal).then((executed) => ({ type: 'found', id, executed })),
        );
        return;
      }
      case 'abort':
        aborts.get(message.id)?.abort();
        return;
    }
  });
}
