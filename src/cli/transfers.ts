/** `shoal transfers`: what goes in and out of a node on this machine. */
import { sleep } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { TransferStatus } from '../node/node-status.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { LiveRegion } from './live-region.js';
import { localNode, nodeFlags } from './local-node.js';
import type { Io } from './terminal.js';
import { transferLines } from './transfers-lines.js';

const WATCH_MS = 1000;

const spec: CommandSpec = {
  name: 'transfers',
  summary: 'Shows what goes in and out of a node on this machine.',
  words: '',
  maxWords: 0,
  flags: [
    ...nodeFlags,
    { name: 'watch', help: 'Show it again each second, until Ctrl-C.' },
    { name: 'json', help: 'Print it as JSON, one array a line.' },
  ],
  notes: [
    [
      'A line for each peer and file: in or out, the path, how much of the file went, how fast, how long that would',
      'take for the rest, and to or from whom. A peer may want less than all of a file. `waiting`: for a slot. `ended`:',
      'within the last seconds; peers that fetch in ranges go on after it.',
    ].join('\n'),
    [
      'Each object of --json: direction (out, in), peer, path, state (waiting, active, ended), bytes, fileBytes where the',
      'size is known, bytesPerSecond, and strikes where the peer failed or lied.',
    ].join('\n'),
    'Ends with 0 when the node runs, 1 when it does not or ends while it is watched.',
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const node = await localNode(components, args);
  const read = async () => (await node.ask({ ask: 'transfers' })) as readonly TransferStatus[];
  const show = shower(args.has('json'), args.has('watch'), io);
  show(await read());
  while (args.has('watch')) {
    try {
      await sleep(components.clock, WATCH_MS, io.signal);
    } catch (thrown) {
      if (thrown instanceof AbortedError) break;
      throw thrown;
    }
    show(await read());
  }
  return ExitCode.done;
}

function shower(json: boolean, watch: boolean, io: Io): (transfers: readonly TransferStatus[]) => void {
  if (json) return (transfers) => io.out.write(`${JSON.stringify(transfers)}\n`);
  if (!watch || !io.out.isTerminal) {
    return (transfers) => io.out.write(`${transferLines(transfers).join('\n')}\n`);
  }
  const region = new LiveRegion(io.out);
  return (transfers) => {
    const room = Math.max(2, io.out.rows - 1);
    const lines = transferLines(transfers, io.out.columns);
    const hidden = lines.length - room + 1;
    region.clear();
    region.paint(lines.length <= room ? lines : [...lines.slice(0, room - 1), `and ${hidden} more`]);
  };
}

export const transfersCommand: Command = { spec, run };
