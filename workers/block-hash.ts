/** Entry of a thread that hashes blocks; `src/hashing/block-thread.ts` starts it and hands it bytes. */
import { workerData } from 'node:worker_threads';
import { runRing } from '../src/hashing/block-ring.js';

/** As long as a hash worker waits for more to do. */
const IDLE_MS = 10_000;

runRing(workerData, { idleMs: IDLE_MS });
