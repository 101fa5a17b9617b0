import type { ServiceContext } from '../../service.ts';
import type { EventBus } from '../bus.ts';
import { jetStreamBus } from './bus.ts';

export interface BusConfig {
  readonly BROKER_URI: string;
  readonly BROKER_CA_FILE?: string | undefined;
}

/** The bus of a service: closed with it, after what the service starts later. The service is ready while the broker is away, too. */
export function openBus({
  config,
  log,
  metrics,
  name,
  onStop,
  readiness,
  tracing,
}: ServiceContext<BusConfig>): EventBus {
  const broker = { uri: config.BROKER_URI, authorityFile: config.BROKER_CA_FILE };
  const bus = jetStreamBus({ ...broker, name, log, metrics, tracing });
  onStop(() => bus.close());
  readiness.add({ name: 'broker', critical: false, run: () => bus.check() });
  return bus;
}
