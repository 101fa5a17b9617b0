import type { SeedDataset } from '../contract.ts';
import type { PgClient } from '../postgres.ts';
import { invalidDataset } from './invalid-dataset.ts';

export interface Column {
  name: string;
  /** As Postgres writes it, with its modifier: `character varying(20)`. */
  type: string;
  /** What the values are for who writes them down; a domain is what it is a domain over. */
  kind: 'json' | 'array' | 'other';
  /** With its schema, quoted, where it is not the type's own. */
  collation: string | null;
  notNull: boolean;
  hasDefault: boolean;
  /** GENERATED ALWAYS: the database computes it. */
  generated: boolean;
}

export interface Table {
  oid: number;
  /** Quoted, with its schema. */
  name: string;
  owner: string;
  columns: Column[];
  /** The columns of each unique index that a conflict can be decided by. */
  uniqueKeys: string[][];
  partitioned: boolean;
  /** Nothing but constraints sees a row that comes in: no triggers, no rules, no policies that the owner is subject to. */
  plain: boolean;
}

const TABLE = `
  SELECT pg_class.oid::bigint::float8 AS oid, format('%I.%I', nspname, relname) AS name, pg_get_userbyid(relowner) AS owner,
         (SELECT jsonb_agg(jsonb_build_object(
             'name', attname,
             'type', format_type(atttypid, atttypmod),
             'kind', CASE WHEN base.oid IN ('json'::regtype, 'jsonb'::regtype) THEN 'json'
                          WHEN base.typcategory = 'A' THEN 'array' ELSE 'other' END,
             'collation', CASE WHEN attcollation <> declared.typcollation
                               THEN (SELECT format('%I.%I', collnamespace::regnamespace, collname) FROM pg_collation
                                      WHERE oid = attcollation) END,
             'notNull', attnotnull,
             'hasDefault', atthasdef OR attidentity <> '',
             'generated', attgenerated <> '' OR attidentity = 'a') ORDER BY attnum)
            FROM pg_attribute
            JOIN pg_type declared ON declared.oid = atttypid
            JOIN pg_type base ON base.oid = CASE declared.typtype WHEN 'd' THEN declared.typbasetype ELSE declared.oid END
           WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns,
         coalesce((SELECT jsonb_agg((SELECT jsonb_agg(attname) FROM pg_attribute
                                      WHERE attrelid = pg_class.oid AND attnum = ANY(indkey[0 : indnkeyatts - 1])))
            FROM pg_index WHERE indrelid = pg_class.oid AND indisunique AND indisvalid AND indimmediate
             AND indpred IS NULL AND indexprs IS NULL), '[]') AS "uniqueKeys",
         relkind = 'p' AS partitioned,
         relkind = 'r' AND NOT relhasrules AND NOT relforcerowsecurity
           AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal) AS plain
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
   WHERE nspname = $1 AND relname = $2 AND relkind IN ('r', 'p')`;

export async function readTable(client: PgClient, dataset: SeedDataset): Promise<Table> {
  const [name = '', schema = 'public'] = (dataset.table ?? '').split('.').reverse();
  const { rows } = await client.query<Table>(TABLE, [schema, name]);
  if (rows[0]) return rows[0];
  throw invalidDataset(dataset, `table "${dataset.table}" does not exist in database "${dataset.database}"`);
}
