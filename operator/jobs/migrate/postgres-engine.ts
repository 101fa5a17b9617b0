import { lockHolder, takeAdvisoryLock } from '../advisory-lock.ts';
import { JobError } from '../failures.ts';
import { withPostgres, type PgClient } from '../postgres.ts';
import { baselineEntry } from './baseline.ts';
import type { EngineOptions, LockedTarget, MigrationEngine, Target } from './engine.ts';
import { labelOf, type LedgerEntry } from './ledger.ts';
import * as ledger from './postgres-ledger.ts';
import { runInTransaction, type FileRun } from './postgres-run.ts';
import { runStandalone } from './postgres-standalone.ts';
import type { SourceText } from './source.ts';
import { readCatalog } from './sql/catalog.ts';
import { classify, namesIn, type ParsedFile } from './sql/classify.ts';
import { parseSql, type SqlStatement } from './sql/parse.ts';
import { isStandalone, refuseImpossible } from './sql/standalone.ts';

export const postgresEngine: MigrationEngine = {
  look: (options, work) =>
    connected(options, async (client) => {
      await client.query('SET default_transaction_read_only = on');
      return work(looked(client, parser()));
    }),
  withLock: (options, work) =>
    connected(options, async (client) => {
      await takeAdvisoryLock(client, 'migrations', options.signal, options.log);
      return work(lockedTarget(client, options));
    }),
};

type Parser = (file: SourceText) => Promise<readonly SqlStatement[]>;

function connected<T>({ uri, input, signal }: EngineOptions, work: (client: PgClient) => Promise<T>): Promise<T> {
  const applicationName = `orderplane-migrate ${input.run}`;
  return withPostgres({ uri, database: input.database, applicationName, signal }, work);
}

/** Parses each file once. */
function parser(): Parser {
  const parsed = new Map<SourceText, Promise<readonly SqlStatement[]>>();
  return (file) => {
    const statements = parsed.get(file) ?? parseSql(file);
    parsed.set(file, statements);
    return statements;
  };
}

function looked(client: PgClient, parse: Parser): Target {
  return {
    readLedger: () => ledger.readLedger(client),
    existing: () => ledger.existingTables(client),
    check: async (texts, begun) => {
      const files: ParsedFile[] = [];
      for (const file of begun) files.push({ file, statements: await parse(file), wasApplied: true });
      for (const file of texts) {
        const statements = await parse(file);
        refuseImpossible(file, statements);
        files.push({ file, statements });
      }
      return classify(files, await readCatalog(client, namesIn(files)));
    },
    lockHolder: () => lockHolder(client, 'migrations'),
  };
}

function lockedTarget(client: PgClient, options: EngineOptions): LockedTarget {
  const { run } = options.input;
  const parse = parser();
  const runOf = async (file: SourceText): Promise<FileRun> => ({
    client,
    file,
    statements: await parse(file),
    options,
  });
  return {
    ...looked(client, parse),
    ensureLedger: async (baseline) => {
      await ledger.ensureLedger(client);
      if (baseline !== undefined) await ledger.insertEntry(client, baselineEntry(baseline, run));
    },
    apply: async (migration, { remaining }) => {
      const file = await runOf(migration);
      const { version, name, checksum } = migration;
      const before = await ledger.readEntry(client, version);
      const entry = { version, name, checksum, run, remaining, kind: 'up' } as const;
      if (!file.statements.some(isStandalone)) {
        if (before) throw notOfTransaction(before);
        return runInTransaction(file, async (runFile) => {
          await ledger.insertEntry(client, { ...entry, state: 'applied' });
          await ledger.finishEntry(client, version, await runFile());
        });
      }
      return runStandalone(file, {
        wasBegun: before !== undefined,
        begin: () =>
          before
            ? ledger.markEntry(client, version, { kind: 'up', state: 'dirty', run })
            : ledger.insertEntry(client, { ...entry, state: 'dirty' }),
        takeBack: () => ledger.removeEntry(client, version),
        finish: (tookMs) => ledger.finishEntry(client, version, tookMs),
      });
    },
    revert: async ({ version, down }) => {
      const file = await runOf(down);
      const before = await ledger.readEntry(client, version);
      const wasBegun = before?.state === 'dirty';
      if (!file.statements.some(isStandalone)) {
        if (wasBegun) throw notOfTransaction(before);
        return runInTransaction(file, async (runFile) => {
          await ledger.removeEntry(client, version);
          await runFile();
        });
      }
      return runStandalone(file, {
        wasBegun,
        begin: () => ledger.markEntry(client, version, { kind: 'down', state: 'dirty', run }),
        takeBack: () => ledger.markEntry(client, version, { kind: 'up', state: 'applied', run: before?.run ?? run }),
        finish: () => ledger.removeEntry(client, version),
      });
    },
  };
}

/** A file that is a transaction leaves no dirty row: who or what wrote this one is not known, nor what it means. */
function notOfTransaction(entry: LedgerEntry): JobError {
  return new JobError(
    'DirtyLedger',
    `the ledger has ${labelOf(entry)} as ${entry.state}, by ${entry.run}, but its file runs in one transaction, which leaves all or nothing: look what of it is in the database, then delete its row from ${ledger.LEDGER_TABLE}, or set its state to applied`,
  );
}
