/** A real folder for one test, removed after it. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toBytes } from '../../src/catalogue/share-path.js';

export interface TemporaryFolder {
  readonly path: string;
  /** Writes a file, with the folders above it; `path` is a lossless string relative to the folder. */
  write(path: string, content?: string | Uint8Array): Promise<void>;
  /** The absolute path, as the file system takes it. */
  at(path: string): Buffer;
  remove(): Promise<void>;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  await chmod(path, 0o755); // for tests that give up being root
  const at = (below: string) => toBytes(`${path}/${below}`);
  return {
    path,
    at,
    async write(below, content = below) {
      await mkdir(toBytes(dirname(`${path}/${below}`)), { recursive: true });
      await writeFile(at(below), content);
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
