/** Asks the system for TCP ports on loopback that nobody uses. */
import { createServer, type Server } from 'node:net';

/** `count` different ports. They are free at this moment; whoever needs one should take it soon. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    // All are held until the last is known, so that none is given twice.
    for (let made = 0; made < count; made += 1) servers.push(await listen());
    return servers.map((server) => {
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new TypeError('a TCP server has a port');
      return address.port;
    });
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
