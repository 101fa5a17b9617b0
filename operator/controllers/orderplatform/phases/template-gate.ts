import type { PodTemplate } from '../../../resources/pod.ts';
import { hashOf } from '../../../runtime/index.ts';

/**
 * Gates hold back the first creation of a workload and changes of its pod template, nothing else: while one is closed, everything outside
 * of the template is applied, and within it what was applied last. No template: there is nothing to apply yet.
 */
export function gateTemplate(
  desired: PodTemplate | undefined,
  applied: PodTemplate | undefined,
  unmetNeed: () => string | undefined,
): { template: PodTemplate | undefined; unmet?: string } {
  if (applied && hashOf(applied) === hashOf(desired)) return { template: desired };
  const unmet = unmetNeed();
  return unmet === undefined ? { template: desired } : { template: applied, unmet };
}
