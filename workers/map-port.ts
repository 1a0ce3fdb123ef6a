/** Entry of the thread that asks a gateway one thing; `src/transport/port-mapper-thread.ts` starts and ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { carryOut } from '../src/transport/gateway-client.js';

if (parentPort === null) throw new TypeError('this file is the entry of a worker');
parentPort.postMessage(await carryOut(workerData));
