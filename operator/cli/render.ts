import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { APPLIED_HASH } from '../runtime/apply.ts';
import { ControllerRevisions, Jobs, Secrets, type Secret } from '../runtime/known-resources.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { APPLIED_TEMPLATE_ANNOTATION } from '../resources/labels.ts';
import { EXIT } from './output.ts';
import { several } from './plan.ts';
import { renderFiles } from './plan/make.ts';

interface RenderFlags {
  filename: string[];
  namespace?: string;
  imagesFile?: string;
  jobs?: boolean;
  output: 'yaml' | 'json';
}

const HELP = `
No cluster is asked. Passwords and keys read "generated-by-the-operator", where the operator would make some. The output is the same each time, and good for
kubectl apply --dry-run=server. Owners are named, but have no identity yet: apply the OrderPlatform, not this.`;

export function renderCommand(): Command {
  return new Command('render')
    .description('Print what the operator would make of files, as manifests, without a cluster')
    .requiredOption('-f, --filename <path>', 'files or folders with OrderPlatforms (- for standard input)', several)
    .option('-n, --namespace <name>', 'namespace of what names none', 'default')
    .option('--images-file <path>', "YAML file with images in place of the release's, as the operator has")
    .option('--jobs', 'the Jobs as well, with their inputs')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', HELP)
    .action(render);
}

async function render({ filename, namespace = 'default', imagesFile, jobs, output }: RenderFlags): Promise<void> {
  const { objects, notes } = await renderFiles({ files: filename, namespace, imagesFile });
  const runs = new Set(objects.filter(({ kind }) => kind === Jobs.kind).map(({ metadata }) => metadata.name));
  const isOfRun = ({ kind, metadata }: KubeObject) =>
    kind === Jobs.kind || (kind === 'ConfigMap' && runs.has(metadata.name));
  const kept = objects.filter((object) => object.kind !== ControllerRevisions.kind && (jobs || !isOfRun(object)));
  const shown = kept.map(forPeople);
  if (output === 'json') {
    console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: shown }, undefined, 2));
  } else {
    console.log(shown.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'));
  }
  for (const note of notes) console.error(`! ${note}`);
  process.exitCode = EXIT.ok;
}

/** As one would write it: without what the operator notes for itself, and without what an API server adds. */
function forPeople(object: KubeObject): KubeObject {
  const { metadata, status: _, apiVersion, kind, ...content } = object as KubeObject & { status?: unknown };
  const { name, namespace, labels, annotations = {}, ownerReferences } = metadata;
  const kept = Object.entries(annotations).filter(
    ([key]) => key !== APPLIED_HASH && key !== APPLIED_TEMPLATE_ANNOTATION,
  );
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(labels && { labels }),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
      ...(ownerReferences && { ownerReferences }),
    },
    ...(kind === Secrets.kind ? readable(content as Pick<Secret, 'data' | 'type'>) : content),
  } as KubeObject;
}

function readable({ data = {}, ...rest }: Pick<Secret, 'data' | 'type'>) {
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  return { ...rest, stringData: Object.fromEntries(decoded) };
}
