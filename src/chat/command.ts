/**
 * What somebody who types may want of us. Everything that is no command is `strange`. Nothing that we say ourselves is a
 * command: what repeats our words to us gets nowhere.
 */

/** What is listed has a number there. */
export type Command =
  | { readonly type: 'help' }
  | { readonly type: 'find'; readonly words: string }
  /** '' is the list of shares. */
  | { readonly type: 'browse'; readonly folder: string }
  | { readonly type: 'browse-number'; readonly number: number }
  | { readonly type: 'more' }
  | { readonly type: 'get'; readonly numbers: readonly number[] }
  | { readonly type: 'get-path'; readonly path: string }
  | { readonly type: 'stop' }
  | { readonly type: 'strange' };

/** In UTF-16 units: as long as the words of a question may be, and then some. */
export const MAX_COMMAND_CHARS = 1100;
/** Files asked for by one message. */
export const MAX_GETS = 10;
const MAX_NUMBER = 9999;

const STRANGE: Command = { type: 'strange' };

/** Reads one message. Never throws. */
export function parseCommand(text: string): Command {
  const line = text.trim();
  if (line.length > MAX_COMMAND_CHARS || /[\n\r]/.test(line)) return STRANGE;
  const [, verb = '', rest = ''] = /^[/!]?([a-z]+|\?)(?:\s+(.*))?$/isu.exec(line) ?? [];
  const words = rest.trim();
  switch (verb.toLowerCase()) {
    case '?':
    case 'help':
      return words === '' ? { type: 'help' } : STRANGE;
    case 'find':
    case 'search':
      return words === '' ? { type: 'help' } : { type: 'find', words };
    case 'browse':
    case 'ls':
      return browseOf(words);
    case 'more':
    case 'next':
      return words === '' ? { type: 'more' } : STRANGE;
    case 'get':
      return words === '' ? { type: 'help' } : getOf(words);
    case 'stop':
    case 'cancel':
      return words === '' ? { type: 'stop' } : STRANGE;
    default:
      return STRANGE;
  }
}

function browseOf(words: string): Command {
  const number = numberOf(words);
  if (number !== undefined) return { type: 'browse-number', number };
  return { type: 'browse', folder: pathOf(words) };
}

/** `2`, `2 3, 7`, `2-4`, or the path of a file. */
function getOf(words: string): Command {
  const parts = words.split(/[\s,]+/).filter((part) => part !== '');
  if (!parts.every((part) => /^\d{1,4}(-\d{1,4})?$/.test(part))) {
    const path = pathOf(words);
    return path === '' ? STRANGE : { type: 'get-path', path };
  }
  const numbers = new Set<number>();
  for (const part of parts) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let number = first; number <= last && numbers.size <= MAX_GETS; number++) numbers.add(number);
  }
  return numbers.size === 0 ? STRANGE : { type: 'get', numbers: [...numbers] };
}

function numberOf(words: string): number | undefined {
  const number = /^\d{1,4}$/.test(words) ? Number(words) : 0;
  return number > 0 && number <= MAX_NUMBER ? number : undefined;
}

/** `share/folder` of what was typed: quotes around it, and slashes at its ends, mean nothing. */
function pathOf(words: string): string {
  const [, quoted] = /^"(.*)"$/.exec(words) ?? [];
  return (quoted ?? words).replace(/^\/+|\/+$/g, '');
}
