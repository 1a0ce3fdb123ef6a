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
import { BlockHasher } from './block-hasher.js';

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

/** Reads of this size are as fast as any (docs/architecture.md). */
const READ_BYTES = 256 * 1024;

export interface Hasher {
  /** One result a job, in their order. Blocks. */
  hash(jobs: readonly HashJob[]): HashResult[];
}

/** `onRead` is told of the bytes of every read. */
export function createHasher(fs: BlockingFileSystem, onRead: (bytes: number) => void): Hasher {
  const buffer = new Uint8Array(READ_BYTES);

  function hashOne(folders: BlockingFileSystem, job: HashJob): HashResult {
    const { file, status } = openSharedBlocking(folders, job.share, job.path);
    try {
      if (!isUnchanged(job.stamp, status)) return { type: 'changed' };
      const content = read(file, job.stamp.size);
      const isSame = content !== undefined && isUnchanged(job.stamp, file.status());
      return isSame ? content : { type: 'changed' };
    } finally {
      file.close();
    }
  }

  /** Undefined when there is more or less than there should be. */
  function read(file: BlockingFile, size: number): HashedContent | undefined {
    const hash = createHash('sha256');
    const blocks = size > MIN_BLOCK_BYTES ? new BlockHasher(size) : undefined;
    // Not up to the end of the file, which costs a call more: that there is no more its status tells.
    for (let left = size; left > 0; ) {
      const got = file.read(buffer);
      if (got === 0 || got > left) return undefined;
      left -= got;
      const bytes = got === buffer.length ? buffer : buffer.subarray(0, got);
      hash.update(bytes);
      blocks?.update(bytes);
      onRead(got);
    }
    return { type: 'hashed', sha256: hash.digest('base64'), ...(blocks && { blocks: blocks.end() }) };
  }

  return {
    hash: (jobs) => {
      const folders = rememberingRoots(fs);
      return jobs.map((job) => {
        try {
          return hashOne(folders, job);
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
