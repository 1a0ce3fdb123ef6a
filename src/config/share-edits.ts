/**
 * Shares added to and removed from the text of a configuration. Only their own lines change: whatever else is there stays
 * as somebody wrote it, comments too. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parse,
  parseDocument,
  type YAMLSeq,
} from 'yaml';
import { ConfigError } from './config-error.js';

export interface WrittenShare {
  readonly name: string;
  readonly path: string;
}

type Values = Readonly<Record<string, unknown>> & { readonly shares: readonly unknown[] };

/** Throws ConfigError. */
export function withShare(text: string, { name, path }: WrittenShare): string {
  const document = parseDocument(text);
  const before = valuesOf(document);
  return checked(added(text, document, { name, path }), {
    ...before,
    shares: [...before.shares, { name, path }],
  });
}

/** Throws ConfigError, also where there is no such share. */
export function withoutShare(text: string, name: string): string {
  const document = parseDocument(text);
  const before = valuesOf(document);
  const at = before.shares.findIndex((share) => isNamed(share, name));
  if (at < 0) throw new ConfigError([`there is no share '${name}'`]);
  return checked(removed(text, document, at), {
    ...before,
    shares: before.shares.filter((_, each) => each !== at),
  });
}

function added(text: string, document: Document, { name, path }: WrittenShare): string {
  const pair = pairOf(document);
  const [nameText, pathText] = [scalarText(name), scalarText(path)];
  const lines = (indent: string) => `${indent}- name: ${nameText}\n${indent}  path: ${pathText}\n`;
  if (pair === undefined) {
    if (isMap(document.contents) && document.contents.flow) throw byHand();
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}shares:\n${lines('  ')}`;
  }
  const list = pair.value;
  if (!isSeq(list)) return insertedLine(text, endOf(pair.key), lines('  '));
  const last = list.items.at(-1);
  if (!list.flow) return insertedLine(text, endOf(last), lines(indentOf(text, list)));
  const entry = `{ name: ${nameText}, path: ${pathText} }`;
  return last === undefined
    ? spliced(text, startOf(list) + 1, startOf(list) + 1, entry)
    : spliced(text, endOf(last), endOf(last), `, ${entry}`);
}

function removed(text: string, document: Document, at: number): string {
  const pair = pairOf(document);
  const list = pair?.value;
  if (!isSeq(list)) throw byHand();
  const item = list.items[at];
  if (list.flow) {
    const next = list.items[at + 1];
    if (next !== undefined) return spliced(text, startOf(item), startOf(next), '');
    return spliced(text, at > 0 ? endOf(list.items[at - 1]) : startOf(item), endOf(item), '');
  }
  const without = spliced(text, lineStart(text, dashBefore(text, item)), lineEnd(text, endOf(item)), '');
  if (list.items.length > 1) return without;
  const colon = text.indexOf(':', endOf(pair?.key)); // what is left of the list needs brackets
  return spliced(without, colon + 1, colon + 1, ' []');
}

/** What it says has to be what was meant: there are more ways to write a list than are known here. */
function checked(text: string, wanted: Values): string {
  if (!isDeepStrictEqual(valuesOf(parseDocument(text)), wanted)) throw byHand();
  return text;
}

function pairOf({ contents }: Document): Pair | undefined {
  return isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && key.value === 'shares')
    : undefined;
}

/** Of dashes. */
function indentOf(text: string, list: YAMLSeq): string {
  const dash = dashBefore(text, list.items[0]);
  const indent = text.slice(lineStart(text, dash), dash);
  if (indent.trim() !== '') throw byHand();
  return indent;
}

function dashBefore(text: string, item: unknown): number {
  const dash = text.lastIndexOf('-', startOf(item) - 1);
  if (dash < 0 || text.slice(dash + 1, startOf(item)).trim() !== '') throw byHand();
  return dash;
}

function startOf(node: unknown): number {
  const at = (isScalar(node) || isCollection(node)) && node.range?.[0];
  if (typeof at !== 'number') throw byHand();
  return at;
}

/** Where its last sign is, without what follows, such as comments. */
function endOf(node: unknown): number {
  if (isPair(node)) return endOf(node.value ?? node.key);
  if (isCollection(node) && !node.flow) return endOf(node.items.at(-1));
  const at = (isScalar(node) || isCollection(node)) && node.range?.[1];
  if (typeof at !== 'number') throw byHand();
  return at;
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Where the next line begins. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

/** Below the line of `at`. */
function insertedLine(text: string, at: number, lines: string): string {
  const end = lineEnd(text, at);
  return spliced(text, end, end, text[end - 1] === '\n' ? lines : `\n${lines}`);
}

function spliced(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}

function scalarText(value: string): string {
  return /^[\w/][\w/.-]*$/.test(value) && parse(value) === value ? value : JSON.stringify(value);
}

function valuesOf(document: Document): Values {
  if (document.errors.length > 0) throw byHand();
  const value: unknown = document.contents === null ? {} : document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw byHand();
  const { shares, ...rest } = value as Readonly<Record<string, unknown>>;
  if (shares !== undefined && shares !== null && !Array.isArray(shares)) throw byHand();
  return { ...rest, shares: shares ?? [] };
}

function isNamed(share: unknown, name: string): boolean {
  return typeof share === 'object' && share !== null && 'name' in share && share.name === name;
}

function byHand(): ConfigError {
  return new ConfigError(['the list of shares is written in a way that can only be changed by hand']);
}
