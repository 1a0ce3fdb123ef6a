import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const TERMINAL = new URL('../../src/cli/terminal.js', import.meta.url).href;

/** A process that tells of each hangup, and how it ends; `hears` says whether it listens for them. */
async function hungUp(hears: boolean, signals: readonly NodeJS.Signals[]): Promise<string> {
  const code = `
    const { processIo } = await import('${TERMINAL}');
    const io = processIo();
    if (${hears}) io.onHangup(() => io.out.write('hangup '));
    const alive = setInterval(() => {}, 1000);
    io.signal.addEventListener('abort', () => {
      clearInterval(alive);
      io.out.write('ended by ' + io.interruptedBy());
    });
    io.out.write('ready ');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  let said = '';
  const left = [...signals];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const next = left.shift();
    if (next) child.kill(next);
  });
  await once(child, 'close');
  return said;
}

describe('SIGHUP', () => {
  it('ends a command', async () => {
    assert.equal(await hungUp(false, ['SIGHUP']), 'ready ended by 129');
  });

  it('ends none that listens for it where no terminal is attached', async () => {
    assert.equal(await hungUp(true, ['SIGHUP', 'SIGHUP', 'SIGTERM']), 'ready hangup hangup ended by 143');
  });
});
