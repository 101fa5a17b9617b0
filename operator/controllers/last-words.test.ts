import { describe, expect, test } from '@jest/globals';
import { lastWords } from './last-words.ts';

const NODE_CRASH = `node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/app/orders/server.mjs'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)
    at node:internal/main/run_main_module:36:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v26.10.0
`;
const PYTHON_CRASH = `Starting up
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    main()
ValueError: DATABASE_URL is not set
`;
const GO_CRASH = `listening on :8080
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
	/src/main.go:8 +0x1d
`;

describe('the last words of a log', () => {
  test.each([
    ['are the last error, with its cause', '{"level":"info","msg":"a"}\n{"level":"error","msg":"cannot start","err":{"message":"ECONNREFUSED"}}\n{"level":"info","msg":"bye"}\n', 'cannot start: ECONNREFUSED'],
    ['are the last warning where none is an error', '{"level":40,"msg":"disk is slow"}\n{"level":30,"msg":"b"}', 'disk is slow'],
    ['are not an arbitrary line of chatter', '{"level":20,"msg":"handled"}\n{"level":30,"msg":"bye"}', ''],
    ['are the head of a JavaScript stack, also below JSON', `{"level":30,"msg":"starting"}\n${NODE_CRASH}`, "Error: Cannot find module '/app/orders/server.mjs'"],
    ['are the end of a Python stack', PYTHON_CRASH, 'ValueError: DATABASE_URL is not set'],
    ['are the head of a Go panic', GO_CRASH, 'panic: runtime error: index out of range [3] with length 3'],
    ['are the last line that names a fault', 'reading /etc/app.conf\nfatal: no such host db\nshutting down\n', 'fatal: no such host db'],
    ['are the last lines where none does', 'a\nb\n', 'a b'],
    ['are nothing where nothing was said', '\n', ''],
  ])('%s', (_, log, words) => {
    expect(lastWords(log)).toBe(words);
  }); // prettier-ignore
});
