import { JobError } from '../../failures.ts';
import type { SourceText } from '../source.ts';
import { hasOption, type AnyNode, type NodeKind } from './nodes.ts';
import { firstLine, type SqlStatement } from './parse.ts';

/** Statements that would end the migration's own transaction, by the parser's name of their kind. Savepoints may stay. */
const ENDS_TRANSACTION: ReadonlySet<string> = new Set([
  'TRANS_STMT_BEGIN',
  'TRANS_STMT_START',
  'TRANS_STMT_COMMIT',
  'TRANS_STMT_ROLLBACK',
  'TRANS_STMT_PREPARE',
  'TRANS_STMT_COMMIT_PREPARED',
  'TRANS_STMT_ROLLBACK_PREPARED',
]);

/** What is of the server and not of one database. */
const OF_THE_SERVER: readonly NodeKind[] = ['CreatedbStmt', 'DropdbStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt'];

/** Refuses, by file and line, what a migration cannot hold. */
export function refuseImpossible(file: SourceText, statements: readonly SqlStatement[]): void {
  for (const { node, line, text } of statements) {
    const at = `${file.file}:${line}`;
    const quoted = `"${firstLine(text)}"`;
    if (node.TransactionStmt && ENDS_TRANSACTION.has(node.TransactionStmt.kind)) {
      throw new JobError(
        'NotTransactional',
        `${at}: a migration is one transaction with its ledger row already; remove ${quoted}`,
      );
    }
    if (OF_THE_SERVER.some((kind) => node[kind])) {
      throw new JobError(
        'InvalidSource',
        `${at}: ${quoted} is not of this database, but of the whole server; remove it`,
      );
    }
    if (node.CopyStmt && node.CopyStmt.filename === undefined) {
      throw new JobError(
        'InvalidSource',
        `${at}: nothing is at the other end of ${quoted}: write rows with INSERT, or with a SeedJob`,
      );
    }
  }
  const [first] = statements.filter(isStandalone);
  if (!first) return;
  const at = `${file.file}:${first.line}`;
  if (statements.length > 1) {
    throw new JobError(
      'NotTransactional',
      `${at}: "${firstLine(first.text)}" cannot be part of a transaction: put it into a file of its own`,
    );
  }
  if (first.node.IndexStmt && !first.node.IndexStmt.idxname) {
    throw new JobError(
      'NotTransactional',
      `${at}: give the index a name, so that one that was half built can be found and removed`,
    );
  }
}

/** Whether no transaction can hold a statement: it is alone in its file, and its ledger row is dirty while it runs. */
export function isStandalone({ node }: { node: AnyNode }): boolean {
  const { IndexStmt: index, DropStmt: drop, ReindexStmt: reindex, VacuumStmt: vacuum, ClusterStmt: cluster } = node;
  if (reindex) {
    const isOfMany = !['REINDEX_OBJECT_INDEX', 'REINDEX_OBJECT_TABLE'].includes(reindex.kind);
    return isOfMany || hasOption(reindex.params, 'concurrently');
  }
  return Boolean(
    index?.concurrent ||
    drop?.concurrent ||
    vacuum?.is_vacuumcmd ||
    (cluster && !cluster.relation) ||
    node.AlterSystemStmt,
  );
}
