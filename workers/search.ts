/** Entry of the search worker; `src/query/search-thread.ts` starts it and says what to do. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/clock.js';
import { silentLog } from '../src/log.js';
import { LocalQueryEngine } from '../src/query/local-query-engine.js';
import { runSearchLoop } from '../src/query/search-loop.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
runSearchLoop(parentPort, new LocalQueryEngine({ clock: systemClock, log: silentLog }, workerData));
