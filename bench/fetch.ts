/**
 * `npm run bench -- fetch [--row WORD]`: one file from several nodes at once, beside what each of them gives alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cleanups, withCleanups } from './cleanups.js';
import { FetchBench } from './fetch-bench.js';
import { liberviaRate } from './fetch-libervia.js';
import { describeMachine, programOf } from './machine.js';
import { publish, type Row, type Table } from './table.js';

const { values } = parseArgs({ options: { row: { type: 'string' } } });
const only = values.row;
const wants = (name: string) => only === undefined || name === only;
if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  const bench = await FetchBench.make(folder, cleanups);
  const tables: Table[] = [];
  const add = (title: string, unit: string, rows: readonly Row[]) => {
    if (rows.length > 0) tables.push({ title, unit, rows });
  };
  const limited: Row[] = [];
  if (wants('limited')) limited.push(await bench.limited(1));
  const late = wants('late') ? [await bench.late()] : [];
  if (wants('limited')) limited.push(await bench.limited(2), await bench.limited(4));
  const uneven = wants('uneven') ? [await bench.uneven()] : [];
  const hasLibervia = programOf('libervia-backend') !== undefined;
  const libervia = wants('unlimited') && hasLibervia ? await liberviaRate(cleanups) : undefined;
  const unlimited = wants('unlimited') ? await bench.unlimited(libervia) : [];
  const kinds = (['dies', 'stalls', 'lies'] as const).filter(wants);
  const faults = kinds.length > 0 ? await bench.faults(kinds) : undefined;
  const kills = wants('kills') ? [await bench.kills()] : [];
  if (wants('limited')) limited.push(await bench.limited(8));
  add('Sources of 10 MB/s each, and of 1, 2, 4 and 8 MB/s together', 'MB/s', [...limited, ...uneven]);
  add('Sources as fast as they go', 'MB/s', unlimited);
  add('From when it was found until a late source gives 8 of its 10 MB/s', 's', late);
  add('One of four sources of 10 MB/s fails, 200 MB', 's', faults?.times ?? []);
  add('Bytes that came for nothing', 'MB', [...(faults?.wasted ?? []), ...kills]);
  publish(
    {
      name: 'fetch',
      about: [
        'One file from several `shoal serve` on a private Prosody to one other process that does what `shoal get` does, over',
        'SOCKS5 on loopback, through a port each that counts and holds back bytes. From the moment when all sources are known',
        'until the file has its name, verified by blocks and as a whole; without the start of the process and the question.',
      ],
      machine,
      tables,
      missing: [
        ...(programOf('ncdc') === undefined ? ['ncdc (what stands for it was given with the goals)'] : []),
        ...(hasLibervia ? [] : ['Libervia']),
      ],
    },
    only === undefined ? 'kept' : 'shown',
  );
}
