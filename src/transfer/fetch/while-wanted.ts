/** Waits for what nobody can call off, as long as somebody wants it. */
import { AbortedError } from '../../errors.js';

/** As `answer`, or AbortedError as soon as `signal` aborts; what then comes of `answer` is nobody's concern here. */
export function whileWanted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new AbortedError('the read was called off'));
    const settled = <V>(go: (value: V) => void) => {
      return (value: V) => {
        signal.removeEventListener('abort', onAbort);
        go(value);
      };
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    answer.then(settled(resolve), settled(reject));
  });
}
