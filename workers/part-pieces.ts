/** Entry of the thread that hashes and writes blocks of a file on its way; `src/transfer/fetch/thread-intake.ts` starts it. */
import { readSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type PieceMemory, runPieces } from '../src/transfer/fetch/piece-ring.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
const port = parentPort;

runPieces(workerData as PieceMemory, { readSync, writeSync }, () => port.postMessage('done'));
