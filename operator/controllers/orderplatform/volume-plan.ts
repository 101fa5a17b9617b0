import type { PersistentVolumeClaim, StatefulSet, StorageClass } from '../../runtime/index.ts';
import { parseQuantity } from '../../runtime/quantity.ts';

export type VolumePlan =
  /** The claim asks for what is wanted, or more. */
  | { step: 'settled' }
  /** The claim is to ask for more. */
  | { step: 'grow'; from: string }
  /** The claim asks for it, and the volume has not come to it. */
  | { step: 'await'; from: string; message?: string }
  | { step: 'refuse'; from: string; message: string };

/**
 * How a volume comes to the size that is wanted. A claim that is larger stays: volumes do not shrink.
 * @param storageClass of the claim, which says whether its volumes can grow; needed only where the claim asks for too little
 * @param elsewhere how to come to a larger volume without this one
 */
export function planVolume(
  wanted: string,
  { metadata, spec, status }: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
  elsewhere = 'move the data to a platform with a larger volume',
): VolumePlan {
  const asked = spec?.resources?.requests?.storage ?? wanted;
  const capacity = status?.capacity?.storage;
  if (isLess(asked, wanted)) {
    if (storageClass?.allowVolumeExpansion) {
      return status?.phase === 'Bound'
        ? { step: 'grow', from: asked }
        : { step: 'await', from: asked, message: 'it has no volume yet' };
    }
    const name = spec?.storageClassName;
    const fault = name
      ? storageClass
        ? `its StorageClass ${name} does not let volumes grow (allowVolumeExpansion)`
        : `its StorageClass ${name} does not exist`
      : 'it has no StorageClass that could let it grow';
    return {
      step: 'refuse',
      from: asked,
      message: `volume claim ${metadata.name} stays at ${asked}, because ${fault}: put storage back to ${asked}, allow it in the class if its driver can, or ${elsewhere}`,
    };
  }
  if (capacity && isLess(capacity, asked)) {
    const last = status?.conditions?.find((each) => each.status === 'True' && each.message)?.message;
    return { step: 'await', from: capacity, ...(last && { message: last }) };
  }
  return { step: 'settled' };
}

/** The size in the claim template of a StatefulSet, which nothing can change once it is made. */
export function templateSize({ spec }: StatefulSet): string | undefined {
  return spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
}

/** The StatefulSet with another size in its claim template. */
export function withTemplateSize(statefulSet: StatefulSet, storage: string): StatefulSet {
  const spec = statefulSet.spec as NonNullable<StatefulSet['spec']>;
  const volumeClaimTemplates = spec.volumeClaimTemplates?.map((claim) => ({
    ...claim,
    spec: { ...claim.spec, resources: { ...claim.spec?.resources, requests: { storage } } },
  }));
  return { ...statefulSet, spec: { ...spec, ...(volumeClaimTemplates && { volumeClaimTemplates }) } };
}

export function isLess(a: string, b: string): boolean {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return left !== undefined && right !== undefined && left < right;
}
