/** Chooses the command that a command line names, runs it, and tells what went wrong. */
import { ConfigError } from '../config/config-error.js';
import { nearest } from '../config/nearest.js';
import { AbortedError, messageOf, ShoalError } from '../errors.js';
import { helpText, parseArguments } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { printable } from './printable.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

export interface Program {
  readonly version: string;
  readonly commands: readonly Command[];
  readonly components: Components;
}

/** Runs `argv`, the words after `shoal`. Resolves with the exit code; never rejects. */
export async function runCommand(program: Program, argv: readonly string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-V') {
    io.out.write(`${program.version}\n`);
    return ExitCode.done;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = program.commands.find((each) => each.spec.name === rest[0]);
    (name === undefined ? io.err : io.out).write(
      asked === undefined ? overview(program) : helpText(asked.spec),
    );
    return name === undefined ? ExitCode.usage : ExitCode.done;
  }
  const command = program.commands.find((each) => each.spec.name === name);
  if (command === undefined) {
    const names = program.commands.map((each) => each.spec.name);
    const meant = nearest(name, names);
    const advice = meant === undefined ? `there are ${names.join(', ')}` : `did you mean '${meant}'?`;
    return fail(io, ExitCode.usage, [`shoal: there is no command '${name}'; ${advice}`]);
  }
  try {
    const args = parseArguments(command.spec, rest);
    if (args.has('help')) {
      io.out.write(helpText(command.spec));
      return ExitCode.done;
    }
    return await command.run(program.components, args, io);
  } catch (thrown) {
    return told(command, thrown, io);
  }
}

function told(command: Command, thrown: unknown, io: Io): ExitCode {
  const { name } = command.spec;
  if (thrown instanceof UsageError) {
    return fail(io, ExitCode.usage, [`shoal ${name}: ${thrown.message}`, `shoal ${name} --help says more`]);
  }
  if (thrown instanceof ConfigError) return fail(io, ExitCode.usage, thrown.lines);
  // The person who interrupted knows.
  if (thrown instanceof AbortedError && io.signal.aborted) return ExitCode.failed;
  // Errors of ours are written for people; what nobody foresaw is shown whole.
  const text =
    thrown instanceof ShoalError
      ? thrown.message
      : ((thrown as Error | undefined)?.stack ?? messageOf(thrown));
  return fail(io, ExitCode.failed, [`shoal ${name}: ${text}`]);
}

function fail(io: Io, code: ExitCode, texts: readonly string[]): ExitCode {
  for (const line of texts.flatMap((text) => text.split('\n'))) io.err.write(`${printable(line)}\n`);
  return code;
}

function overview(program: Program): string {
  const width = Math.max(...program.commands.map(({ spec }) => spec.name.length)) + 2;
  const lines = program.commands.map(({ spec }) => `  ${spec.name.padEnd(width)}${spec.summary}`);
  return `${['usage: shoal COMMAND [OPTIONS]', '', ...lines, '', 'shoal COMMAND --help says more; shoal --version says which this is.'].join('\n')}\n`;
}
