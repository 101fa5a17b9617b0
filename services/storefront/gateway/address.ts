const VARIABLE = 'NEXT_PUBLIC_GRAPHQL_URL';
const EXAMPLE = 'http://shop-gateway:8080/graphql';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the gateway answers GraphQL, from NEXT_PUBLIC_GRAPHQL_URL as the process has it now.
 *
 * The build replaces `process.env.NEXT_PUBLIC_…` by the value that the build machine happens to have; an environment
 * that comes in as an argument is out of its reach, so one image serves every platform.
 *
 * @throws Error that says what to set, when the variable is missing or no http(s) address.
 */
export function gatewayAddress(environment: Environment = process.env): URL {
  const value = environment[VARIABLE]?.trim();
  if (!value) throw new Error(`${VARIABLE} is not set: give it the gateway's GraphQL address, for example ${EXAMPLE}`);
  const address = URL.parse(value);
  if (address?.protocol !== 'http:' && address?.protocol !== 'https:') {
    throw new Error(`${VARIABLE} is "${value}", which is no http or https address: set it to one like ${EXAMPLE}`);
  }
  return address;
}

/** The gateway's REST, which is beside its GraphQL: `…/graphql` and `…/api/v1/`. The path comes without a slash in front. */
export function apiAddress(path: string, environment: Environment = process.env): URL {
  return new URL(`api/v1/${path}`, gatewayAddress(environment));
}
