/** Calls of one gRPC method made by h2load, which costs little itself: what is measured is the service. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@orderplane/hack/toolchain/command.ts';
import { ensureTools } from '@orderplane/hack/toolchain/index.ts';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { arrivals } from './arrivals.ts';

export interface GrpcTarget {
  /** Of the service. */
  readonly url: string;
  /** `package.Service/Method`. */
  readonly method: string;
  /** The request, encoded. */
  readonly message: Uint8Array;
  /** Where h2load's files go. */
  readonly folder: string;
}

export type Load =
  /** So many calls under way at any time, for so long. */
  | { readonly atOnce: number; readonly seconds: number }
  /** So many calls a second on average, each at a time of its own, whatever becomes of the others, for so long. */
  | { readonly perSecond: number; readonly seconds: number };

export interface Loaded {
  readonly perSecond: number;
  /** Of each call, in milliseconds. */
  readonly latencies: readonly number[];
}

const CONNECTIONS = 4;
/** More than are ever under way: a call is never held back. */
const STREAMS = 1000;

/** Throws when a call has no answer. What the answer says is in trailers, at which h2load does not look: it is the caller who counts what was done. */
export async function grpcLoad({ url, method, message, folder }: GrpcTarget, load: Load): Promise<Loaded> {
  const { h2load } = await ensureTools(['h2load'], silentProgress);
  const data = join(folder, 'request.grpc');
  const log = join(folder, 'h2load.tsv');
  await writeFile(data, framed(message));
  // It would go on where the last one ended.
  await rm(log, { force: true });
  const common = [
    `--data=${data}`,
    '--header=content-type: application/grpc',
    '--header=te: trailers',
    `--log-file=${log}`,
  ];
  const said = await runCommand(h2load, [...common, ...(await shapeOf(load, `${url}/${method}`, folder))]);
  const calls = (await readFile(log, 'utf8')).trimEnd().split('\n').map((line) => line.split('\t').map(Number)); // prettier-ignore
  if (calls.some(([, status]) => status !== 200)) throw new Error(`not every call has an answer:\n${said}`);
  return { perSecond: calls.length / load.seconds, latencies: calls.map(([, , us = 0]) => us / 1000) };
}

async function shapeOf(load: Load, uri: string, folder: string): Promise<string[]> {
  if ('atOnce' in load) {
    const streams = `--max-concurrent-streams=${load.atOnce / CONNECTIONS}`;
    return [`--clients=${CONNECTIONS}`, `--duration=${load.seconds}`, streams, uri];
  }
  // Not --rps, which looks every 10 ms what is due, and sends that at once. All clients would follow the same script.
  const script = join(folder, 'calls.tsv');
  await writeFile(
    script,
    arrivals(load)
      .map((ms) => `${ms.toFixed(3)}\t${uri}\n`)
      .join(''),
  );
  return ['--clients=1', `--max-concurrent-streams=${STREAMS}`, `--timing-script-file=${script}`];
}

/** Uncompressed, and how long it is (gRPC over HTTP/2, Length-Prefixed-Message). */
function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
