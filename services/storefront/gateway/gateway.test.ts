import { describe, expect, test } from '@jest/globals';
import { apiAddress, gatewayAddress } from './address.ts';

describe("the gateway's address", () => {
  test.each([
    ['http://shop-gateway:8080/graphql', 'http://shop-gateway:8080/graphql', 'http://shop-gateway:8080/api/v1/orders'],
    [' https://example.com ', 'https://example.com/', 'https://example.com/api/v1/orders'],
    ['http://example.com/shop/graphql', 'http://example.com/shop/graphql', 'http://example.com/shop/api/v1/orders'],
  ])('%j is taken', (value, graphql, orders) => {
    const environment = { NEXT_PUBLIC_GRAPHQL_URL: value };
    expect(gatewayAddress(environment).href).toBe(graphql);
    expect(apiAddress('orders', environment).href).toBe(orders);
  });

  test.each([
    [undefined, 'is not set'],
    ['', 'is not set'],
    ['shop-gateway:8080', 'no http or https address'],
    ['/graphql', 'no http or https address'],
  ])('%j is refused with what to set', (value, message) => {
    expect(() => gatewayAddress({ NEXT_PUBLIC_GRAPHQL_URL: value })).toThrow(message);
  });
});
