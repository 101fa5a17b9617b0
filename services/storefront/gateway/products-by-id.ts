import { gatewayAddress } from './address.ts';
import { forward, type ForwardOptions } from './forward.ts';
import { type Answer, answerOf, problem } from './problem.ts';

/** One that is null is not sold (any more). */
type Found = Record<string, { id: string; name: string; price: number; available: number | null } | null>;

interface GraphqlResult {
  data?: Found | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** The gateway takes so many root fields in one query. */
const AT_ONCE = 10;

/** Products by their ids, in a few questions however many there are. Those that are not sold are not in the answer. */
export async function productsById(
  ids: readonly string[],
  options: ForwardOptions,
): Promise<Answer<{ items: object[] }>> {
  const chunks = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, index) =>
    ids.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
  const answers = await Promise.all(chunks.map((chunk) => ask(chunk, options)));
  const failed = answers.find((answer) => answer.kind === 'problem');
  if (failed) return failed;
  const found = answers.flatMap((answer) => (answer.kind === 'data' ? Object.values(answer.data) : []));
  return { kind: 'data', data: { items: found.filter((product) => product !== null).map(withoutNulls) } };
}

async function ask(ids: readonly string[], options: ForwardOptions): Promise<Answer<Found>> {
  const parameters = ids.map((_, index) => `$i${index}: ID!`).join(', ');
  const fields = ids.map((_, index) => `p${index}: product(id: $i${index}) { id name price available }`).join(' ');
  const variables = Object.fromEntries(ids.map((id, index) => [`i${index}`, id]));
  const body = JSON.stringify({ query: `query Products(${parameters}) { ${fields} }`, variables });
  const answer = await answerOf<GraphqlResult>(await forward(gatewayAddress(), { ...options, method: 'POST', body }));
  if (answer.kind === 'problem') return answer;
  const { data, errors } = answer.data;
  const [error] = errors ?? [];
  if (error) return problem(error.extensions?.code ?? 'GRAPHQL_ERROR', error.message);
  return data ? { kind: 'data', data } : problem('INVALID_ANSWER', 'The gateway answered neither data nor errors.');
}

/** As REST has it: what is not known is absent. */
function withoutNulls(product: object): object {
  return Object.fromEntries(Object.entries(product).filter(([, value]) => value !== null));
}
