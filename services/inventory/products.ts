import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { badInput } from '@orderplane/shared/errors.ts';
import { type Queryable, query } from '@orderplane/shared/postgres.ts';

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly description?: string | undefined;
  readonly categoryId?: string | undefined;
  /** How many can be ordered now; undefined where stock is not kept. */
  readonly available?: number | undefined;
}

export interface ProductFilter {
  readonly search?: string | undefined;
  readonly categoryId?: string | undefined;
  /** 0: as many as there can be on a page. */
  readonly first: number;
  readonly after?: string | undefined;
}

export interface ProductPage {
  readonly products: Product[];
  readonly next?: string | undefined;
}

const MAX_PAGE = 500;
const MAX_BATCH = 100;
const MAX_SEARCH = 200;

const SELECT = `select id, name, price, description, category_id, on_hand - reserved as available
  from products left join stock on product_id = id`;

/** A page of what can be ordered, by name. */
export async function listProducts(database: Queryable, filter: ProductFilter): Promise<ProductPage> {
  const { search = '', categoryId, first, after } = filter;
  if (first < 0 || first > MAX_PAGE) throw badInput('first', `first must be from 1 to ${MAX_PAGE}.`);
  if (search.length > MAX_SEARCH) throw badInput('search', `search must not be longer than ${MAX_SEARCH} characters.`);
  const size = first || MAX_PAGE;
  const [afterName, afterId] = after ? decodeCursor(after) : [null, null];
  const rows = await query<ProductRow>(
    database,
    `${SELECT}
     where id <> $1 and ($2::text is null or (name, id) > ($2, $3)) and ($4::text is null or category_id = $4)
       and not exists (select from unnest($5::text[]) as word where concat_ws(' ', name, description) not ilike word)
     order by name, id limit $6`,
    [VERIFICATION_PRODUCT, afterName, afterId, categoryId ?? null, patternsOf(search), size + 1],
  );
  const products = rows.slice(0, size).map(product);
  const last = products.at(-1);
  return rows.length > size && last ? { products, next: encodeCursor(last) } : { products };
}

/** One product. That of verification needs no row, and all the same an answer of the table: it fails when the table does. */
export async function findProduct(database: Queryable, id: string): Promise<Product | undefined> {
  return (await findProducts(database, [id]))[0];
}

/** Those of the ids that there are. */
export async function findProducts(database: Queryable, ids: readonly string[]): Promise<Product[]> {
  if (ids.length > MAX_BATCH) throw badInput('ids', `At most ${MAX_BATCH} ids can be asked for at once.`);
  const rows = await query<ProductRow>(
    database,
    `${SELECT} where id = any($1)
     union all select $2, 'Verification', 0, null, null, null
     where $2 = any($1) and not exists (select from products where id = $2)`,
    [ids, VERIFICATION_PRODUCT],
  );
  return rows.map(product);
}

export interface Category {
  readonly id: string;
  readonly name: string;
  readonly products: number;
}

export function listCategories(database: Queryable): Promise<Category[]> {
  return query<Category>(
    database,
    `select id, name, (select count(*)::int from products where category_id = categories.id) as products
     from categories order by name, id`,
  );
}

export interface Stock {
  readonly tracked: boolean;
  readonly onHand: number;
  readonly reserved: number;
}

/** undefined for a product that there is not. */
export async function findStock(database: Queryable, productId: string): Promise<Stock | undefined> {
  const rows = await query<Stock>(
    database,
    `select product_id is not null as tracked, coalesce(on_hand, 0) as "onHand", coalesce(reserved, 0) as reserved
     from (select id from products where id = $1 union select $2 where $1 = $2) as known left join stock on product_id = id`,
    [productId, VERIFICATION_PRODUCT],
  );
  return rows[0];
}

interface ProductRow {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly description: string | null;
  readonly category_id: string | null;
  readonly available: number | null;
}

function product({ id, name, price, description, category_id: categoryId, available }: ProductRow): Product {
  const optional = { description: description ?? undefined, categoryId: categoryId ?? undefined };
  return { id, name, price, ...optional, available: available ?? undefined };
}

/** For LIKE: each word, wherever it is. */
function patternsOf(search: string): string[] {
  const words = search.split(/\s+/).filter((word) => word !== '');
  return words.map((word) => `%${word.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`);
}

function encodeCursor({ name, id }: Product): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url');
}

function decodeCursor(cursor: string): [name: string, id: string] {
  try {
    const [name, id, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof name === 'string' && typeof id === 'string' && rest.length === 0) return [name, id];
  } catch {
    // Told below.
  }
  throw badInput('after', 'after must be what the page before had as its next.');
}
