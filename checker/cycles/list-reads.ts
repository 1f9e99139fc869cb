// What reads of lists give away by themselves, or beside the writes they show: no graph is needed.

import { int } from "../columns.js";
import type { Findings } from "./findings.js";
import type { ListOrders } from "./list-orders.js";
import { OK, READ, type Transactions } from "./transactions.js";
import { readText, shown, type Wording } from "./wording.js";
import type { Writers } from "./writers.js";

type Subject = {
  transactions: Transactions;
  writers: Writers;
  orders: ListOrders;
  findings: Findings;
  wording: Wording;
};

export function checkReads(
  transactions: Transactions,
  writers: Writers,
  orders: ListOrders,
  findings: Findings,
  wording: Wording,
): void {
  const subject = { transactions, writers, orders, findings, wording };
  checkElements(subject);
  checkWithin(subject);
  checkDirtyUpdates(subject);
}

/** G1a, G1b, garbage, duplicates and orders that do not fit: of each read by itself. */
function checkElements(subject: Subject): void {
  const { transactions, writers, orders, findings } = subject;
  const { count, start, kind, key, keys, listStart, listLength, lists } = transactions;
  const { position, fits, longest, distinct } = orders;
  // A read that fits shows what its key's longest read shows, up to its own length.
  const firstBad = new Int32Array(keys.length).fill(orders.order.length);
  for (let number = 0; number < keys.length; number++) {
    const begin = int(orders.start, number);
    for (let place = int(orders.start, number + 1) - 1; place >= begin; place--) {
      const element = int(orders.order, place);
      if ((writers.writer[element] ?? -1) < 0) firstBad[number] = int(position, element);
    }
    if (distinct[number] === 0) firstBad[number] = 0;
  }
  for (let txn = 0, op = 0; txn < count; txn++) {
    for (const end = int(start, txn + 1); op < end; op++) {
      const length = int(listLength, op);
      if (kind[op] !== READ || length === 0) continue;
      const number = int(key, op);
      if (fits[op] === 0) {
        findings.add("incompatible-order", () => [
          `incompatible-order: no one order of appends to ${shown(keys[number])} gives both reads`,
          `  T1 = ${subject.wording.transaction(txn)}`,
          `  read ${shown(keys[number])} as ${readText(transactions, op, "append")}`,
          `  another read it as ${readText(transactions, int(longest, number), "append")}`,
        ]);
      }
      if (fits[op] === 0 || length > int(firstBad, number)) scan(subject, txn, op);
      const last = int(lists, int(listStart, op) + length - 1);
      const writer = lastWriter(writers, last);
      if (writers.intermediate[last] === 1 && writer !== txn) {
        about(subject, "G1b", txn, op, `${value(subject, last)} is not the last that`, writer);
      }
    }
  }
}

/** Every element of one read, with the care that most reads do not need. */
function scan(subject: Subject, txn: number, op: number): void {
  const { transactions, writers } = subject;
  const { listStart, listLength, lists } = transactions;
  const begin = int(listStart, op);
  const seen = new Set<number>();
  let duplicate = -1;
  for (let place = begin; place < begin + int(listLength, op); place++) {
    const element = int(lists, place);
    if (seen.has(element)) duplicate = element;
    seen.add(element);
  }
  if (duplicate >= 0) {
    const text = `${value(subject, duplicate)} stands in it more than once; it was appended by`;
    about(subject, "duplicate-elements", txn, op, text, lastWriter(writers, duplicate));
  }
  for (const element of seen) {
    if ((writers.writer[element] ?? -1) >= 0) continue;
    const failed = writers.failed[element] ?? -1;
    if (failed >= 0) {
      about(
        subject,
        "G1a",
        txn,
        op,
        `${value(subject, element)} was appended by what failed:`,
        failed,
      );
    } else {
      about(subject, "garbage-read", txn, op, `nobody appended ${value(subject, element)}`, -1);
    }
  }
}

function lastWriter({ writer, failed }: Writers, element: number): number {
  const committed = writer[element] ?? -1;
  return committed >= 0 ? committed : (failed[element] ?? -1);
}

function value({ transactions }: Subject, element: number): string {
  return shown(transactions.values[element]);
}

function about(
  { transactions, findings, wording }: Subject,
  name: "G1a" | "G1b" | "garbage-read" | "duplicate-elements" | "internal" | "future-read",
  txn: number,
  op: number,
  text: string,
  other: number,
): void {
  const key = shown(transactions.keys[int(transactions.key, op)]);
  findings.add(name, () => [
    `${name}: T1 read ${key} as ${readText(transactions, op, "append")}; ${text}${other < 0 ? "" : " T2"}`,
    `  T1 = ${wording.transaction(txn)}`,
    ...(other < 0 ? [] : [`  T2 = ${wording.transaction(other)}`]),
  ]);
}

/** internal and future-read: what a transaction saw of its own keys, compared with what it did. */
function checkWithin(subject: Subject): void {
  const { count, start, kind, key, keys, outcome } = subject.transactions;
  // By key: the transaction that touched it last, and its newest read of the key, or -1.
  const toucher = new Int32Array(keys.length).fill(-1);
  const newestRead = new Int32Array(keys.length);
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] !== OK) continue;
    const [begin, end] = [int(start, txn), int(start, txn + 1)];
    if (end - begin < 2) continue;
    for (let op = begin; op < end; op++) {
      const number = int(key, op);
      const again = toucher[number] === txn;
      toucher[number] = txn;
      if (!again) newestRead[number] = -1;
      const before = newestRead[number] ?? -1;
      if (kind[op] === READ) {
        if (again) checkInternal(subject, txn, op, before);
        newestRead[number] = op;
      } else if (before >= 0) {
        checkFuture(subject, txn, op, begin);
      }
    }
  }
}

/** The read must be what the one before saw, or something, and then the transaction's own appends. */
function checkInternal(subject: Subject, txn: number, op: number, before: number): void {
  const { kind, key, element, start, listStart, listLength, lists } = subject.transactions;
  const from = before >= 0 ? before + 1 : int(start, txn);
  const begin = int(listStart, op);
  let end = begin + int(listLength, op);
  for (let own = op - 1; own >= from; own--) {
    if (kind[own] === READ || key[own] !== key[op]) continue;
    end -= 1;
    if (end < begin || lists[end] !== element[own]) {
      about(
        subject,
        "internal",
        txn,
        op,
        `it had itself appended ${value(subject, int(element, own))}`,
        -1,
      );
      return;
    }
  }
  if (before < 0) return;
  const earlier = int(listStart, before);
  let same = end - begin === int(listLength, before);
  for (let place = 0; same && place < end - begin; place++) {
    same = lists[begin + place] === lists[earlier + place];
  }
  if (same) return;
  const text = readText(subject.transactions, before, "append");
  about(subject, "internal", txn, op, `it had read it before as ${text}`, -1);
}

/** Whether a read before this append already showed what it appends. */
function checkFuture(subject: Subject, txn: number, op: number, begin: number): void {
  const { kind, key, element, listStart, listLength, lists } = subject.transactions;
  const { position, fits } = subject.orders;
  const own = int(element, op);
  const placed = position[own] ?? -1;
  for (let read = begin; read < op; read++) {
    if (kind[read] !== READ || key[read] !== key[op]) continue;
    const length = int(listLength, read);
    const at = int(listStart, read);
    const seen =
      fits[read] === 1
        ? placed >= 0 && placed < length
        : lists.subarray(at, at + length).includes(own);
    if (!seen) continue;
    about(subject, "future-read", txn, read, `it appended ${value(subject, own)} only later`, -1);
    return;
  }
}

/** A committed append on top of one that failed: the failed one has become part of the state. */
function checkDirtyUpdates({ transactions, writers, orders, findings, wording }: Subject): void {
  const { keys, outcome } = transactions;
  const { start, order } = orders;
  for (let number = 0; number < keys.length; number++) {
    let dirty = -1;
    for (let place = int(start, number); place < int(start, number + 1); place++) {
      const element = int(order, place);
      const txn = writers.writer[element] ?? -1;
      if (txn < 0) {
        dirty = Math.max(dirty, writers.failed[element] ?? -1);
      } else if (outcome[txn] === OK) {
        const failed = dirty;
        dirty = -1;
        if (failed < 0) continue;
        findings.add("dirty-update", () => [
          `dirty-update: T2 appended to ${shown(keys[number])} on top of T1, which failed`,
          `  T1 = ${wording.transaction(failed)}`,
          `  T2 = ${wording.transaction(txn)}`,
        ]);
      }
    }
  }
}
