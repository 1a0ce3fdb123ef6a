/** What a measurement has started and made, undone in the opposite order at its end, and on Ctrl-C. */

type Step = () => unknown;

const INTERRUPTED = 130; // as a shell tells of Ctrl-C

export class Cleanups {
  readonly #steps: Step[] = [];
  #running: Promise<void> | undefined;

  add(step: Step): void {
    this.#steps.push(step);
  }

  /** May be called again; what fails is told, and the rest is undone all the same. */
  run(): Promise<void> {
    this.#running ??= this.#undo();
    return this.#running;
  }

  async #undo(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        process.stderr.write(`could not be undone: ${error}\n`);
      }
    }
  }
}

/** Runs `work` and undoes all of it, however it ends. What can't be done is told in a line. */
export async function withCleanups(work: (cleanups: Cleanups) => Promise<void>): Promise<void> {
  const cleanups = new Cleanups();
  let told = false;
  const onSignal = () => {
    told = true;
    process.stderr.write('stopping\n');
    void cleanups.run().then(() => process.exit(INTERRUPTED)); // never rejects
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    await work(cleanups);
  } catch (error) {
    if (told) return; // what it works with has been stopped
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exitCode = 1;
  } finally {
    await cleanups.run();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}
