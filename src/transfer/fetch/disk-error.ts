/** What of a fetch the disk can refuse, in the words of {@link FetchError}. */
import { messageOf, ShoalError } from '../../errors.js';
import { codeOf } from '../../fs/os-error.js';
import { FetchError, type FetchErrorCode } from './fetch-request.js';

/** Thrown when the disk is at fault, not a source: asking another one would not help. */
export class DiskError extends FetchError {}

/** The name is taken. */
export function existsError(path: string, cause?: unknown): DiskError {
  return new DiskError('exists', `${path} exists already`, { cause });
}

/** What has this name is not what was written to it. */
export function replacedError(path: string): DiskError {
  return new DiskError('changed', `${path} was replaced by another program`);
}

const DISK_ERRORS: { readonly [code: string]: readonly [FetchErrorCode, string] } = {
  ENOSPC: ['no-space', 'the disk is full'],
  EDQUOT: ['no-space', 'the quota is used up'],
  EFBIG: ['no-space', 'the file system does not take files of this size'],
  EACCES: ['not-writable', 'no permission to write there'],
  EPERM: ['not-writable', 'no permission to write there'],
  EROFS: ['not-writable', 'the file system is read-only'],
  ENOENT: ['not-writable', 'there is no such folder'],
  ENOTDIR: ['not-writable', 'there is no such folder'],
  EISDIR: ['not-writable', 'that is a folder'],
  ENAMETOOLONG: ['not-writable', 'the name is too long'],
  ELOOP: ['not-writable', 'a symbolic link is in the way'],
  EMFILE: ['not-writable', 'too many files are open'],
  ENFILE: ['not-writable', 'too many files are open'],
  EIO: ['not-writable', 'the disk has failed'],
};

/** Runs `work` on the files of `target`; what the operating system refuses becomes a {@link DiskError}. */
export async function guarded<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskErrorOf(target, error);
  }
}

/** The same of an error that was caught; other errors stay what they are. */
export function diskErrorOf(target: string, error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof ShoalError || code === undefined) return error;
  if (code === 'EEXIST') return existsError(target, error);
  const [known, text] = DISK_ERRORS[code] ?? (['not-writable', messageOf(error)] as const);
  return new DiskError(known, `${target}: ${text}`, { cause: error });
}
