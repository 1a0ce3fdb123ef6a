/** A Prosody that offers STARTTLS, for clients that insist on it. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startProsody } from '../support/prosody.js';
import { DOMAIN, type TestServer } from '../support/server.js';

export interface TlsServer {
  readonly server: TestServer;
  /** PEM; vouches for itself. */
  readonly certificateFile: string;
}

/** `folder` is the caller's, for the key and the certificate. */
export async function startTlsProsody(folder: string): Promise<TlsServer> {
  const keyFile = path.join(folder, 'key.pem');
  const certificateFile = path.join(folder, 'certificate.pem');
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${DOMAIN}`, '-addext', `subjectAltName=DNS:${DOMAIN}`],
    ...['-keyout', keyFile, '-out', certificateFile],
  ]);
  return { server: await startProsody({ tls: { keyFile, certificateFile } }), certificateFile };
}
