import { gatewayAddress } from './address.ts';

/** Ends the process with one clear line, which Kubernetes shows as the pod's last words, when the configuration is unusable. */
export function refuseToStartMisconfigured(): void {
  try {
    gatewayAddress();
  } catch (error) {
    console.error(JSON.stringify({ level: 'fatal', msg: error instanceof Error ? error.message : String(error) }));
    process.exit(1);
  }
}
