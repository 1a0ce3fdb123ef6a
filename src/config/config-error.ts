/** How faults of a configuration are told. */
import { ShoalError } from '../errors.js';
import type { Fault } from './option.js';

const MAX_VALUE_CHARS = 80;

/** Thrown when a configuration can't be used; has one line for each thing that is wrong with it. */
export class ConfigError extends ShoalError {
  readonly code = 'config';

  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/** `books.yaml:7: shares[0].path: "/nowhere" must be …`. */
export function describeFault(fault: Fault, where: string): string {
  const key = keyOf(fault.path);
  const value = fault.value === undefined ? '' : `${shown(fault.value)} `;
  return `${where}: ${key === '' ? '' : `${key}: `}${value}${fault.text}`;
}

function keyOf(path: Fault['path']): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
}
