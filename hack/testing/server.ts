import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../cluster/ports.ts';
import { logTail, startProcess, type ProcessSpec, type RunningProcess } from '../cluster/process.ts';

/** A server of a test, on a port of localhost and data that stay the same over kills and starts. */
export interface TestServer {
  uri: string;
  port: number;
  pid(): number;
  /** kill -9, as a crash would. */
  kill(): Promise<void>;
  /** Starts again after `kill`, on the same port and data; resolves once it serves. */
  start(): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

const READY_MS = 90_000;

/** Starts a process and waits until it serves. Its own log explains a failure. */
export async function startServer(
  spec: ProcessSpec,
  ready: (running: RunningProcess) => Promise<boolean>,
): Promise<RunningProcess> {
  const running = await startProcess(spec);
  const deadline = Date.now() + READY_MS;
  while (!(await ready(running))) {
    if (running.hasExited() || Date.now() > deadline) {
      running.kill('SIGKILL');
      await running.exited;
      throw new Error(`${spec.name} did not start:\n${await logTail(spec.log, 20)}`);
    }
    await delay(20);
  }
  return running;
}

/** Starts on a free port; another process may take it between our looking and our listening, then another one is tried. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await freePorts(1);
    try {
      return await start(port);
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

/** Whether somebody accepts connections on a port of localhost. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}
