/** Where a scenario leads a Service astray, to see it put right. Who asks for the Service in that moment gets there; a network plugin would refuse it, as it should. */
export const STRAY_PORT = 9999;
