/** The worker's side of `search-thread.ts`: does what the messages say. */
import type { Clock } from '../clock.js';
import type { IndexFiles } from './index-files.js';
import { type FromSearchWorker, packError, type ToSearchWorker } from './search-messages.js';
import { TableSearch, type TableSearchInit } from './table-search.js';

export interface SearchPort {
  on(event: 'message', listener: (message: ToSearchWorker) => void): unknown;
  postMessage(message: FromSearchWorker): void;
  close(): void;
}

export interface SearchLoopComponents {
  readonly port: SearchPort;
  readonly clock: Clock;
  readonly files?: IndexFiles;
}

export function runSearchLoop(
  { port, clock, files }: SearchLoopComponents,
  init: Partial<TableSearchInit>,
): void {
  const listener = {
    reached: (number: number) => port.postMessage({ type: 'reached', number }),
    released: (number: number) => port.postMessage({ type: 'released', number }),
    failed: (error: unknown) => port.postMessage({ type: 'broken', error: packError(error) }),
    unsaved: (error: unknown) => port.postMessage({ type: 'unsaved', error: packError(error) }),
  };
  const search = new TableSearch({ clock, listener, ...(files && { files }) }, init);
  const aborts = new Map<number, AbortController>();

  port.on('message', (message) => {
    switch (message.type) {
      case 'begin':
        search.begin(message.state);
        return;
      case 'apply':
        search.apply(message.batch);
        return;
      case 'search': {
        const { id, request } = message;
        const abort = new AbortController();
        aborts.set(id, abort);
        void search
          .execute(request, abort.signal)
          .then(
            (executed): FromSearchWorker => ({ type: 'found', id, executed }),
            (error: unknown): FromSearchWorker => ({ type: 'failed', id, error: packError(error) }),
          )
          .then((answer) => {
            aborts.delete(id);
            port.postMessage(answer);
          });
        return;
      }
      case 'abort':
        aborts.get(message.id)?.abort();
        return;
      case 'stop':
        void search.stop().then(() => port.close());
        return;
    }
  });
}
