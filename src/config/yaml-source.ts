/** The text of a configuration file as a tree of values that know their line. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from './config-error.js';

export interface YamlSource {
  /** What the file says; an empty file says `{}`. */
  readonly value: unknown;
  /** The line, from 1, of the nearest thing on the way to `path` that is there. */
  lineOf(path: readonly (string | number)[]): number | undefined;
}

const SHOWN_ERRORS = 5; // where the syntax is wrong, most of what follows is wrong by that alone
const SHOWN_CHARACTERS = 160; // the parser quotes what it did not expect, however long that is

/** Parses YAML 1.2. Throws {@link ConfigError} with the syntax errors. */
export function parseYaml(text: string, name: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const shown = document.errors
      .slice(0, SHOWN_ERRORS)
      .map((error) => `${name}:${lines.linePos(error.pos[0]).line}: ${shortened(error.message)}`);
    const more = document.errors.length - shown.length;
    throw new ConfigError(more > 0 ? [...shown, `${name}: ${more} more of the kind`] : shown);
  }
  return {
    value: document.contents === null ? {} : (document.toJS() as unknown),
    lineOf(path) {
      let node: unknown = document.contents;
      let offset = isNode(node) ? node.range?.[0] : undefined;
      for (const part of path) {
        node = isMap(node)
          ? node.items.find((pair) => keyIs(pair.key, part))
          : isSeq(node)
            ? node.items[Number(part)]
            : undefined;
        const begin = isPair(node) ? node.key : node;
        if (!isNode(begin)) break;
        offset = begin.range?.[0] ?? offset;
        if (isPair(node)) node = node.value;
      }
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

function shortened(message: string): string {
  return message.length <= SHOWN_CHARACTERS ? message : `${message.slice(0, SHOWN_CHARACTERS)}…`;
}

function keyIs(key: unknown, name: string | number): boolean {
  return (isScalar(key) ? key.value : key) === name;
}
