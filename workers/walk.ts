/** Entry of the walking worker; `src/scan/walker.ts` starts it and says what to look at. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/clock.js';
import { blockingFileSystem } from '../src/fs/blocking-file-system.js';
import { runWalkLoop } from '../src/scan/walk-loop.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
runWalkLoop({ port: parentPort, fs: blockingFileSystem, clock: systemClock }, workerData);
