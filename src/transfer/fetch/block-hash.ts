/**
 * The sha-256 of a block whose bytes come piece by piece, on the thread that they come to: 0.15 ms for 256 KiB.
 * Measured with 1 GB, Node's own pool (`crypto.subtle`) takes as much of that thread, since it copies what it is given,
 * and the blocks that have to be kept for it cost collecting them beside that.
 */
import { createHash } from 'node:crypto';

export interface BlockHash {
  update(bytes: Uint8Array): void;
  /** Ends it. */
  digest(): Promise<Uint8Array>;
}

export type BlockHashing = (blockBytes: number) => BlockHash;

export const inlineBlockHash: BlockHashing = () => {
  const hash = createHash('sha256');
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: async () => hash.digest(),
  };
};
