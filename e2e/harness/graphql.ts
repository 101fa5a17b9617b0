/** GraphQL as a client of the gateway sees it: over HTTP, errors as part of the answer. */

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly [key: string]: unknown };
}

export interface GraphqlAnswer<T> {
  readonly data?: T | null;
  readonly errors?: readonly GraphqlError[];
}

export interface PlacedOrder {
  readonly id: string;
  readonly productId: string;
  readonly qty: number;
  readonly createdAt: string;
}

const CREATE_ORDER =
  'mutation ($productId: ID!, $qty: Int!) { createOrder(productId: $productId, qty: $qty) { id productId qty createdAt } }';

/** One request. A transport failure throws; an error in the answer is data. */
export async function graphql<T>(
  gatewayUrl: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
  timeoutMs = 10_000,
): Promise<GraphqlAnswer<T>> {
  const response = await fetch(`${gatewayUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  try {
    return JSON.parse(text) as GraphqlAnswer<T>;
  } catch {
    throw new Error(`the gateway answered ${response.status} without JSON: ${text.slice(0, 200)}`);
  }
}

/** The data of an answer without errors. */
export async function graphqlData<T>(
  gatewayUrl: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const { data, errors } = await graphql<T>(gatewayUrl, query, variables);
  if (errors?.length || data == null) throw new Error(`GraphQL: ${JSON.stringify(errors ?? 'no data')}`);
  return data;
}

export async function createOrder(gatewayUrl: string, productId: string, qty: number): Promise<PlacedOrder> {
  const data = await graphqlData<{ createOrder: PlacedOrder }>(gatewayUrl, CREATE_ORDER, { productId, qty });
  return data.createOrder;
}

/** The errors that an order is refused with; fails when it is not refused. */
export async function refusedOrder(
  gatewayUrl: string,
  productId: string,
  qty: unknown,
): Promise<readonly GraphqlError[]> {
  const { data, errors } = await graphql<unknown>(gatewayUrl, CREATE_ORDER, { productId, qty });
  if (!errors?.length) throw new Error(`the order was taken: ${JSON.stringify(data)}`);
  return errors;
}
