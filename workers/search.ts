/** Entry of a search worker; `src/query/search-thread.ts` starts it and says what to do. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/clock.js';
import { runSearchLoop } from '../src/query/search-loop.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
runSearchLoop({ port: parentPort, clock: systemClock }, workerData);
