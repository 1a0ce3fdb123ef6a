/** Sorted lists of texts, in the order of their UTF-16 units. */

/** The place of the first text that is not before `text`. */
export function atLeast(sorted: readonly string[], text: string): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] as string) < text) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * The names of what lies directly in `folder` ('' is above all) on the way to one of these paths; some twice. What is put
 * into the list or taken out meanwhile may be among them or not.
 */
export function* childrenOf(paths: readonly string[], folder: string): Generator<string> {
  const prefix = folder === '' ? '' : `${folder}/`;
  for (let from = prefix; ; ) {
    const path = paths[atLeast(paths, from)];
    if (path?.startsWith(prefix) !== true) return;
    const slash = path.indexOf('/', prefix.length);
    const name = path.slice(prefix.length, slash < 0 ? undefined : slash);
    yield name;
    // All below it stand together; '0' comes right after the slash. Nothing comes between a path and it with a NUL.
    from = slash < 0 ? `${path}\0` : `${path.slice(0, slash)}0`;
  }
}

/** Texts that one step sorts or merges. */
const TEXTS_A_STEP = 256;

/** As `texts.sort()`, in steps. */
export function* sortInSteps(texts: string[]): Generator<void, void> {
  let from: string[] = [];
  for (let at = 0; at < texts.length; at += TEXTS_A_STEP) {
    for (const text of texts.slice(at, at + TEXTS_A_STEP).sort()) from.push(text);
    yield;
  }
  for (let width = TEXTS_A_STEP; width < texts.length; width *= 2) {
    const to: string[] = [];
    for (let at = 0; at < from.length; at += 2 * width) yield* mergeInSteps(from, at, width, to);
    from = to;
  }
  for (const [at, text] of from.entries()) texts[at] = text;
}

/** Two neighbours of this width, each of them sorted. */
function* mergeInSteps(
  from: readonly string[],
  at: number,
  width: number,
  to: string[],
): Generator<void, void> {
  const middle = Math.min(at + width, from.length);
  const end = Math.min(at + 2 * width, from.length);
  for (let left = at, right = middle; left < middle || right < end; ) {
    const takesLeft = right >= end || (left < middle && (from[left] as string) <= (from[right] as string));
    to.push(from[takesLeft ? left++ : right++] as string);
    if (to.length % TEXTS_A_STEP === 0) yield;
  }
}

/** Whether one of the paths is the folder or lies below it. */
export function holds(paths: readonly string[], folder: string): boolean {
  return (
    paths[atLeast(paths, folder)] === folder ||
    paths[atLeast(paths, `${folder}/`)]?.startsWith(`${folder}/`) === true
  );
}
