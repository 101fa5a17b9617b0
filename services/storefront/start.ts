import { gatewayAddress } from './gateway/address.ts';
import { startTelemetry } from './telemetry/start.ts';

/** Ends the process with one clear line, which Kubernetes shows as the pod's last words, when the configuration is unusable. */
export async function startOrRefuse(): Promise<void> {
  try {
    gatewayAddress();
    await startTelemetry();
  } catch (error) {
    console.error(JSON.stringify({ level: 'fatal', msg: error instanceof Error ? error.message : String(error) }));
    process.exit(1);
  }
}
