/** Certificate and key of the listener, as they stand on the disk: they are renewed while the node runs. */
import { messageOf, ShoalError } from '../errors.js';
import type { FileSystem } from '../fs/file-system.js';

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateSource {
  /** Throws {@link CertificateError}. */
  read(): Promise<Certificate>;
}

/** Thrown when one of the files can't be read or used. */
export class CertificateError extends ShoalError {
  readonly code = 'certificate';
}

/** Certificates of a chain have some 2 KiB each. */
const MAX_PEM_BYTES = 131_072;

export class CertificateFiles implements CertificateSource {
  readonly #fs: FileSystem;
  readonly #paths: Certificate;

  /** With absolute paths. */
  constructor(components: { readonly fs: FileSystem }, paths: Certificate) {
    this.#fs = components.fs;
    this.#paths = paths;
  }

  async read(): Promise<Certificate> {
    return { cert: await this.#text(this.#paths.cert), key: await this.#text(this.#paths.key) };
  }

  async #text(path: string): Promise<string> {
    try {
      const file = await this.#fs.open(path, 'follow'); // renewing programs put links there
      try {
        const buffer = Buffer.alloc(MAX_PEM_BYTES);
        const bytes = await file.read(buffer, 0);
        if (bytes === MAX_PEM_BYTES)
          throw new CertificateError(`${path} is too long for a certificate or a key`);
        const text = buffer.toString('latin1', 0, bytes);
        // Node takes an empty one for none, and would listen without.
        if (!text.includes('-----BEGIN ')) throw new CertificateError(`${path} is not in PEM`);
        return text;
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (cause instanceof CertificateError) throw cause;
      throw new CertificateError(`${path} can't be read: ${messageOf(cause)}`, { cause });
    }
  }
}
