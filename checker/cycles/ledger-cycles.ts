// The bank's own history, judged as transactions over lists. Where no statement shows an entry, its
// place comes from the longest ledger; a history that stands alone has only its statements.

import { isWrite } from "../bank/bank-operation.js";
import { ByRequest, longest } from "../bank/ledger-index.js";
import { counted, describe } from "../describe.js";
import type { Operation } from "../operations.js";
import type { LedgerDump } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import {
  type AccountHistory,
  type AccountWrite,
  type BankTransactions,
  bankTransactions,
} from "./account-history.js";
import { type AccountOrder, accountOrder, ledgerPostings } from "./account-order.js";
import { balancePosition } from "./balance-position.js";
import { EdgeList, RW, WW } from "./edges.js";
import { Findings } from "./findings.js";
import { IntList } from "./growing.js";
import { INITIAL, OK } from "./transactions.js";
import { asCheckResult, type CyclesOptions, judgeTransactions } from "./verdict.js";
import { addVersionEdges, type Versions } from "./versions.js";
import { orderText, type Wording } from "./wording.js";

/** Acknowledged writes of which a smaller share has a known place leave too much open. */
const PLACED_SHARE_MIN = 0.9;

/** Whether statements alone show nearly every acknowledged posting, each at its place. */
export function statementsTell(operations: readonly Operation[]): boolean {
  if (!operations.some(({ f, outcome }) => f === "statement" && outcome === "ok")) return false;
  const bank = bankTransactions(operations);
  const { acknowledged, placed } = coverage(bank, ordersOfAccounts(bank, operations, undefined));
  return acknowledged > 0 && placed >= PLACED_SHARE_MIN * acknowledged;
}

/** `operations` in the order of their calls. */
export function ledgerCycles(
  operations: readonly Operation[],
  ledgers: readonly LedgerDump[],
  options: CyclesOptions = {},
): CheckResult {
  const bank = bankTransactions(operations);
  const findings = new Findings();
  const orders = ordersOfAccounts(bank, operations, longest(ledgers));
  for (const { order } of orders) {
    for (const { name, text, txns } of order.contradictions) {
      findings.add(name, () => [
        `${name}: ${text}`,
        ...txns.map((txn) => `  ${describeTxn(operations, txn)}`),
      ]);
    }
  }
  const elements = new Elements();
  const { versions, readsPlaced, readsLeft } = versionsOf(orders, elements);
  const edges = new EdgeList();
  addVersionEdges(versions, edges);
  const { acknowledged, placed } = coverage(bank, orders);
  const causes: string[] = [];
  if (acknowledged > 0 && placed < PLACED_SHARE_MIN * acknowledged) {
    const known = `the place of ${placed} of ${counted(acknowledged, "acknowledged posting")} is known`;
    causes.push(`statements do not tell the order of entries: ${known}`);
  }
  const wording = bankWording(bank, elements);
  const result = judgeTransactions(bank, edges, findings, wording, options, causes);
  const figures = {
    "postings placed": placed,
    "reads placed": readsPlaced,
    "reads left": readsLeft,
  };
  return asCheckResult({ ...result, figures: { ...result.figures, ...figures } });
}

type OrderedAccount = { history: AccountHistory; order: AccountOrder };

function ordersOfAccounts(
  { accounts }: BankTransactions,
  operations: readonly Operation[],
  ledger: LedgerDump | undefined,
): OrderedAccount[] {
  const txns = new ByRequest<number>(operations.length);
  for (const [txn, { f, client, timestamp }] of operations.entries()) {
    if (client === undefined || timestamp === undefined || !isWrite(f)) continue;
    txns.set(client, timestamp, txn);
  }
  const postings = ledgerPostings(ledger?.entries ?? [], (client, timestamp) =>
    txns.get(client, timestamp),
  );
  return accounts.map((history) => ({
    history,
    order: accountOrder(history, postings.get(history.account)),
  }));
}

/** A number for each append, as the graph of versions wants it. */
class Elements {
  readonly writer = new IntList();
  /** References, for whoever asks what an edge stands for. */
  readonly #writes: AccountWrite[] = [];
  readonly #accounts: string[] = [];

  add(account: string, write: AccountWrite): number {
    this.#accounts.push(account);
    this.writer.push(write.txn);
    return this.#writes.push(write) - 1;
  }

  account(element: number): string {
    return this.#accounts[element] ?? "the account";
  }

  amount(element: number): number | "" {
    return this.#writes[element]?.amount ?? "";
  }
}

function versionsOf(
  orders: readonly OrderedAccount[],
  elements: Elements,
): { versions: Versions; readsPlaced: number; readsLeft: number } {
  const start = new Int32Array(orders.length + 1);
  const order = new IntList();
  const unseen = new Map<number, number[]>();
  const [readTxn, readKey, readLength] = [new IntList(), new IntList(), new IntList()];
  const place = (txn: number, key: number, length: number) => {
    readTxn.push(txn);
    readKey.push(key);
    readLength.push(length);
  };
  let readsLeft = 0;
  for (const [key, { history, order: known }] of orders.entries()) {
    const { account } = history;
    for (const write of known.order) {
      order.push(write === undefined ? INITIAL : elements.add(account, write));
    }
    start[key + 1] = order.length;
    // What has no place may stand in a gap; where there is none, it comes after all that has one.
    if (!known.order.includes(undefined) && known.unplaced.length > 0) {
      unseen.set(
        key,
        known.unplaced.map((write) => elements.add(account, write)),
      );
    }
    for (const { txn, entryCount } of history.statements) {
      if (entryCount <= known.order.length) place(txn, key, entryCount);
    }
    const position = balancePosition(known);
    for (const { txn, balance } of history.balances) {
      const length = position(balance);
      if (length === undefined) readsLeft += 1;
      else place(txn, key, length);
    }
  }
  const versions = {
    start,
    order: order.view(),
    writer: elements.writer.view(),
    readTxn: readTxn.view(),
    readKey: readKey.view(),
    readLength: readLength.view(),
    unseen,
  };
  return { versions, readsPlaced: readTxn.length, readsLeft };
}

/** Acknowledged postings, and those of them that stand at a known place or behind all of these. */
function coverage({ outcome }: BankTransactions, orders: readonly OrderedAccount[]) {
  let [acknowledged, placed] = [0, 0];
  for (const { history, order } of orders) {
    const isOk = ({ txn }: { txn: number }) => outcome[txn] === OK;
    const all = history.writes.filter(isOk).length;
    acknowledged += all;
    const left = order.order.includes(undefined) || order.order.length === 0;
    placed += left ? all - order.unplaced.filter(isOk).length : all;
  }
  return { acknowledged, placed };
}

function describeTxn(operations: readonly Operation[], txn: number): string {
  const operation = operations[txn];
  return operation === undefined ? `transaction ${txn}` : describe(operation);
}

function bankWording(bank: BankTransactions, elements: Elements): Wording {
  return {
    transaction: (txn) => describeTxn(bank.operations, txn),
    order: (step, a, b) => orderText(bank, step, a, b),
    dependency({ kind, reason }, a, b) {
      const account = elements.account(reason);
      const amount = elements.amount(reason);
      if (kind === RW) return `${a} read ${account} without ${b}'s entry of ${amount}`;
      if (kind === WW) return `${b}'s entry of ${amount} in ${account} stands behind ${a}'s`;
      return `${b} read ${account} with ${a}'s entry${reason < 0 ? "" : ` of ${amount}`} in it`;
    },
  };
}
