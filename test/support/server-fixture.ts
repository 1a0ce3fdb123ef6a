/**
 * One server of each kind for a whole run of mocha, started when a test first wants it and
 * stopped after the last test. A test that kills its server starts one of its own.
 */
import { startEjabberd } from './ejabberd.js';
import { startProsody } from './prosody.js';
import { ServerKind, type TestServer } from './server.js';

const started = new Map<ServerKind, Promise<TestServer>>();

export function sharedServer(kind: ServerKind): Promise<TestServer> {
  const running = started.get(kind) ?? startServer(kind);
  started.set(kind, running);
  return running;
}

/** A server of the caller's own, who stops it. */
export function startServer(kind: ServerKind): Promise<TestServer> {
  return kind === 'prosody' ? startProsody() : startEjabberd();
}

/** The suite `body` against each kind of server; `server` is there once its tests run. */
export function describeOnServers(title: string, body: (server: () => TestServer) => void): void {
  for (const kind of ServerKind) {
    describe(`${title} on ${kind}`, () => {
      let shared: TestServer | undefined;
      before(async function () {
        this.timeout(60_000);
        shared = await sharedServer(kind);
      });
      body(() => {
        if (shared === undefined) throw new TypeError('the server is there in hooks and tests only');
        return shared;
      });
    });
  }
}

// Outside of any suite: after everything.
after(async function () {
  this.timeout(60_000);
  const servers = await Promise.allSettled(started.values());
  started.clear();
  for (const server of servers) if (server.status === 'fulfilled') await server.value.stop();
});
