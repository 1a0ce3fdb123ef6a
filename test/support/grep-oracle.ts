/**
 * Asks the real `grep -E` of this machine which values contain a pattern. Values are records ended
 * by NUL (`-z`), so they may hold newlines; the locale is C.UTF-8. Many patterns are asked in one
 * shell, starting a process from Node being what costs.
 */
import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** grep's own matcher backtracks for some patterns: those get a second, and then no answer. */
const SCRIPT = `
while IFS= read -r pattern; do
  timeout 1 grep -aznE $2 -e "$pattern" "$1" 2>/dev/null
  test $? -gt 1 && printf 'none\\000'
  printf 'next\\000'
done < "$3"`;

export type GrepAnswer = ReadonlySet<number> | 'none';

/** For each pattern the numbers, from 0, of the values that match. Patterns hold no newline, values no NUL. */
export async function grepMatches(
  patterns: readonly string[],
  values: readonly Buffer[],
  options: { caseSensitive: boolean },
): Promise<readonly GrepAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-grep-'));
  try {
    const records = join(folder, 'values');
    const asked = join(folder, 'patterns');
    await writeFile(records, Buffer.concat(values.flatMap((value) => [value, Buffer.of(0)])));
    await writeFile(asked, patterns.map((pattern) => `${pattern}\n`).join(''));
    const output = await run([records, options.caseSensitive ? '' : '-i', asked]);
    return answersOf(output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };
  const limits = { encoding: 'latin1', maxBuffer: 1 << 30 } as const;
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', SCRIPT, 'sh', ...args], { env, ...limits }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
}

function answersOf(output: string): readonly GrepAnswer[] {
  const answers: GrepAnswer[] = [];
  let found = new Set<number>();
  let unanswered = false;
  for (const record of output.split('\0').slice(0, -1)) {
    if (record === 'none') {
      unanswered = true;
    } else if (record === 'next') {
      answers.push(unanswered ? 'none' : found);
      found = new Set();
      unanswered = false;
    } else {
      found.add(Number.parseInt(record, 10) - 1);
    }
  }
  return answers;
}
