/** A library over real folders, with short times, a store on disk and a log that can be read. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DiskStore } from '../../src/catalogue/disk-store.js';
import type { ShareConfig } from '../../src/catalogue/share.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import type { HashPool } from '../../src/hashing/hash-pool.js';
import { createLog } from '../../src/log.js';
import type { FolderWatches } from '../../src/scan/chokidar-watch.js';
import { Library, type LibraryInit } from '../../src/scan/library.js';
import { eventually } from './eventually.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';

export interface LibraryHarness {
  readonly folder: TemporaryFolder;
  readonly library: Library;
  readonly logged: readonly LogLine[];
  keys(): string[];
  /** Waits until exactly these files are offered, in any order. */
  offers(keys: readonly string[]): Promise<void>;
  /** Waits until so many files are offered, and all are hashed. */
  hashed(files: number): Promise<void>;
  /** The hash that the file should have. */
  hashOfFile(path: string): Promise<string>;
  sha256(key: string): string | undefined;
  /** How many files have been hashed since the start. */
  filesHashed(): number;
  stop(): Promise<void>;
  /** Stops and starts another over the same folder and store. */
  restart(also?: HarnessOptions): Promise<LibraryHarness>;
  cleanUp(): Promise<void>;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface HarnessOptions extends Partial<Omit<LibraryInit, 'shares'>> {
  readonly share?: Partial<ShareConfig>;
  readonly shares?: readonly ShareConfig[];
  readonly watches?: FolderWatches;
  readonly hashPool?: HashPool;
  /** False for one that is handed over before its first scan. */
  readonly awaitsReady?: boolean;
}

/** `fill` makes the files that are there before the start. */
export async function libraryHarness(
  options: HarnessOptions = {},
  fill: (folder: TemporaryFolder) => Promise<void> = async () => undefined,
): Promise<LibraryHarness> {
  const folder = await temporaryFolder();
  await fill(folder);
  return open(options, folder, await temporaryFolder());
}

async function open(
  options: HarnessOptions,
  folder: TemporaryFolder,
  data: TemporaryFolder,
): Promise<LibraryHarness> {
  const { share, shares, watches, hashPool, awaitsReady = true, ...init } = options;
  const logged: LogLine[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const config = {
    name: 'share',
    path: folder.path,
    exclude: [],
    followSymlinks: false,
    hidden: false,
    ...share,
  };
  const library = new Library(
    {
      fs: realFileSystem,
      store: new DiskStore({ folder: new RealDataFolder(`${data.path}/store`), clock: systemClock, log }),
      clock: systemClock,
      log,
      ...(watches === undefined ? {} : { watches }),
      ...(hashPool === undefined ? {} : { hashPool }),
    },
    {
      shares: shares ?? [config],
      quietMs: 60,
      rescanMs: 3_600_000,
      unwatchedRescanMs: 200,
      hashThreads: 1,
      maxHashWaiters: 100,
      ...init,
    },
  );
  await library.start();
  if (awaitsReady) await library.ready;
  const keys = () => [...library.catalogue.entries()].map((entry) => `${entry.share}/${entry.path}`).sort();
  return {
    folder,
    library,
    logged,
    keys,
    async offers(expected) {
      const wanted = JSON.stringify([...expected].sort());
      await eventually(keys, (found) => JSON.stringify(found) === wanted);
    },
    async hashed(files) {
      await eventually(
        () => library.catalogue.totals,
        (totals) => totals.files === files && totals.hashedFiles === files,
      );
    },
    hashOfFile: async (path) =>
      createHash('sha256')
        .update(await readFile(folder.at(path)))
        .digest('base64'),
    sha256: (key) => library.catalogue.get(key as FullPath)?.sha256,
    filesHashed: () => library.progress().hashing.filesDone,
    stop: () => library.stop(),
    async restart(also) {
      await library.stop();
      return open({ ...options, ...also }, folder, data);
    },
    async cleanUp() {
      await library.stop();
      await folder.remove();
      await data.remove();
    },
  };
}
