/** A real XMPP server for tests, of either kind, on loopback, with everything that tests need set up alike. */

export const ServerKind = ['prosody', 'ejabberd'] as const;
export type ServerKind = (typeof ServerKind)[number];

export interface TestServer {
  readonly kind: ServerKind;
  readonly host: '127.0.0.1';
  readonly c2sPort: number;
  readonly componentPort: number;
  readonly proxy65Port: number;
  /** Where it keeps everything, its log too. Removed by `stop`. */
  readonly folder: string;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
  /** Ends it without warning; `restart` brings it back. */
  kill(): Promise<void>;
  /** Ends it if it runs, and starts it again on the same ports with the same data. */
  restart(): Promise<void>;
}

export interface TestServerOptions {
  /** Prosody only: offers STARTTLS with this key and certificate. */
  readonly tls?: { readonly keyFile: string; readonly certificateFile: string };
}

export const DOMAIN = 'localhost';
export const PUBSUB = 'pubsub.localhost';
export const PROXY65 = 'proxy.localhost';
export const COMPONENT_SECRET = 'secret';
/** Component domains that each server has: `files.localhost`, `node1.localhost` … `node8.localhost`. */
export const COMPONENTS = [
  'files.localhost',
  ...Array.from({ length: 8 }, (_, index) => `node${index + 1}.localhost`),
] as const;
/** Accounts of `localhost` that each server has. */
export const ACCOUNTS = [
  { user: 'alice', password: 'alicepw' },
  { user: 'bob', password: 'bobpw' },
  { user: 'carol', password: 'carolpw' },
] as const;

/** Tries again with other ports when somebody takes one between its choice and its use. */
export async function withPortsRetried<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 5 || !/\b(port|address|EADDRINUSE)\b/i.test(String(error))) throw error;
    }
  }
}
