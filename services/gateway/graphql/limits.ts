import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLCompositeType,
  type GraphQLSchema,
  isCompositeType,
  isListType,
  getNullableType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { MAX_PAGE, MAX_PRODUCTS } from '../rest/schemas.ts';

/** Of the text: some hundreds are the longest of use, and the parser calls itself for each that opens something. */
export const MAX_TOKENS = 1000;
const MAX_DEPTH = 8;
const MAX_ROOT_FIELDS = 10;
/** The largest page of orders with the products of all their lines, and as much again. */
const MAX_COST = 5000;

/** What a field makes many of: by its argument `first`, or by what is usual. */
const SIZES: Readonly<Record<string, number>> = {
  'Query.orders': MAX_PAGE,
  'Query.products': MAX_PRODUCTS,
  'Query.categories': 50,
  'Order.lines': 10,
};

interface Measure {
  /** Of objects that are made, at most. */
  readonly cost: number;
  readonly depth: number;
  readonly roots: number;
}

/**
 * What is too much about a valid query, as a sentence; undefined when nothing is. Every root field is a call to a service, and every object work: aliases and
 * fragments must not turn one request into thousands.
 */
export function excessOf(document: DocumentNode, schema: GraphQLSchema): string | undefined {
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = schema.getRootType(definition.operation);
    if (!root) continue;
    const { cost, depth, roots } = measure(document, definition.selectionSet, root);
    if (roots > MAX_ROOT_FIELDS)
      return `At most ${MAX_ROOT_FIELDS} root fields may be asked for at once; these are ${roots}.`;
    if (depth > MAX_DEPTH) return `A query may be ${MAX_DEPTH} fields deep; this one is ${depth}.`;
    if (cost > MAX_COST)
      return `This query may cost ${cost}, and ${MAX_COST} is the most. Ask for shorter pages or fewer fields.`;
  }
  return undefined;
}

function measure(document: DocumentNode, selections: SelectionSetNode, root: GraphQLCompositeType): Measure {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  // A fragment is always on one type, so that it measures the same wherever it is spread.
  const measured = new Map<string, Measure>();
  const ofSelections = ({ selections: nodes }: SelectionSetNode, parent: GraphQLCompositeType): Measure => {
    const parts = nodes.map((node): Measure => {
      if (node.kind === Kind.FIELD) return ofField(node, parent);
      if (node.kind === Kind.INLINE_FRAGMENT) return ofSelections(node.selectionSet, parent);
      const name = node.name.value;
      const known = measured.get(name);
      if (known) return known;
      const fragment = fragments.get(name);
      const result = fragment ? ofSelections(fragment.selectionSet, parent) : NOTHING;
      measured.set(name, result);
      return result;
    });
    return parts.reduce((a, b) => ({ cost: a.cost + b.cost, depth: Math.max(a.depth, b.depth), roots: a.roots + b.roots }), NOTHING); // prettier-ignore
  };
  const ofField = (field: FieldNode, parent: GraphQLCompositeType): Measure => {
    const name = field.name.value;
    // The library itself limits how deep introspection goes, and it asks no service.
    const definition = 'getFields' in parent ? parent.getFields()[name] : undefined;
    if (!definition) return { cost: 1, depth: 1, roots: 1 };
    const type = getNamedType(definition.type);
    if (!isCompositeType(type) || !field.selectionSet) return { cost: 0, depth: 1, roots: 1 };
    const below = ofSelections(field.selectionSet, type);
    const size = sizeOf(field, `${parent.name}.${name}`, isListType(getNullableType(definition.type)));
    return { cost: size.own + size.below * below.cost, depth: 1 + below.depth, roots: 1 };
  };
  return ofSelections(selections, root);
}

const NOTHING: Measure = { cost: 0, depth: 0, roots: 0 };

/** How many objects the field itself makes, and how often what is below it is made. A variable may be as large as is allowed. */
function sizeOf(field: FieldNode, name: string, isList: boolean): { own: number; below: number } {
  const most = SIZES[name];
  if (most === undefined) return { own: 1, below: 1 };
  const first = field.arguments?.find((argument) => argument.name.value === 'first')?.value;
  const asked = first?.kind === Kind.INT ? Math.min(most, Math.max(1, Number(first.value))) : most;
  return { own: isList ? asked : 1, below: asked };
}
