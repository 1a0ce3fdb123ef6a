/**
 * Keeps files that are fetched at the same time off each other's names: while `x` comes, its bytes are in `x.part` and
 * its journal beside it, and a list or a folder may hold files that are called so themselves.
 */
import { partPath } from '../transfer/fetch/part-file.js';
import { foldName } from './folder-plan.js';

/** What stands beside a target while it comes, and the drafts of that. */
const ENDINGS = ['', '.lock', '.json', '.json.new', '.blocks', '.blocks.new'];

export class PartNames {
  readonly #foldsCase: boolean;
  /** By name: when the last of those who need it has ended. */
  readonly #ends = new Map<string, Promise<void>>();

  constructor(foldsCase: boolean) {
    this.#foldsCase = foldsCase;
  }

  /** Runs `fetch` as soon as all have ended that came before and need a name which `target` needs as well. */
  async alone(target: string, fetch: () => Promise<void>): Promise<void> {
    const part = partPath(target);
    const names = [target, ...ENDINGS.map((ending) => part + ending)].map((name) =>
      foldName(name, this.#foldsCase),
    );
    const before = Promise.all(names.map((name) => this.#ends.get(name)));
    const run = before.then(fetch);
    const end = run.catch(() => undefined); // whoever comes after does not mind how it ended
    for (const name of names) this.#ends.set(name, end);
    try {
      await run;
    } finally {
      for (const name of names) if (this.#ends.get(name) === end) this.#ends.delete(name);
    }
  }
}
