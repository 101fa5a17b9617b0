import { JobError } from '../failures.ts';
import type { SourceText } from './source.ts';

export interface SqlStatement {
  text: string;
  /** Of its first token in the file, counted from 1. */
  line: number;
}

interface ParsedStatement {
  stmt?: Record<string, { kind?: string } | undefined>;
  stmt_location?: number;
  stmt_len?: number;
}

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

/** Splits a file into its statements with Postgres's own parser: quotes, dollar quotes and function bodies are its business. */
export async function splitSql(file: SourceText): Promise<SqlStatement[]> {
  if (file.text.trim() === '') return [];
  const { parse, hasSqlDetails } = await import('libpg-query');
  let parsed: ParsedStatement[];
  try {
    parsed = ((await parse(file.text)) as { stmts?: ParsedStatement[] }).stmts ?? [];
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    const line = lineAt(file.text, error.sqlDetails?.cursorPosition ?? 0);
    throw new JobError('StatementFailed', `${file.file}:${line}: ${error.message}`, { cause: error });
  }
  const bytes = Buffer.from(file.text);
  return parsed.map(({ stmt = {}, stmt_location: start = 0, stmt_len: length }) => {
    const end = length ? start + length : bytes.length;
    const statement = { text: bytes.toString('utf8', start, end), line: countLines(bytes.toString('utf8', 0, start)) };
    const transactionKind = stmt.TransactionStmt?.kind;
    if (transactionKind !== undefined && ENDS_TRANSACTION.has(transactionKind)) {
      throw new JobError(
        'NotTransactional',
        `${file.file}:${statement.line}: a migration is one transaction with its ledger row already; remove "${firstLine(statement.text)}"`,
      );
    }
    return statement;
  });
}

/** The line of a character position (0-based, counted in code points as Postgres does). */
export function lineAt(text: string, position: number): number {
  return countLines(Array.from(text).slice(0, position).join(''));
}

const countLines = (text: string): number => text.split('\n').length;

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 80);
}
