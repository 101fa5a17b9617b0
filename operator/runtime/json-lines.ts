const NEWLINE = 0x0a;

/** Parses newline-delimited JSON. A value may span any number of chunks, and a chunk may cut a character in two. */
export async function* jsonLines<T>(chunks: AsyncIterable<Buffer>): AsyncGenerator<T, void> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, tail]) : tail;
      pending = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8')) as T;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
  // What is left was cut off by the end of the connection.
}
