/**
 * Computes the sha-256 of a batch of files, and those of their blocks; runs in a worker. A file that is not, before and after
 * it was read, the one that was meant has no hash: what was read may be a mix of two versions.
 */
import { createHash } from 'node:crypto';
import { MIN_BLOCK_BYTES } from '../blocks/block-size.js';
import type { BlockHashes } from '../blocks/block-tree.js';
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { ShareRelativePath } from '../catalogue/share-path.js';
import { messageOf } from '../errors.js';
import type { BlockingFile, BlockingFileSystem } from '../fs/file-system.js';
import {
  FileAbsentError,
  FileUnreadableError,
  openSharedBlocking,
  type ShareFolder,
} from '../fs/shared-file.js';
import { type BlockLane, type BlockLanes, OwnLanes, READ_BYTES } from './block-lane.js';

export interface HashJob {
  readonly share: ShareFolder;
  readonly path: ShareRelativePath;
  /** What the file was when it was found. */
  readonly stamp: FileStamp;
}

export interface HashedContent {
  readonly type: 'hashed';
  /** Base64. */
  readonly sha256: string;
  /** Of a file of several blocks. */
  readonly blocks?: BlockHashes;
}

export type HashResult =
  | HashedContent
  /** Gone, or another than was meant. */
  | { readonly type: 'changed' }
  | { readonly type: 'unreadable'; readonly why: string };

export interface Hasher {
  /** One result a job, in their order. Blocks. */
  hash(jobs: readonly HashJob[]): HashResult[];
}

export interface HasherComponents {
  readonly fs: BlockingFileSystem;
  /** Where blocks are hashed. Default: on this thread. */
  readonly lanes?: BlockLanes;
}

/** `onRead` is told of the bytes of every read. */
export function createHasher(components: HasherComponents, onRead: (bytes: number) => void): Hasher {
  const { fs } = components;
  const own = new OwnLanes();
  const lanes = components.lanes ?? own;
  const buffer = new Uint8Array(READ_BYTES);
  const noLane: BlockLane = {
    buffer: () => buffer,
    read: () => undefined,
    end: () => undefined,
    giveUp: () => undefined,
  };

  function hashOne(folders: BlockingFileSystem, job: HashJob, from: BlockLanes): HashResult {
    const { file, status } = openSharedBlocking(folders, job.share, job.path);
    const { size } = job.stamp;
    let lane: BlockLane | undefined;
    try {
      if (!isUnchanged(job.stamp, status)) return { type: 'changed' };
      lane = size > MIN_BLOCK_BYTES ? from.begin(size) : undefined;
      const sha256 = read(file, size, lane ?? noLane);
      if (sha256 === undefined || !isUnchanged(job.stamp, file.status())) return { type: 'changed' };
      if (lane === undefined) return { type: 'hashed', sha256 };
      const blocks = lane.end();
      lane = undefined;
      return blocks ? { type: 'hashed', sha256, blocks } : hashOne(folders, job, own);
    } finally {
      lane?.giveUp();
      file.close();
    }
  }

  /** Undefined when there is more or less than there should be. */
  function read(file: BlockingFile, size: number, lane: BlockLane): string | undefined {
    const hash = createHash('sha256');
    // Not up to the end of the file, which costs a call more: that there is no more its status tells.
    for (let left = size; left > 0; ) {
      const buffer = lane.buffer();
      const got = file.read(buffer);
      if (got === 0 || got > left) return undefined;
      left -= got;
      lane.read(got);
      hash.update(got === buffer.length ? buffer : buffer.subarray(0, got));
      onRead(got);
    }
    return hash.digest('base64');
  }

  return {
    hash: (jobs) => {
      const folders = rememberingRoots(fs);
      return jobs.map((job) => {
        try {
          return hashOne(folders, job, lanes);
        } catch (error) {
          if (error instanceof FileAbsentError) return { type: 'changed' };
          const cause = error instanceof FileUnreadableError ? error.cause : error;
          return { type: 'unreadable', why: messageOf(cause) };
        }
      });
    },
  };
}

/**
 * For one batch: where a share lies is asked once. Should the share become a link to another place
 * meanwhile, files are still opened, and have to be, inside the folder that it was.
 */
function rememberingRoots(fs: BlockingFileSystem): BlockingFileSystem {
  const roots = new Map<string, string>();
  return {
    ...fs,
    realPath(path) {
      const known = roots.get(path);
      if (known !== undefined) return known;
      const root = fs.realPath(path);
      roots.set(path, root);
      return root;
    },
  };
}

function isUnchanged(stamp: FileStamp, now: FileStamp): boolean {
  return stamp.size === now.size && stamp.mtimeMs === now.mtimeMs && stamp.ino === now.ino;
}
