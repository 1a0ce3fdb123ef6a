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

/** The names of what lies directly in `folder` ('' is above all) on the way to one of these paths, sorted. */
export function childrenOf(paths: readonly string[], folder: string): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const names = new Set<string>();
  for (let at = atLeast(paths, prefix); at < paths.length; ) {
    const path = paths[at] as string;
    if (!path.startsWith(prefix)) break;
    const slash = path.indexOf('/', prefix.length);
    names.add(path.slice(prefix.length, slash < 0 ? undefined : slash));
    // All below it stand together; '0' comes right after the slash.
    at = slash < 0 ? at + 1 : atLeast(paths, `${path.slice(0, slash)}0`);
  }
  return [...names].sort();
}

/** Whether one of the paths is the folder or lies below it. */
export function holds(paths: readonly string[], folder: string): boolean {
  return (
    paths[atLeast(paths, folder)] === folder ||
    paths[atLeast(paths, `${folder}/`)]?.startsWith(`${folder}/`) === true
  );
}
