import type { Problem } from '../../gateway/problem.ts';

export interface Explanation {
  title: string;
  advice: string;
}

const RETRYING = 'This page tries again by itself.';

const EXPLANATIONS: Record<string, Explanation> = {
  GATEWAY_UNREACHABLE: { title: 'The gateway cannot be reached', advice: RETRYING },
  GATEWAY_TIMEOUT: { title: 'The gateway is not answering', advice: RETRYING },
  GATEWAY_INVALID_ANSWER: { title: 'The gateway gave no usable answer', advice: RETRYING },
  SERVICE_UNAVAILABLE: { title: 'A part of the shop is away', advice: RETRYING },
  STOREFRONT_UNREACHABLE: {
    title: 'The shop cannot be reached',
    advice: 'Check your connection. This page tries again by itself.',
  },
};

/** What was asked got no answer, or one that does not say what became of it. */
const UNCERTAIN = new Set([
  'GATEWAY_UNREACHABLE',
  'GATEWAY_TIMEOUT',
  'GATEWAY_INVALID_ANSWER',
  'STOREFRONT_UNREACHABLE',
  'INVALID_ANSWER',
  'SERVICE_UNAVAILABLE',
  'TIMEOUT',
  'INTERNAL',
]);

/** What to tell a visitor whose page could not be filled. */
export function explain(problem: Problem): Explanation {
  return EXPLANATIONS[problem.code] ?? { title: 'Something went wrong', advice: problem.message };
}

export function isUncertain({ code }: Problem): boolean {
  return UNCERTAIN.has(code);
}

/** Whether it takes an account to go on. */
export function asksToSignIn({ code }: Problem): boolean {
  return code === 'UNAUTHENTICATED' || code === 'SESSION_ENDED';
}

/** What to tell a visitor whose order got no good answer, and whether sending it again may help. */
export function explainOrder(problem: Problem): Explanation & { canRetry: boolean } {
  if (isUncertain(problem)) {
    const advice = 'There was no answer. Send it again: should it have arrived after all, it still counts once.';
    return { title: 'Your order may not have arrived', advice, canRetry: true };
  }
  if (problem.code === 'PRODUCT_NOT_FOUND') {
    const advice = 'Nothing was ordered. Look at your cart: it says which one.';
    return { title: 'A product is no longer sold', advice, canRetry: false };
  }
  return { title: 'The order was not accepted', advice: problem.message, canRetry: false };
}
