/** Entry of a search worker; `src/query/search-thread.ts` starts it and says what to do. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/clock.js';
import { RealDataFolder } from '../src/fs/real-data-folder.js';
import { IndexFolder } from '../src/query/index-folder.js';
import { runSearchLoop } from '../src/query/search-loop.js';
import type { SearchThreadInit } from '../src/query/search-thread.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
const { indexLocation, ...init }: SearchThreadInit = workerData;
const files =
  indexLocation === undefined ? undefined : new IndexFolder({ folder: new RealDataFolder(indexLocation) });
runSearchLoop({ port: parentPort, clock: systemClock, ...(files && { files }) }, init);
