/** Writes the commented example of a configuration from its option table, so that the two can't disagree. */
import { stringify } from 'yaml';
import type { Option, Table } from './option.js';

const WIDTH = 100;

/**
 * YAML in which every option stands with its reason. What must be given has an example value; what
 * may be left out is commented out, and shows its default or an example.
 */
export function exampleYaml(title: string, rows: Table): string {
  return `${comment(title, '')}\n${paragraphs(rows).join('\n')}`;
}

function paragraphs(rows: Table): string[] {
  const out: string[] = [];
  let section: string | undefined;
  for (const [key, option] of Object.entries(rows)) {
    const dot = key.indexOf('.');
    const begins = dot >= 0 && key.slice(0, dot) !== section;
    section = dot < 0 ? undefined : key.slice(0, dot);
    const heading = begins ? `${section}:\n` : '';
    out.push(`${heading}${entry(key.slice(dot + 1), option, dot < 0 ? '' : '  ')}`);
  }
  return out;
}

function entry(key: string, option: Option<unknown>, indent: string): string {
  const reason = [option.reason, facts(option)].map((text) => comment(text, indent)).join('');
  const inner = option.kind.rows;
  if (inner !== undefined) {
    const list = `${indent}${key}:\n${listItem(inner, `${indent}  `)}`;
    return `${reason}${option.aside ? asComment(list) : list}`;
  }
  // An inline secret is one of two ways to give what must be given: it stands for both.
  const given = !option.aside && (option.presence === 'required' || option.secret === true);
  return `${reason}${indent}${given ? '' : '# '}${key}: ${option.example ?? flow(option.default)}\n`;
}

function listItem(rows: Table, indent: string): string {
  const inside = `${indent}  `;
  const all = Object.entries(rows).map(([key, option]) => entry(key, option, inside));
  // The first entry carries the dash: `- name: …`, below its comment.
  const [first = '', ...rest] = all;
  return [
    first.replace(`\n${inside}${Object.keys(rows)[0]}:`, `\n${indent}- ${Object.keys(rows)[0]}:`),
    ...rest,
  ].join('');
}

/** All of it in comments, each line at its place. */
function asComment(yaml: string): string {
  return yaml.replace(/^( *)(?=[^# \n])/gm, '$1# ');
}

/** What is allowed, in one line; nothing for a list of tables, whose rows say it. */
function facts(option: Option<unknown>): string {
  if (option.kind.rows !== undefined) return '';
  const unit = option.unit === undefined ? '' : `, in ${unitNames[option.unit]}`;
  const presence = option.presence === 'required' ? '. Required' : '';
  return `${capital(option.kind.allowed)}${unit}${presence}.`;
}

const unitNames = { bytes: 'bytes', ms: 'milliseconds', s: 'seconds', characters: 'characters' };

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow' }).trim();
}

function comment(text: string, indent: string): string {
  if (text === '') return '';
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] ?? '';
    if (last !== '' && indent.length + last.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('');
}
