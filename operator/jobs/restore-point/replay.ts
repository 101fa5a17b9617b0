import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startProgram, type ClientPrograms } from './client.ts';

/**
 * Writes an archive as SQL. `onTable` is told of each table whose rows begin.
 * @param options further ones of pg_restore
 */
export async function writeArchive(
  programs: ClientPrograms,
  archive: string,
  target: Writable,
  { options = [], onTable = () => {} }: { options?: readonly string[]; onTable?: () => void } = {},
): Promise<void> {
  const args = ['--file=-', '--verbose', ...options, archive];
  const reader = startProgram(programs, 'pg_restore', args, (line) => {
    if (line.includes('processing data for table')) onTable();
  });
  // A reader that fails has ended the stream as if that were all; a target that fails leaves the reader with nobody to write to.
  const copied = pipeline(reader.stdout, withoutNewSettings(), target, { end: false }).finally(reader.stop);
  const [ended, piped] = await Promise.allSettled([reader.ended, copied]);
  if (piped.status === 'rejected') throw piped.reason;
  if (ended.status === 'rejected') throw ended.reason;
}

/** A setting that servers before 17 do not know; it is at the head of every script of pg_restore 17. */
const NEW_SETTING = Buffer.from('SET transaction_timeout = 0;\n');
const HEAD_BYTES = 4_096;

function withoutNewSettings(): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  const cut = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf(NEW_SETTING);
    return at < 0 ? bytes : Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + NEW_SETTING.length)]);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!head) return done(null, chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < HEAD_BYTES) return done();
      const bytes = cut(head);
      head = undefined;
      done(null, bytes);
    },
    flush(done) {
      done(null, head && cut(head));
    },
  });
}

/** Runs a script that `write` writes, up to the first error; what that says is thrown. */
export async function runScript(programs: ClientPrograms, write: (script: Writable) => Promise<void>): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', '--output=/dev/null', '--file=-'];
  const session = startProgram(programs, 'psql', args);
  const written = write(session.stdin).then(
    () => session.stdin.end(),
    (error: unknown) => {
      // Whatever is open is rolled back.
      session.stdin.destroy();
      throw error;
    },
  );
  const [ended, wrote] = await Promise.allSettled([session.ended, written]);
  // The error of the server is the cause of a script that could not be written to its end.
  if (ended.status === 'rejected')
    throw wrote.status === 'rejected' && !isBrokenPipe(wrote.reason) ? wrote.reason : ended.reason;
  if (wrote.status === 'rejected') throw wrote.reason;
}

function isBrokenPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return [
    'EPIPE',
    'ECONNRESET',
    'ERR_STREAM_PREMATURE_CLOSE',
    'ERR_STREAM_DESTROYED',
    'ERR_STREAM_WRITE_AFTER_END',
  ].includes(code);
}
