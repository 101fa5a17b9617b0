import { problemResponse } from '../gateway/problem.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** The JSON text of a request, or the answer that refuses it. Other content types could be sent from any page. */
export async function jsonText(request: Request): Promise<{ text: string } | { refusal: Response }> {
  if (!request.headers.get('content-type')?.startsWith('application/json')) {
    return { refusal: problemResponse(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send it as application/json.') };
  }
  const text = await readAtMost(request, MAX_BODY_BYTES);
  if (text !== undefined) return { text };
  return { refusal: problemResponse(413, 'PAYLOAD_TOO_LARGE', `A request may have ${MAX_BODY_BYTES / 1024} KiB.`) };
}

async function readAtMost(request: Request, limit: number): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
