import type { z } from 'zod';

/** What is wrong with a spec, field by field, in one line. */
export function describeIssues({ issues }: z.ZodError): string {
  return issues
    .map(
      ({ path, message }) =>
        `spec${path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}: ${message}`,
    )
    .join('; ');
}
