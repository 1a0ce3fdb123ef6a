/** Reads a tree file (XEP-0135) as somebody does who asks for what is in it. */
import { type Element, parse } from 'ltx';

/** `share/folder/name` of each file. */
export function pathsInTree(text: string): string[] {
  const root = parse(text).getChild('directory');
  return root ? pathsBelow(root as Element, '') : [];
}

function pathsBelow(folder: Element, prefix: string): string[] {
  return folder.getChildElements().flatMap((each) => {
    const path = `${prefix}${each.attrs.name}`;
    return each.getName() === 'file' ? [path] : pathsBelow(each, `${path}/`);
  });
}
