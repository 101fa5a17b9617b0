/** The pod templates that were applied, as ControllerRevisions: what is put back, and returned to. */
import { hashOf } from '../runtime/hash.ts';
import type { ControllerRevision } from '../runtime/known-resources.ts';
import type { Connections } from './connections.ts';
import { INPUT_HASH_LABEL, ownedMetadata, REVISION_OF_LABEL, type PlatformIdentity } from './labels.ts';
import { componentName } from './names.ts';
import type { PodTemplate } from './pod.ts';

const RENDERER = 'orderplane.dev/renderer';
const RELEASE = 'orderplane.dev/release';
const RENDERED_HASH = 'orderplane.dev/rendered-hash';
const CONNECTIONS = 'orderplane.dev/connections';
const GOOD = 'orderplane.dev/was-available';
const FAILED_ATTEMPT = 'orderplane.dev/failed-attempt';
const FAILURE = 'orderplane.dev/failure';

/** A template that was applied, with what it was applied for. */
export interface TemplateRevision {
  /** The newest has the highest. */
  revision: number;
  template: PodTemplate;
  /** Version of the renderer that this input was last seen by. */
  renderer: string;
  /** Release of the platform that it was applied for. */
  release: string;
  inputHash: string;
  /** What that renderer makes of the input: the template itself, unless it is kept from an older renderer. */
  renderedHash: string;
  /** What its pods connect to, where they are of a service. */
  connections?: Connections | undefined;
  /** Whether all pods ran with it: only then it is worth a return. */
  wasAvailable: boolean;
  /** Why its rollout was given up, and in which attempt. */
  failure?: { attempt: string; message: string };
}

export function revisionName(platform: string, component: string, template: PodTemplate): string {
  return `${componentName(platform, component)}-template-${hashOf(template).slice(0, 10)}`;
}

/** The object of a revision. The template never changes under its name; what is known of it does. */
export function revisionObject(
  platform: PlatformIdentity,
  component: string,
  pinned: TemplateRevision,
): ControllerRevision {
  const { template, revision, connections, failure } = pinned;
  const metadata = ownedMetadata(platform, revisionName(platform.name, component, template), component, 'revision');
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [REVISION_OF_LABEL]: component },
      annotations: {
        [RENDERER]: pinned.renderer,
        [RELEASE]: pinned.release,
        [INPUT_HASH_LABEL]: pinned.inputHash,
        [RENDERED_HASH]: pinned.renderedHash,
        ...(connections && { [CONNECTIONS]: JSON.stringify(connections) }),
        ...(pinned.wasAvailable && { [GOOD]: 'true' }),
        ...(failure && { [FAILED_ATTEMPT]: failure.attempt, [FAILURE]: failure.message }),
      },
    },
    revision,
    data: { template },
  };
}

export function parseRevision({ metadata, revision, data }: ControllerRevision): TemplateRevision {
  const { annotations = {} } = metadata;
  const { [FAILED_ATTEMPT]: attempt, [CONNECTIONS]: connections } = annotations;
  return {
    revision,
    template: (data as { template: PodTemplate }).template,
    renderer: annotations[RENDERER] ?? '',
    release: annotations[RELEASE] ?? '',
    inputHash: annotations[INPUT_HASH_LABEL] ?? '',
    renderedHash: annotations[RENDERED_HASH] ?? '',
    ...(connections !== undefined && { connections: JSON.parse(connections) as Connections }),
    wasAvailable: annotations[GOOD] === 'true',
    ...(attempt !== undefined && { failure: { attempt, message: annotations[FAILURE] ?? '' } }),
  };
}
