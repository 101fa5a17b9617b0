import { z } from 'zod';
import { GROUP, VERSION, type Kind } from './kinds.ts';

type Schema = { [key: string]: unknown };

/**
 * The CustomResourceDefinition of a kind, as it is applied.
 * Throws where a field of the spec or status has no description, or a list or string no bound: both are part of the API.
 */
export function customResourceDefinition(kind: Kind): object {
  const { plural, singular, shortName } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, labels: { 'app.kubernetes.io/part-of': 'orderplane' } },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular,
        shortNames: [shortName],
        categories: ['orderplane'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: {
            openAPIV3Schema: {
              description: kind.description,
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: `Version of this API: ${GROUP}/${VERSION}.` },
                kind: { type: 'string', description: `Kind of the object: ${kind.kind}.` },
                metadata: { type: 'object' },
                spec: structural(kind.spec, `${kind.kind}.spec`),
                status: structural(kind.status, `${kind.kind}.status`),
              },
              'x-kubernetes-validations': kind.rules,
            },
          },
        },
      ],
    },
  };
}

/** The structural schema (apiextensions.k8s.io) for a zod schema: what a user may write. */
export function structural(schema: z.ZodType, path: string): Schema {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'any' });
  return convert(json as Schema, path);
}

const DROPPED = ['$schema', 'definitions', '$ref', 'additionalProperties', 'propertyNames', 'anyOf'];

function convert(schema: Schema, path: string): Schema {
  const out: Schema = Object.fromEntries(Object.entries(schema).filter(([key]) => !DROPPED.includes(key)));
  if (out['x-kubernetes-int-or-string']) {
    out.anyOf = [{ type: 'integer' }, { type: 'string' }];
    return out;
  }
  if (out['x-kubernetes-preserve-unknown-fields']) return { ...out, type: 'object' };
  if (out.format === 'date-time') delete out.pattern;
  if (out.type === 'integer') boundInteger(out);
  if (out.type === 'string' && !out.enum && !out.format && out.maxLength === undefined)
    throw new Error(`${path}: a string without maxLength`);
  if (out.type === 'array') {
    if (out.maxItems === undefined) throw new Error(`${path}: a list without maxItems`);
    out.items = convert(schema.items as Schema, `${path}[]`);
  }
  if (out.type === 'object' && isMap(schema)) {
    if (out.maxProperties === undefined) throw new Error(`${path}: a map without maxProperties`);
    out.additionalProperties = convert(schema.additionalProperties as Schema, `${path}{}`);
  } else if (out.type === 'object') {
    out.properties = Object.fromEntries(
      Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, property]) => {
        const converted = convert(property, `${path}.${name}`);
        if (!converted.description) throw new Error(`${path}.${name} has no description`);
        return [name, converted];
      }),
    );
  }
  if (out.type === undefined) throw new Error(`${path}: a union, which a structural schema cannot say`);
  return out;
}

/** From `z.record`: names of the user's own. */
function isMap({ additionalProperties }: Schema): boolean {
  return typeof additionalProperties === 'object';
}

/** zod bounds integers by what a double can hold: that is no bound of this API. */
function boundInteger(schema: Schema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
