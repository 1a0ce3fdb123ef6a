/** The options of a command as a table: parsed by it, and told by `--help` from it. */
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.js';
import { messageOf } from '../errors.js';
import { UsageError } from './usage-error.js';

export interface Flag {
  /** Without the two dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in the help; a flag without is either there or not. */
  readonly value?: string;
  readonly repeatable?: true;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** The command line after `shoal NAME`, without the flags: `(HASH|NAME)`. '' when it takes no words. */
  readonly words: string;
  readonly maxWords: number;
  readonly flags: readonly Flag[];
  /** Paragraphs below the flags. */
  readonly notes: readonly string[];
}

export interface Arguments {
  readonly words: readonly string[];
  has(flag: string): boolean;
  /** The value of a flag, the last where it stands twice. */
  get(flag: string): string | undefined;
  all(flag: string): readonly string[];
}

const helpFlag: Flag = { name: 'help', short: 'h', help: 'Show this and end.' };

/** Throws {@link UsageError}. */
export function parseArguments(spec: CommandSpec, argv: readonly string[]): Arguments {
  const flags = [...spec.flags, helpFlag];
  const { values, positionals } = parse(spec, flags, argv);
  if (positionals.length > spec.maxWords) {
    throw new UsageError(`'${positionals[spec.maxWords]}' is one word too many`);
  }
  const all = (name: string) => (values[name] ?? []).filter((value) => typeof value === 'string');
  return {
    words: positionals,
    has: (name) => values[name] !== undefined,
    get: (name) => all(name).at(-1),
    all,
  };
}

interface Parsed {
  readonly values: Readonly<Record<string, readonly (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

function parse(spec: CommandSpec, flags: readonly Flag[], argv: readonly string[]): Parsed {
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: true as const,
        ...(flag.short !== undefined && { short: flag.short }),
      },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError(explain(spec, flags, argv, messageOf(cause)), { cause });
  }
}

/** The fault in our words: parseArgs names the option but not the one that was meant. */
function explain(
  spec: CommandSpec,
  flags: readonly Flag[],
  argv: readonly string[],
  message: string,
): string {
  const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1];
  if (unknown === undefined) return valueFault(flags, message);
  const meant = unknown.startsWith('--')
    ? nearest(
        unknown.slice(2),
        flags.map((flag) => flag.name),
      )
    : undefined;
  if (meant !== undefined) return `there is no option '${unknown}'; did you mean '--${meant}'?`;
  const minus = argv.find((word) => /^-[^-]./.test(word));
  const advice =
    minus === undefined || unknown.startsWith('--') || spec.maxWords === 0
      ? ''
      : spec.name === 'find'
        ? `; words to leave out go into quotes with the others: shoal find 'romeo ${minus}'`
        : `; what begins with a dash and is no option goes behind --: shoal ${spec.name} -- ${minus}`;
  return `there is no option '${unknown}'${advice}`;
}

function valueFault(flags: readonly Flag[], message: string): string {
  const name = /^Option '(?:-\w, )?--([^' ]+)/.exec(message)?.[1];
  const flag = flags.find((each) => each.name === name);
  if (flag === undefined) return message.replace(/\n/g, ' ');
  if (flag.value === undefined) return `--${flag.name} takes no value`;
  const dash = message.includes('ambiguous') ? `; one with a dash in front is written --${flag.name}=-…` : '';
  return `--${flag.name} needs a value: --${flag.name} ${flag.value}${dash}`;
}

/** The text of `--help`. */
export function helpText(spec: CommandSpec): string {
  const flags = [...spec.flags, helpFlag];
  const left = flags.map(flagText);
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = flags.map((flag, at) => `  ${(left[at] ?? '').padEnd(width)}${flag.help}`);
  const usage = ['shoal', spec.name, spec.words, '[OPTIONS]'].filter((part) => part !== '').join(' ');
  return `${[`usage: ${usage}`, '', spec.summary, '', ...lines, ...spec.notes.flatMap((note) => ['', note])].join('\n')}\n`;
}

function flagText(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

/** Reads a whole number. Throws {@link UsageError}. */
export function wholeNumber(text: string, flag: string, min: number, max: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`--${flag} must be a whole number from ${min} to ${max}, not '${text}'`);
}
