/** The file of a configuration, to be written by the node itself: never half, and with the rights that it has. */
import { randomBytes } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../errors.js';
import { ConfigError } from './config-error.js';

const MODE_BITS = 0o7777;

export class ConfigFile {
  constructor(readonly path: string) {}

  /** Throws ConfigError. */
  async read(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (cause) {
      throw new ConfigError([`${this.path}: can't be read: ${messageOf(cause)}`]);
    }
  }

  /** Writes `text` in place of `before`. Throws ConfigError; then nothing has changed. */
  async replace(before: string, text: string): Promise<void> {
    try {
      await this.#replace(before, text);
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      throw new ConfigError([`${this.path}: can't be written: ${messageOf(cause)}`]);
    }
  }

  async #replace(before: string, text: string): Promise<void> {
    const real = await realpath(this.path); // where it is a link, what it leads to is the file
    const { mode, uid, gid } = await stat(real);
    const beside = `${real}.${randomBytes(6).toString('hex')}.new`;
    const file = await open(beside, 'wx', 0o600);
    try {
      try {
        await file.writeFile(text);
        // It may hold a secret: who could not read it shall not be able to now.
        const made = await file.stat();
        if (made.uid !== uid || made.gid !== gid) await file.chown(uid, gid);
        await file.chmod(mode & MODE_BITS);
        await file.sync();
      } finally {
        await file.close();
      }
      if ((await this.read()) !== before)
        throw new ConfigError([`${this.path}: somebody else has written it meanwhile`]);
      await rename(beside, real);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    await syncFolder(dirname(real));
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch {
    // some network file systems can't; the file is there
  } finally {
    await folder.close();
  }
}
