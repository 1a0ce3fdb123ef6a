/**
 * Standing questions as text, from one run of a node to the next: each is a line with the element that it came as.
 * A line that can't be read is left out: whoever asked asks again.
 */
import { ParseError } from '../errors.js';
import { parseBareJid, parseJid } from '../stanza/jid.js';
import { wantCodec } from '../stanza/standing-question.js';
import { parseXml } from '../stanza/xml-stream.js';
import type { KeptQuestion } from './kept-questions.js';

export function formatKept(questions: Iterable<KeptQuestion>): string {
  return [...questions].map((question) => `${lineOf(question)}\n`).join('');
}

export function parseKept(text: string): KeptQuestion[] {
  return text.split('\n').flatMap((line) => questionOf(line) ?? []);
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
    return { ...question, channel: { service: parseBareJid(String(service)), nodeId } };
  } catch (error) {
    const isFault = [ParseError, SyntaxError, TypeError].some((kind) => error instanceof kind);
    if (!isFault) throw error;
    return undefined;
  }
}
