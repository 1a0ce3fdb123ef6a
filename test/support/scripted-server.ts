/** An XMPP server that says what a test tells it to, byte by byte: for what real servers do not do. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export class ScriptedServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections made so far. */
  connections = 0;

  private constructor(onConnection: (session: ScriptedSession) => Promise<void>) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      onConnection(new ScriptedSession(socket)).catch(() => socket.destroy());
    });
  }

  /** `onConnection` plays one connection; when it throws, the connection is broken off. */
  static async start(
    onConnection: (session: ScriptedSession) => Promise<void>,
    port = 0,
  ): Promise<ScriptedServer> {
    const server = new ScriptedServer(onConnection);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class ScriptedSession {
  /** Whether the end of the peer's stream is answered with the end of ours. */
  answersClose = true;
  #received = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
      if (this.answersClose && this.#received.includes('</stream:stream>')) socket.end('</stream:stream>');
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Everything that came and was not expected yet. */
  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Waits for `pattern`, and forgets what came up to its end. Throws when the peer hangs up before. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#received);
      if (match) {
        this.#received = this.#received.slice(match.index + match[0].length);
        return match;
      }
      if (this.#ended) throw new Error(`the peer hung up before ${pattern}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lets a component in (XEP-0114), whatever its secret. */
  async acceptComponent(): Promise<void> {
    await this.expect(/<stream:stream[^>]*>/);
    this.send(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " +
        "xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='files.localhost'>",
    );
    await this.expect(/<handshake>[0-9a-f]{40}<\/handshake>/);
    this.send('<handshake/>');
  }
}
