import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // What an answer says depends on who asks.
  'cache-control': 'no-store',
  // The API is there for pages of other origins.
  'cross-origin-resource-policy': 'cross-origin',
} as const;

export async function securityHeaders(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers(HEADERS);
  // Elsewhere browsers ignore it. TLS ends before the gateway.
  if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000');
}

/** Answers with a page whose own script and style run, and nothing else does. */
export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  const hashes = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))]
      .map(([, content = '']) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`)
      .join(' ');
  const policy = `default-src 'none'; connect-src 'self'; script-src ${hashes('script')}; style-src ${hashes('style')}; frame-ancestors 'none'`;
  return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page);
}
