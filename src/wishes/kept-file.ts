/**
 * Standing questions from one run of a node to the next: one small file, in which each is a line with the stanza
 * that it came as. What can't be read is left out: whoever asked asks again.
 */
import type { DataFolder } from '../catalogue/data-folder.js';
import { ParseError } from '../errors.js';
import { type BareJid, parseBareJid, parseJid } from '../stanza/jid.js';
import { wantCodec } from '../stanza/standing-question.js';
import { parseXml } from '../stanza/xml-stream.js';
import type { KeptQuestion } from './kept-questions.js';

const NAME = 'questions.jsonl';
const DRAFT = `${NAME}.new`;
const MAX_FILE_BYTES = 64 << 20; // what is written has fewer: it is read at once

/** Rejects with Node's own errors. */
export async function readKept(folder: DataFolder): Promise<KeptQuestion[]> {
  const file = await folder.open(NAME);
  if (!file) return [];
  try {
    const bytes = Buffer.alloc(Math.min(file.size, MAX_FILE_BYTES));
    await file.read(bytes, 0);
    const lines = bytes.toString('utf8').split('\n');
    return lines.flatMap((line) => questionOf(line) ?? []);
  } finally {
    await file.close();
  }
}

/** After a crash there are the old ones or the new. Rejects with Node's own errors. */
export async function writeKept(folder: DataFolder, questions: Iterable<KeptQuestion>): Promise<void> {
  const text = [...questions].map((question) => `${lineOf(question)}\n`).join('');
  const file = await folder.create(DRAFT);
  try {
    await file.append([Buffer.from(text)]);
    await file.sync();
  } finally {
    await file.close();
  }
  await folder.rename(DRAFT, NAME);
}

function lineOf(question: KeptQuestion): string {
  const { asker, channel } = question;
  return JSON.stringify({ asker, channel, want: wantCodec.toXml(question).toString() });
}

function questionOf(line: string): KeptQuestion | undefined {
  try {
    const { asker, channel, want } = JSON.parse(line) as Record<string, unknown>;
    const question = { ...wantCodec.fromXml(parseXml(String(want))), asker: parseJid(String(asker)) };
    if (channel === undefined) return question;
    const { service, nodeId } = channel as { service?: unknown; nodeId?: unknown };
    if (typeof nodeId !== 'string') return undefined;
    const address: BareJid = parseBareJid(String(service));
    return { ...question, channel: { service: address, nodeId } };
  } catch (error) {
    if (error instanceof ParseError || error instanceof SyntaxError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}
