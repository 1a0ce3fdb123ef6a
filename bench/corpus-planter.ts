/** A worker: writes its part of the generated files, each with its own path in it and the date it was given. */
import { closeSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { generateFiles } from './corpus.js';

export interface PlanterTask {
  readonly folder: string;
  readonly files: number;
  readonly seed: number;
  /** Of every `parts` folders it makes the one with this number. */
  readonly part: number;
  readonly parts: number;
}

export interface Planted {
  readonly files: number;
  readonly folders: number;
}

const MS_A_SECOND = 1000;

function plant({ folder, files, seed, part, parts }: PlanterTask): Planted {
  let planted = 0;
  let folders = 0;
  let at = '';
  for (const { share, path, mtimeMs } of generateFiles(files, seed)) {
    const slash = path.lastIndexOf('/');
    const parent = `${share}/${path.slice(0, slash)}`;
    if (parent !== at) folders += 1;
    const isOurs = folders % parts === part;
    if (parent !== at && isOurs) mkdirSync(join(folder, parent), { recursive: true });
    at = parent;
    if (!isOurs) continue;
    const file = openSync(join(folder, share, path), 'w');
    writeSync(file, `${share}/${path}\n`); // no two have the same content, as in life
    futimesSync(file, mtimeMs / MS_A_SECOND, mtimeMs / MS_A_SECOND);
    closeSync(file);
    planted += 1;
  }
  return { files: planted, folders };
}

parentPort?.postMessage(plant(workerData as PlanterTask));
