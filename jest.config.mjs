/**
 * Kinds of test, told apart by file name: pure (.test), against a real server (.int.test), on a real node (.e2e.test), and on what the node has noted
 * while all of those ran (.afterwards.test).
 */
const base = {
  testEnvironment: 'node',
  transform: { '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' } }] },
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['/dist/', '/\\.next/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/\\.next/'],
};

export default {
  // Real servers on a busy machine: only what hangs runs into it.
  testTimeout: 60_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: [...base.testPathIgnorePatterns, '\\.(int|e2e|afterwards)\\.test\\.ts$'],
    },
    { ...base, displayName: 'int', testMatch: ['**/*.int.test.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['**/*.e2e.test.ts'] },
    { ...base, displayName: 'afterwards', testMatch: ['**/*.afterwards.test.ts'] },
  ],
};
