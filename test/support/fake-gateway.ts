/**
 * A router on loopback that forwards ports: NAT-PMP (RFC 6886) and UPnP (InternetGatewayDevice:2, WANIPConnection:2).
 * A mapped port is really one: connections to it are passed on. Stricter than routers are: what the specifications
 * ask of a client and isn't there, is refused.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface FakeGatewayInit {
  readonly protocol: 'nat-pmp' | 'upnp';
  /** What it does with questions. `empty`: answers with a datagram without bytes. */
  readonly mood?: 'obliging' | 'silent' | 'refusing' | 'empty';
  /** What it says of itself; mapped ports are open on 127.0.0.1 in any case. */
  readonly externalHost?: string;
}

interface Mapping {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly internalPort: number;
  readonly externalPort: number;
  readonly lifetimeS: number;
}

const NAT_PMP_PORT = 5351;
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:2';
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:2';

export class FakeGateway {
  /** By the internal port. */
  readonly mappings = new Map<number, Mapping>();
  /** Questions so far. */
  asked = 0;
  /** Connections that were passed on. */
  forwarded = 0;
  readonly #init: FakeGatewayInit;
  readonly #datagrams: Datagrams | undefined;
  readonly #http: HttpServer | undefined;
  #address = '';

  private constructor(init: FakeGatewayInit) {
    this.#init = init;
    if (init.protocol === 'nat-pmp') this.#datagrams = createSocket('udp4');
    else
      this.#http = createHttpServer((request, response) => {
        this.#onRequest(request).then(
          ({ status, body }) => {
            if (status === 0) return; // silent
            response.writeHead(status, { 'content-type': 'text/xml; charset="utf-8"' }).end(body);
          },
          () => response.destroy(),
        );
      });
  }

  static async start(init: FakeGatewayInit): Promise<FakeGateway> {
    const gateway = new FakeGateway(init);
    await gateway.#listen();
    return gateway;
  }

  /** What `transfers.gateway` has to say. */
  get address(): string {
    return this.#address;
  }

  async stop(): Promise<void> {
    for (const port of [...this.mappings.keys()]) this.#forget(port);
    this.#datagrams?.close();
    this.#http?.closeAllConnections();
    this.#http?.close();
  }

  async #listen(): Promise<void> {
    if (this.#datagrams) {
      // Its port is fixed, so each has an address of its own, for tests that run side by side.
      this.#address = `127.53.${process.pid % 250}.${1 + Math.floor(Math.random() * 250)}`;
      this.#datagrams.on('message', (message, from) => {
        void this.#onDatagram(message, from.address).then((answer) => {
          if (answer) this.#datagrams?.send(answer, from.port, from.address);
        });
      });
      this.#datagrams.bind(NAT_PMP_PORT, this.#address);
      await once(this.#datagrams, 'listening');
      return;
    }
    const http = this.#http;
    if (!http) return;
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    this.#address = `http://127.0.0.1:${port}/rootDesc.xml`;
  }

  async #map(internalPort: number, internalHost: string, lifetimeS: number): Promise<number> {
    const known = this.mappings.get(internalPort);
    if (known) {
      this.mappings.set(internalPort, { ...known, lifetimeS });
      return known.externalPort;
    }
    const sockets = new Set<Socket>();
    const server = createServer((outside) => {
      this.forwarded += 1;
      const inside = connect(internalPort, internalHost);
      for (const [from, to] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => sockets.delete(from));
        from.pipe(to);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: externalPort } = server.address() as AddressInfo;
    this.mappings.set(internalPort, { server, sockets, internalPort, externalPort, lifetimeS });
    return externalPort;
  }

  #forget(internalPort: number): void {
    const mapping = this.mappings.get(internalPort);
    this.mappings.delete(internalPort);
    mapping?.server.close();
    for (const socket of mapping?.sockets ?? []) socket.destroy();
  }

  get #externalHost(): string {
    return this.#init.externalHost ?? '127.0.0.1';
  }

  async #onDatagram(message: Buffer, from: string): Promise<Buffer | undefined> {
    this.asked += 1;
    const { mood = 'obliging' } = this.#init;
    if (mood === 'silent') return undefined;
    if (mood === 'empty') return Buffer.alloc(0);
    const op = message[1] ?? 0;
    const head = Buffer.alloc(8);
    head[1] = op + 128;
    const refuse = (code: number) => {
      head.writeUInt16BE(code, 2);
      return head;
    };
    if (message[0] !== 0) return refuse(1);
    if (mood === 'refusing') return refuse(2);
    if (op === 0 && message.length === 2) {
      return Buffer.concat([head, Buffer.from(this.#externalHost.split('.').map(Number))]);
    }
    if (op !== 2 || message.length !== 12 || message.readUInt16BE(2) !== 0) return refuse(5);
    const internalPort = message.readUInt16BE(4);
    const lifetimeS = message.readUInt32BE(8);
    // RFC 6886 §3.3: two hours are recommended; nobody who knows what the unit is asks for a month.
    if (lifetimeS > 86_400) return refuse(4);
    const body = Buffer.alloc(8);
    body.writeUInt16BE(internalPort, 0);
    if (lifetimeS === 0) this.#forget(internalPort);
    else {
      body.writeUInt16BE(await this.#map(internalPort, from, lifetimeS), 2);
      body.writeUInt32BE(lifetimeS, 4);
    }
    return Buffer.concat([head, body]);
  }

  async #onRequest(request: IncomingMessage): Promise<{ status: number; body: string }> {
    this.asked += 1;
    const { mood = 'obliging' } = this.#init;
    if (mood === 'silent') return { status: 0, body: '' };
    if (request.url === '/rootDesc.xml') return { status: 200, body: DESCRIPTION };
    const [, action = ''] = String(request.headers.soapaction).replaceAll('"', '').split('#');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = Buffer.concat(chunks).toString();
    const value = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(asked)?.[1] ?? '';
    if (mood === 'refusing') return fault(606, 'Action not authorized');
    switch (action) {
      case 'GetExternalIPAddress':
        return answer(action, `<NewExternalIPAddress>${this.#externalHost}</NewExternalIPAddress>`);
      case 'AddAnyPortMapping': {
        if (value('NewProtocol') !== 'TCP' || value('NewEnabled') !== '1') return fault(402, 'Invalid Args');
        const [port, lifetimeS] = [Number(value('NewInternalPort')), Number(value('NewLeaseDuration'))];
        if (lifetimeS > 604_800) return fault(402, 'Invalid Args'); // §2.3.16
        const external = await this.#map(port, value('NewInternalClient'), lifetimeS);
        return answer(action, `<NewReservedPort>${external}</NewReservedPort>`);
      }
      case 'DeletePortMapping': {
        if (value('NewProtocol') !== 'TCP') return fault(402, 'Invalid Args');
        const external = Number(value('NewExternalPort'));
        const mapping = [...this.mappings.values()].find(({ externalPort }) => externalPort === external);
        if (!mapping) return fault(714, 'NoSuchEntryInArray');
        this.#forget(mapping.internalPort);
        return answer(action, '');
      }
      default:
        return fault(401, 'Invalid Action');
    }
  }
}

function envelope(body: string): string {
  return (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    `s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>${body}</s:Body></s:Envelope>`
  );
}

function answer(action: string, inside: string): { status: number; body: string } {
  return {
    status: 200,
    body: envelope(`<u:${action}Response xmlns:u="${SERVICE}">${inside}</u:${action}Response>`),
  };
}

function fault(code: number, text: string): { status: number; body: string } {
  const detail = `<UPnPError><errorCode>${code}</errorCode><errorDescription>${text}</errorDescription></UPnPError>`;
  return {
    status: 500,
    body: envelope(`<s:Fault><faultstring>UPnPError</faultstring><detail>${detail}</detail></s:Fault>`),
  };
}

const DESCRIPTION =
  '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>1</minor>' +
  `</specVersion><device><deviceType>${DEVICE}</deviceType><UDN>uuid:fake</UDN><deviceList><device>` +
  '<deviceType>urn:schemas-upnp-org:device:WANDevice:2</deviceType><deviceList><device>' +
  '<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:2</deviceType><serviceList><service>' +
  `<serviceType>${SERVICE}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>` +
  '<SCPDURL>/WANIPCn.xml</SCPDURL><controlURL>/control</controlURL><eventSubURL>/events</eventSubURL>' +
  '</service></serviceList></device></deviceList></device></deviceList></device></root>';
