import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { ConfigError, duration, environment, loadConfig, port, uri } from './config.ts';

const schema = environment({
  PORT: port(50052),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  STEPS: z.coerce.number().max(9),
});
const valid = { POSTGRES_URI: 'postgres://me:secret@db:5432/orders', STEPS: '3' };

describe("a service's configuration", () => {
  test('comes from the environment, with defaults for what is absent or empty', () => {
    expect(loadConfig('orders', schema, { ...valid, PORT: '', LOG_LEVEL: undefined })).toEqual({
      PORT: 50052,
      MANAGEMENT_PORT: 8081,
      DRAIN_DELAY_MS: 3000,
      OTEL_TRACES_SAMPLER_ARG: 1,
      LOG_LEVEL: 'info',
      POSTGRES_URI: valid.POSTGRES_URI,
      STEPS: 3,
    });
  });

  test('is refused with every problem at once, each by its name, and without any value', () => {
    const env = { LOG_LEVEL: 'LOUD', PORT: '70000', POSTGRES_URI: 'mysql://me:secret@db/orders', STEPS: '10' };
    const load = () => loadConfig('orders', schema, env);
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/^orders cannot start/);
    for (const name of Object.keys(env)) expect(load).toThrow(new RegExp(`\\n  ${name}: `));
    expect(load).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });

  test.each([
    ['a missing URI', {}, 'POSTGRES_URI: is required'],
    [
      'something that is no URI',
      { POSTGRES_URI: 'db:5432' },
      'POSTGRES_URI: must be a URI that starts with postgres:// or postgresql://',
    ],
    ['a port that is none', { PORT: 'eighty' }, 'PORT: must be a port'],
  ])('says what is wrong with %s', (_sentence, env, problem) => {
    expect(() => loadConfig('orders', schema, { STEPS: '1', ...env })).toThrow(problem);
  });

  test.each([
    [{}, 900_000],
    [{ WAIT: '30s' }, 30_000],
    [{ WAIT: '250ms' }, 250],
    [{ WAIT: '168h' }, 604_800_000],
    [{ WAIT: '1h30m' }, 5_400_000],
  ])('takes durations: %j are %d ms', (env, milliseconds) => {
    expect(loadConfig('orders', environment({ WAIT: duration('15m') }), env)).toMatchObject({ WAIT: milliseconds });
  });

  test.each(['15', 'soon', '-5m', '1.5h', '0s', '5 m', '1d'])('refuses %s as a duration', (WAIT) => {
    const load = () => loadConfig('orders', environment({ WAIT: duration('15m') }), { WAIT });
    expect(load).toThrow('WAIT: must be a duration, such as 30s, 15m or 168h');
  });
});
