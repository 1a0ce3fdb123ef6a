/** Waits for something to become true, as short as can be; fails with what was last seen. */
import { setTimeout } from 'node:timers/promises';

export async function eventually<T>(
  read: () => T | Promise<T>,
  isTrue: (value: T) => boolean,
  withinMs = 8000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (isTrue(value)) return value;
    if (performance.now() > endMs) {
      throw new Error(`did not come true within ${withinMs} ms; last seen: ${inspect(value)}`);
    }
    await setTimeout(10);
  }
}

function inspect(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
