// Correct replicas hold one ledger: the same accounts, entries, sessions, digest and chain.

import { counted, cut } from "../describe.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { firstDivergence, LedgerPrefixes } from "./ledger-prefixes.js";

/** Rows shown around a divergence. */
const CONTEXT_ROWS = 3;
const DIFFERENCES_MAX = 8;

/**
 * Two different entries at one index are invalid at any time. Different lengths, accounts,
 * sessions or digests are invalid once quiescent, and also where the run gave up waiting for that:
 * the claim is that replicas catch up before the deadline.
 */
export function agreement({ ledgers, correctReplicas, quiescence }: RunRecord): CheckResult {
  const figures: Record<string, number | string> = {};
  for (const dump of ledgers) {
    figures[dump.node] =
      `seq ${dump.seq}, ${counted(dump.entries.length, "entry")}, digest ${dump.digest.slice(0, 16)}`;
  }
  const reference = ledgers[0];
  if (reference === undefined) {
    return { valid: "unknown", summary: "no ledger was collected", figures };
  }
  const prefixes = new LedgerPrefixes();
  const own = prefixes.of(reference.entries);
  for (const dump of ledgers.slice(1)) {
    if (dump.entries === reference.entries) continue; // One list, read once for both.
    const index = firstDivergence(own, prefixes.of(dump.entries));
    if (index === undefined) continue;
    return { valid: false, figures, ...divergence(reference, dump, index) };
  }
  const differences = ledgers.slice(1).flatMap((dump) => differencesOf(reference, dump));
  if (differences.length > 0) {
    return unequal(differences, quiescence, figures);
  }
  const missing = correctReplicas.filter((node) => !ledgers.some((dump) => dump.node === node));
  if (missing.length > 0) {
    const summary = `the ledger of ${missing.join(", ")} is missing; the others agree`;
    return { valid: "unknown", summary, figures };
  }
  if (ledgers.length < 2) {
    return {
      valid: "unknown",
      summary: `only the ledger of ${reference.node} to compare`,
      figures,
    };
  }
  if (reference.entries.length === 0) {
    return { valid: "unknown", summary: "the ledgers agree, but they are empty", figures };
  }
  const entries = counted(reference.entries.length, "entry");
  const summary = `${ledgers.length} ledgers are identical: ${entries} at seq ${reference.seq}`;
  return { valid: true, summary, figures };
}

function unequal(
  differences: readonly string[],
  quiescence: RunRecord["quiescence"],
  figures: Record<string, number | string>,
): CheckResult {
  const explanation = cut(differences, DIFFERENCES_MAX);
  if (quiescence === undefined) {
    const summary = "the ledgers differ, but nobody waited for them to come to rest";
    return { valid: "unknown", summary, figures, explanation };
  }
  const when = quiescence.reached
    ? "the ledgers differ after the cluster came to rest"
    : `the replicas did not come to one state before the deadline (${quiescence.detail})`;
  return { valid: false, summary: `${when}: ${differences[0]}`, figures, explanation };
}

/** Row by row, around the first index at which the two hold different entries. */
function divergence(
  a: LedgerDump,
  b: LedgerDump,
  index: number,
): { summary: string; explanation: string[] } {
  const explanation: string[] = [];
  const end = Math.min(index + CONTEXT_ROWS, Math.max(a.entries.length, b.entries.length));
  for (let at = Math.max(0, index - CONTEXT_ROWS); at < end; at += 1) {
    const [left, right] = [row(a.entries[at]), row(b.entries[at])];
    if (left === right) explanation.push(`  both: ${left}`);
    else explanation.push(`  ${a.node}: ${left}`, `  ${b.node}: ${right}`);
  }
  const where = `at index ${index} (the first ${index} agree)`;
  const summary = `${a.node} and ${b.node} hold different entries ${where}`;
  return { summary, explanation };
}

function row(entry: LedgerEntry | undefined): string {
  if (entry === undefined) return "no entry";
  const { index, seq, client, timestamp, kind, debit, credit, amount } = entry;
  const what = `${kind} ${amount} from ${debit} to ${credit}`;
  return `entry ${index}, seq ${seq}: ${what}, client ${client} timestamp ${timestamp}`;
}

/** Everything else in which two dumps with equal common entries differ. */
function differencesOf(a: LedgerDump, b: LedgerDump): string[] {
  const differences: string[] = [];
  if (a.seq !== b.seq) differences.push(`${a.node} is at seq ${a.seq}, ${b.node} at ${b.seq}`);
  if (a.entries.length !== b.entries.length) {
    const [short, long] = a.entries.length < b.entries.length ? [a, b] : [b, a];
    const lacking = row(long.entries[short.entries.length]);
    differences.push(`${short.node} lacks what ${long.node} has from here on: ${lacking}`);
  }
  const tables = [
    ["account", accountRows(a), accountRows(b)],
    ["session", sessionRows(a), sessionRows(b)],
  ] as const;
  for (const [table, left, right] of tables) {
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      const [mine, other] = [left.get(key) ?? "absent", right.get(key) ?? "absent"];
      if (mine !== other)
        differences.push(`${table} ${key}: ${a.node} ${mine}; ${b.node} ${other}`);
    }
  }
  if (a.digest !== b.digest) {
    differences.push(`digest: ${a.node} ${a.digest}; ${b.node} ${b.digest}`);
  }
  if (a.chain !== b.chain) differences.push(`chain: ${a.node} ${a.chain}; ${b.node} ${b.chain}`);
  return differences;
}

function accountRows({ accounts }: LedgerDump): ReadonlyMap<string, string> {
  return new Map(
    accounts.map(({ id, name, address, balance }) => [
      id,
      `balance ${balance} (${name}, ${address})`,
    ]),
  );
}

function sessionRows({ sessions }: LedgerDump): ReadonlyMap<string, string> {
  return new Map(
    sessions.map(({ client, timestamp, seq, resultDigest }) => [
      String(client),
      `timestamp ${timestamp}, seq ${seq}, result ${resultDigest.slice(0, 16)}`,
    ]),
  );
}
