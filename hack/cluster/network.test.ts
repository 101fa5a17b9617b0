import { describe, expect, test } from '@jest/globals';
import { chooseSlot, cidrsOverlap, nodeNetwork } from './network.ts';

describe('cidrsOverlap', () => {
  test.each([
    ['an address inside a subnet', '10.213.0.1', '10.213.0.0/30', true],
    ['a subnet inside a wider one', '10.214.7.0/24', '10.214.0.0/16', true],
    ['neighbours', '10.213.0.4/30', '10.213.0.0/30', false],
    ['subnets above 127.0.0.0', '192.168.1.0/24', '192.168.1.128/25', true],
    ['everything', '0.0.0.0/0', '10.213.0.0/30', true],
  ])('%s', (_, a, b, expected) => {
    expect(cidrsOverlap(a, b)).toBe(expected);
    expect(cidrsOverlap(b, a)).toBe(expected);
  });
});

describe('chooseSlot', () => {
  test.each([
    ['takes the first on a machine without clusters', [], ['192.0.2.0/24'], 0],
    ['fills the gap that a removed cluster left', [0, 2], [], 1],
    ['skips a slot whose service addresses are in use on the host', [], ['10.215.0.128/25'], 1],
    ['skips what a cluster of another user has', [1], [nodeNetwork(0).linkCidr], 2],
  ])('%s', (_, taken, used, expected) => {
    expect(chooseSlot(taken, used)).toBe(expected);
  });

  test('says which subnets stand in the way when none is left', () => {
    expect(() => chooseSlot([], ['10.214.0.0/16'])).toThrow(/10\.214\.0\.0\/16/);
  });
});
