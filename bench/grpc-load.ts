/** Calls of one gRPC method made by h2load, which costs little itself: what is measured is the service. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@orderplane/hack/toolchain/command.ts';
import { ensureTools } from '@orderplane/hack/toolchain/index.ts';
import { silentProgress } from '@orderplane/hack/progress.ts';

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
  /** So many calls a second, whatever becomes of the others, for so long. */
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
  const said = await runCommand(h2load, [
    ...shapeOf(load),
    `--clients=${CONNECTIONS}`,
    `--data=${data}`,
    '--header=content-type: application/grpc',
    '--header=te: trailers',
    `--log-file=${log}`,
    `${url}/${method}`,
  ]);
  const calls = (await readFile(log, 'utf8')).trimEnd().split('\n').map((line) => line.split('\t').map(Number)); // prettier-ignore
  if (calls.some(([, status]) => status !== 200)) throw new Error(`not every call has an answer:\n${said}`);
  return { perSecond: calls.length / load.seconds, latencies: calls.map(([, , us = 0]) => us / 1000) };
}

function shapeOf(load: Load): string[] {
  if ('atOnce' in load) return [`--duration=${load.seconds}`, `--max-concurrent-streams=${load.atOnce / CONNECTIONS}`];
  const requests = load.perSecond * load.seconds;
  return [`--requests=${requests}`, `--rps=${load.perSecond / CONNECTIONS}`, `--max-concurrent-streams=${STREAMS}`];
}

/** Uncompressed, and how long it is (gRPC over HTTP/2, Length-Prefixed-Message). */
function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
