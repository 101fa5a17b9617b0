/** A type as the catalog and the parser name it: `int4`, and what stands in parentheses after it. */
export interface ColumnType {
  name: string;
  modifiers: readonly number[];
}

export type TypeChange = 'None' | 'Rewriting' | 'Narrowing';

/** Types that each hold every value of those before them. */
const WIDENINGS: readonly (readonly string[])[] = [
  ['int2', 'int4', 'int8', 'numeric'],
  ['int2', 'int4', 'float8'],
  ['int2', 'float4', 'float8'],
  ['date', 'timestamp', 'timestamptz'],
  ['date', 'timestamptz', 'timestamp'],
  ['json', 'jsonb'],
];
/** Changes of nothing but the catalog. */
const RELABELLINGS = new Set(['varchar text', 'text varchar', 'cidr inet', 'bpchar varchar']);

/**
 * What it takes to store a column of one type as another. `from` is `undefined` where it is not known; whatever is not known to keep
 * every value counts as narrowing.
 */
export function typeChange(from: ColumnType | undefined, to: ColumnType): TypeChange {
  const isUnlimited = to.modifiers.length === 0;
  if (from?.name === to.name) return sameType(from, to);
  if (from && RELABELLINGS.has(`${from.name} ${to.name}`) && isUnlimited) return 'None';
  if (from?.name === 'varchar' && to.name === 'varchar') return sameType(from, to);
  if (isUnlimited && (to.name === 'text' || to.name === 'varchar')) return 'Rewriting';
  if (!from || !isUnlimited) return 'Narrowing';
  const isWider = WIDENINGS.some((types) => {
    const [old, next] = [types.indexOf(from.name), types.indexOf(to.name)];
    return old !== -1 && old < next;
  });
  return isWider ? 'Rewriting' : 'Narrowing';
}

function sameType(from: ColumnType, to: ColumnType): TypeChange {
  if (to.modifiers.length === 0) return 'None';
  if (from.modifiers.length === 0) return 'Narrowing';
  const [oldFirst = 0, oldScale = 0] = from.modifiers;
  const [first = 0, scale = 0] = to.modifiers;
  switch (to.name) {
    case 'varchar':
      return first >= oldFirst ? 'None' : 'Narrowing';
    case 'numeric':
      if (scale < oldScale || first - scale < oldFirst - oldScale) return 'Narrowing';
      return scale === oldScale ? 'None' : 'Rewriting';
    default:
      return first === oldFirst ? 'None' : first > oldFirst ? 'Rewriting' : 'Narrowing';
  }
}
