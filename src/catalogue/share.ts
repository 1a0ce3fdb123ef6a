/** A share: one folder of this machine that we offer, under a name of its own. */
export interface ShareConfig {
  /** First part of every full path; unique on the node, holds no slash. */
  readonly name: string;
  /** Absolute path of the folder. May itself be a symbolic link. */
  readonly path: string;
  /**
   * Glob patterns of what is not offered. One without a slash (`*.part`) is held against the name
   * of every file and folder at any depth, one with a slash (`.git/**`) against the path in the share.
   */
  readonly exclude: readonly string[];
  /** Whether symbolic links count as what they lead to. Never outside the share. */
  readonly followSymlinks: boolean;
  /** Whether names that begin with a dot are offered. */
  readonly hidden: boolean;
}
