// A replica's ledger in the run store: `replicas/<id>/ledger.jsonl`. The first line is the head, then
// one line for each account, entry and session, in that order.

import { readFileSync } from "node:fs";
import type {
  LedgerAccount,
  LedgerDump,
  LedgerEntry,
  LedgerSession,
} from "../checker/run-record.js";
import { readJsonLines } from "./json-lines.js";
import { UsageError } from "./usage-error.js";

type Head = { version: number; node: string; seq: number; digest: string; chain: string };
type Line =
  | { head: Head }
  | { account: LedgerAccount }
  | { entry: LedgerEntry }
  | { session: LedgerSession };

export function ledgerText(dump: LedgerDump): string {
  const { node, seq, digest, chain } = dump;
  const lines: Line[] = [
    { head: { version: 1, node, seq, digest, chain } },
    ...dump.accounts.map((account) => ({ account })),
    ...dump.entries.map((entry) => ({ entry })),
    ...dump.sessions.map((session) => ({ session })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/**
 * The ledgers of several replicas. Where all but the head is byte for byte what stands in the file
 * before, the rows are not read again but shared. Throws UsageError naming a line that is not a ledger's.
 */
export function readLedgerFiles(paths: readonly string[]): LedgerDump[] {
  let before: { rows: Buffer; dump: LedgerDump } | undefined;
  return paths.map((path) => {
    const bytes = readFileSync(path);
    const rowsAt = bytes.indexOf("\n") + 1;
    const rows = bytes.subarray(rowsAt);
    if (rowsAt > 0 && before?.rows.equals(rows)) {
      const { values } = readJsonLines(bytes.toString("utf8", 0, rowsAt), path);
      const { version: _, ...head } = headOf(values[0]?.["head"], path);
      return { ...before.dump, ...head };
    }
    const dump = parseLedger(bytes.toString(), path);
    before = { rows, dump };
    return dump;
  });
}

function parseLedger(text: string, path: string): LedgerDump {
  const accounts: LedgerAccount[] = [];
  const entries: LedgerEntry[] = [];
  const sessions: LedgerSession[] = [];
  let head: Head | undefined;
  const { values } = readJsonLines(text, path);
  for (const [index, line] of values.entries()) {
    const { account, entry, session } = line;
    if (index === 0) head = headOf(line["head"], path);
    else if (isRecord<LedgerAccount>(account, ACCOUNT)) accounts.push(account);
    else if (isRecord<LedgerEntry>(entry, ENTRY)) entries.push(entry);
    else if (isRecord<LedgerSession>(session, SESSION)) sessions.push(session);
    else throw malformed(path, index, "an account, an entry or a session");
  }
  if (head === undefined) throw malformed(path, 0, "the ledger's head");
  const { node, seq, digest, chain } = head;
  return { node, seq, digest, chain, accounts, entries, sessions };
}

function headOf(value: unknown, path: string): Head {
  if (!isRecord<Head>(value, HEAD)) throw malformed(path, 0, "the ledger's head");
  if (value.version === 1) return value;
  throw new UsageError(
    "newer-version",
    `${path}: ledger file of version ${value.version}; this ordeal reads version 1: upgrade it`,
  );
}

type Fields<T> = Readonly<Record<keyof T, "number" | "string">>;
type Shape<T> = readonly (readonly [field: string, kind: string])[] & { of?: T };

function shape<T>(fields: Fields<T>): Shape<T> {
  return Object.entries(fields);
}

const HEAD = shape<Head>({
  version: "number",
  node: "string",
  seq: "number",
  digest: "string",
  chain: "string",
});
const ACCOUNT = shape<LedgerAccount>({
  id: "string",
  name: "string",
  address: "string",
  balance: "number",
});
const ENTRY = shape<LedgerEntry>({
  index: "number",
  seq: "number",
  client: "number",
  timestamp: "number",
  kind: "string",
  debit: "string",
  credit: "string",
  amount: "number",
});
const SESSION = shape<LedgerSession>({
  client: "number",
  timestamp: "number",
  seq: "number",
  resultDigest: "string",
});

function isRecord<T>(value: unknown, shape: Shape<T>): value is T {
  if (typeof value !== "object" || value === null) return false;
  return shape.every(([field, kind]) => typeof Reflect.get(value, field) === kind);
}

function malformed(path: string, index: number, wanted: string): UsageError {
  return new UsageError(
    "malformed",
    `${path} line ${index + 1}: wanted ${wanted}, found another thing`,
  );
}
