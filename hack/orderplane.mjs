#!/usr/bin/env node
/** The command line as a program on the PATH, also as `kubectl orderplane`: `npm link` puts it there. */
process.argv.splice(2, 0, 'operator/main.ts');
await import('./bootstrap.mjs');
