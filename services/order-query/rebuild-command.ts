import { loadConfig } from '@orderplane/shared/config.ts';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { Registry } from 'prom-client';
import { orderQueryConfig } from './config.ts';
import { mongoReadModel } from './mongo-read-model.ts';
import { rebuild } from './rebuild.ts';

/** `node server.mjs rebuild`, in a pod of the service: with its environment, beside the process that serves. */
export async function runRebuild(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const name = 'order-query';
  const config = loadConfig(name, orderQueryConfig, env);
  const log = createLogger(name, config.LOG_LEVEL);
  const readModel = mongoReadModel(config.MONGO_URI, `${name}-rebuild`);
  const broker = { uri: config.BROKER_URI, authorityFile: config.BROKER_CA_FILE, name };
  const bus = jetStreamBus({ ...broker, log, metrics: new Registry() });
  try {
    const events = await rebuild({ name, bus, readModel });
    log.info({ events }, 'the read model was rebuilt, and serves');
  } finally {
    await bus.close();
    await readModel.close();
  }
}
