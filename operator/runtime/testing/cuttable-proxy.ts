import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy whose connections can be cut, or left open in silence, to see what a client makes of it. */
export interface CuttableProxy {
  port: number;
  /** Breaks every connection, and refuses new ones until `restore`. */
  cut(): void;
  /** Keeps the connections of now open for ever, but passes nothing on; new ones work. */
  freeze(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function startCuttableProxy(target: URL): Promise<CuttableProxy> {
  const sockets = new Set<Socket>();
  const frozen = new Set<Socket>();
  let refusing = false;
  const server = createServer((near) => {
    if (refusing) return void near.resetAndDestroy();
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => void (frozen.has(from) || to.write(chunk)));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      refusing = true;
      breakAll();
    },
    freeze: () => sockets.forEach((socket) => frozen.add(socket)),
    restore: () => void (refusing = false),
    async close() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
