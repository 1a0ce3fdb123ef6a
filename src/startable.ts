/** Something that lives between `start` and `stop`. Both may be called once; `stop` also after a failed `start`. */
export interface Startable {
  /** Resolves when it is ready for use. */
  start(): Promise<void>;
  /** Resolves when every timer, socket, watcher and worker it made is closed. */
  stop(): Promise<void>;
}
