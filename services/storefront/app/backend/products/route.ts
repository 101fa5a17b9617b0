import { problemResponse } from '../../../gateway/problem.ts';
import { productsById } from '../../../gateway/products-by-id.ts';
import { BACKEND_TIMEOUT_MS } from '../../../session/relay.ts';

const MAX_IDS = 50;

/** Products by id, `?id=…&id=…`: what a cart and orders need to know of theirs. */
export async function GET(request: Request): Promise<Response> {
  const ids = [...new Set(new URL(request.url).searchParams.getAll('id'))];
  if (ids.length > MAX_IDS) return problemResponse(400, 'BAD_USER_INPUT', `At most ${MAX_IDS} products at once.`);
  const answer = await productsById(ids, { timeoutMs: BACKEND_TIMEOUT_MS, headers: request.headers });
  if (answer.kind === 'problem') return problemResponse(502, answer.problem.code, answer.problem.message);
  return Response.json(answer.data, { headers: { 'cache-control': 'no-store' } });
}
