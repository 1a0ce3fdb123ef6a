/** A program of its own: starts a server process, prints its process id, and waits to be killed. */
import { systemClock } from '../../src/clock.js';
import { ServerProcess } from '../../src/private-server/server-process.js';

const server = new ServerProcess(
  { clock: systemClock },
  {
    name: 'sleep',
    command: '/bin/sh',
    args: ['-c', 'echo up; exec sleep 1000'],
    cwd: '/',
    read: (line) => line === 'up',
  },
);
await server.start();
process.stdout.write(`${server.pid}\n`);
