// `store/index.sqlite`: a row for every run, to be asked with any SQLite client. The folders are the
// truth; a row repeats what stands in them.

import { join } from "node:path";
import Database from "better-sqlite3";
import { failedChecks } from "./judge.js";
import type { RunOutcome } from "./run.js";
import { oneLine, UsageError } from "./usage-error.js";
import { wordOf } from "./verdict-lines.js";

const VERSION = 1;

/** Throws UsageError where the index is of a newer version, or no index. */
export function openIndex(store: string): Database.Database {
  const path = join(store, "index.sqlite");
  const database = new Database(path, { timeout: 5_000 });
  try {
    const version = Number(database.pragma("user_version", { simple: true }));
    if (version > VERSION) {
      throw new UsageError(
        "newer-version",
        `${path}: version ${version}; this ordeal writes version ${VERSION}: upgrade it`,
      );
    }
    database.exec(SCHEMA);
    database.pragma(`user_version = ${VERSION}`);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      "bad-index",
      `${path} is no index of runs (${oneLine(error)}): move it away, it is made anew`,
    );
  }
}

export function indexRun(store: string, { directory, meta, verdict }: RunOutcome): void {
  const database = openIndex(store);
  try {
    database
      .prepare(
        `INSERT OR REPLACE INTO run (directory, suite, seed, commit_id, environment, started_at,
           seconds, replicas, valid, failed_checks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        directory,
        meta.suite,
        meta.seed,
        meta.commit,
        meta.environment,
        meta.startedAt,
        meta.phases.end / 1e9,
        meta.replicas,
        wordOf(verdict["valid?"]),
        failedChecks(verdict).join(","),
      );
  } finally {
    database.close();
  }
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS run (
  directory TEXT PRIMARY KEY,
  suite TEXT NOT NULL,
  seed INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  started_at TEXT NOT NULL,
  seconds REAL NOT NULL,
  replicas INTEGER NOT NULL,
  valid TEXT NOT NULL CHECK (valid IN ('valid', 'invalid', 'unknown')),
  failed_checks TEXT NOT NULL
) STRICT`;
