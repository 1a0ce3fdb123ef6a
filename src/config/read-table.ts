/** Reads a mapping, as YAML gives it, by a table of options, and tells every fault. */
import { nearest } from './nearest.js';
import type { Option, Place, Table, ValuesOf } from './option.js';

/**
 * The values of the rows. One that is at fault is missing, and `place.faults` says why; when no
 * fault was added, all that the table promises are there.
 */
export function readTable<T extends Table>(rows: T, value: unknown, place: Place): Partial<ValuesOf<T>> {
  if (!isMapping(value)) {
    place.faults.push({
      path: place.path,
      value,
      text: `must be a mapping with ${topKeys(rows).join(', ')}`,
    });
    return {};
  }
  reportUnknown(topKeys(rows), value, place);
  for (const name of sections(rows)) {
    const section = value[name];
    if (section === undefined || section === null) continue;
    const names = keysOf(rows, name);
    const inner = { ...place, path: [...place.path, name] };
    if (isMapping(section)) reportUnknown(names, section, inner);
    else
      place.faults.push({
        path: inner.path,
        value: section,
        text: `must be a mapping with ${names.join(', ')}`,
      });
  }
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(rows)) {
    const path = key.split('.');
    values[key] = readOption(option, valueAt(value, path), { ...place, path: [...place.path, ...path] });
  }
  return values as Partial<ValuesOf<T>>;
}

function readOption<T>(option: Option<T>, value: unknown, place: Place): T | undefined {
  // An empty value, `key:` alone, is null in YAML: the same as leaving the key out.
  if (value === undefined || value === null) {
    if (option.presence === 'required') {
      place.faults.push({ path: place.path, text: `is missing; must be ${option.kind.allowed}` });
    }
    // A default is what somebody might have written: a path in it still has to be made absolute.
    return option.default === undefined ? undefined : option.kind.read(option.default, place);
  }
  const result = option.kind.read(value, place);
  if (result === undefined && !option.kind.reportsParts) {
    const shown = option.secret ? {} : { value };
    place.faults.push({ path: place.path, ...shown, text: `must be ${option.kind.allowed}` });
  }
  return result;
}

function reportUnknown(known: readonly string[], mapping: Record<string, unknown>, place: Place): void {
  for (const key of Object.keys(mapping)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    const advice = meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${meant}'?`;
    place.faults.push({ path: [...place.path, key], text: `is not an option; ${advice}` });
  }
}

function topKeys(rows: Table): string[] {
  return [...new Set(Object.keys(rows).map((key) => key.split('.')[0] ?? key))];
}

function sections(rows: Table): string[] {
  return topKeys(rows).filter((name) => keysOf(rows, name).length > 0);
}

function keysOf(rows: Table, section: string): string[] {
  const prefix = `${section}.`;
  return Object.keys(rows).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isMapping(at) ? at[name] : undefined), value);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
