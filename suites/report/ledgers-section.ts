// The ledgers side by side: one column a replica, whatever differs from the majority marked.

import type { LedgerDump, LedgerEntry, RunRecord } from "../../checker/run-record.js";
import { counted, grouped, shortDigest } from "./format.js";
import { type Fragment, type Html, html } from "./html.js";

const ACCOUNT_ROWS_MAX = 200;
const ENTRIES_AROUND = 2;

export function ledgersSection(record: RunRecord): Html {
  const { ledgers } = record;
  const missing = record.correctReplicas.filter((name) =>
    ledgers.every(({ node }) => node !== name),
  );
  return html`<section aria-labelledby="ledgers"><h2 id="ledgers">Ledgers side by side</h2>
${missing.length === 0 ? undefined : html`<p><span class="badge unknown">missing</span> No ledger was read from ${missing.join(", ")}.</p>`}
${
  ledgers.length === 0
    ? html`<p class="empty">No ledger was read.</p>`
    : [summary(ledgers), divergence(ledgers), accounts(ledgers)]
}
</section>`;
}

/** One line of a side-by-side table: what to compare, and how to print it. */
type Row = { head: Fragment; cells: readonly { key: string; text: Fragment }[] };

function summary(ledgers: readonly LedgerDump[]): Html {
  const digest = (text: string): Html => html`<code title="${text}">${shortDigest(text)}</code>`;
  const line = (head: string, read: (ledger: LedgerDump) => string, print = plain): Row => ({
    head,
    cells: ledgers.map((ledger) => ({ key: read(ledger), text: print(read(ledger)) })),
  });
  const rows = [
    line("Seq", ({ seq }) => grouped(seq)),
    line("Digest of the state", (ledger) => ledger.digest, digest),
    line("Head of the chain", ({ chain }) => chain, digest),
    line("Accounts", (ledger) => grouped(ledger.accounts.length)),
    line("Entries", ({ entries }) => grouped(entries.length)),
    line("Sessions", ({ sessions }) => grouped(sessions.length)),
    line("Sum of all balances", (ledger) => grouped(sumOf(ledger))),
  ];
  return sideBySide("Ledgers", "", ledgers, rows);
}

function plain(text: string): Fragment {
  return text;
}

function sumOf(ledger: LedgerDump): number {
  return ledger.accounts.reduce((sum, account) => sum + account.balance, 0);
}

/** Index of the first entry that not all ledgers have alike; undefined where all are the same. */
export function firstDivergence(ledgers: readonly LedgerDump[]): number | undefined {
  const longest = ledgers.reduce((most, { entries }) => Math.max(most, entries.length), 0);
  for (let index = 0; index < longest; index++) {
    const texts = new Set(ledgers.map(({ entries }) => entryText(entries[index])));
    if (texts.size > 1) return index;
  }
  return undefined;
}

function entryText(entry: LedgerEntry | undefined): string {
  if (entry === undefined) return "no entry";
  const { kind, debit, credit, amount, seq, client, timestamp } = entry;
  return `${kind} ${amount} ${debit} → ${credit}, seq ${seq}, client ${client} at ${timestamp}`;
}

function divergence(ledgers: readonly LedgerDump[]): Html {
  const first = firstDivergence(ledgers);
  if (first === undefined) {
    return html`<p>All entries are the same on ${counted(ledgers.length, "replica")}.</p>`;
  }
  const from = Math.max(first - ENTRIES_AROUND, 0);
  const longest = ledgers.reduce((most, { entries }) => Math.max(most, entries.length), 0);
  const to = Math.min(first + ENTRIES_AROUND + 1, longest);
  const rows = Array.from({ length: to - from }, (_, offset): Row => {
    const index = from + offset;
    const texts = ledgers.map(({ entries }) => entryText(entries[index]));
    return {
      head: index === first ? html`<b>${grouped(index)}</b>` : grouped(index),
      cells: texts.map((text) => ({ key: text, text })),
    };
  });
  return html`<h3>First divergence: entry ${grouped(first)}</h3>
${sideBySide("First divergence", "Entry", ledgers, rows, "texts")}`;
}

function accounts(ledgers: readonly LedgerDump[]): Html {
  const byLedger = ledgers.map(({ accounts: all }) => new Map(all.map((each) => [each.id, each])));
  const ids = [...new Set(ledgers.flatMap(({ accounts: all }) => all.map(({ id }) => id)))].sort(
    (a, b) => (a < b ? -1 : 1),
  );
  const rows = ids.map((id): Row => {
    const found = byLedger.map((ledger) => ledger.get(id));
    const known = found.find((account) => account !== undefined);
    return {
      head: html`<b>${id}</b> <span class="quiet">${known?.name}${known?.address === "" ? undefined : html`, ${known?.address}`}</span>`,
      cells: found.map((account) => ({
        key: account === undefined ? "" : JSON.stringify(account),
        text: account === undefined ? "absent" : grouped(account.balance),
      })),
    };
  });
  const shown = [...rows.filter(differs), ...rows.filter((row) => !differs(row))];
  const more = Math.max(shown.length - ACCOUNT_ROWS_MAX, 0);
  return html`<h3>${counted(ids.length, "account")}, ${
    rows.some(differs)
      ? `${grouped(rows.filter(differs).length)} not alike (shown first)`
      : "all alike"
  }</h3>
${sideBySide("Accounts", "Account", ledgers, shown.slice(0, ACCOUNT_ROWS_MAX))}
${more === 0 ? undefined : html`<p class="quiet">${counted(more, "more account")} are in the run's ledger files.</p>`}`;
}

function differs(row: Row): boolean {
  return new Set(row.cells.map(({ key }) => key)).size > 1;
}

function sideBySide(
  label: string,
  head: string,
  ledgers: readonly LedgerDump[],
  rows: readonly Row[],
  kind: "numbers" | "texts" = "numbers",
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="side-by-side ${kind}">
<thead><tr><th>${head}</th>${ledgers.map(({ node }) => html`<th class="number">${node}</th>`)}</tr></thead>
<tbody>${rows.map((row) => {
    const usual = mostCommon(row.cells.map(({ key }) => key));
    return html`<tr><th scope="row">${row.head}</th>${row.cells.map(({ key, text }) =>
      key === usual
        ? html`<td class="number">${text}</td>`
        : html`<td class="number differs">≠ ${text}</td>`,
    )}</tr>
`;
  })}</tbody></table></div>`;
}

/** The first of the most frequent ones. */
function mostCommon(keys: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}
