/** The version of the platform's release that these services are. The same as in package.json: bundles do not carry that along. */
export const RELEASE = '0.1.0';
