// Which of the concurrent writes a balance must have seen. Where every one of them was answered with
// a balance, by going back from each to the one that left what it found; else by exact subset sums.
// Writes of unknown outcome join in only where the others cannot explain it, the newest first.

import { float, int } from "../columns.js";
import { type BankTable, DEPOSIT } from "./bank-table.js";
import { type Answer, CANDIDATES_MAX, SubsetSum } from "./subset-sum.js";

/** How many writes of unknown outcome are tried in sums at first; doubled while there is room. */
const UNRESOLVED_FIRST = 6;
/** How many are tried, each alone, as the write before a gap. */
const UNRESOLVED_ALONE_MAX = 256;

/** What a row adds to its first account (side 0) or its second (side 1). */
export function changeOf({ kind, amount }: BankTable, row: number, side: number): number {
  const sum = float(amount, row);
  return kind[row] === DEPOSIT || side === 1 ? sum : -sum;
}

/** What a row's answer says of its first account or its second; NaN where it says nothing. */
export function answerOf({ balance, toBalance }: BankTable, row: number, side: number): number {
  return (side === 0 ? balance[row] : toBalance[row]) ?? Number.NaN;
}

/** Guards: members from `certainCount` on are writes of unknown outcome. */
export class Explanations {
  readonly #table: BankTable;
  readonly #subsets = new SubsetSum();
  #rows = new Int32Array(256);
  #changes = new Float64Array(256);
  #afters = new Float64Array(256);
  #chosen = new Uint8Array(256);
  #account = 0;
  #certainCount = 0;
  #answered = true;
  count = 0;

  constructor(table: BankTable) {
    this.#table = table;
  }

  /** Begins anew, with no candidates, for balances of an account. */
  reset(account: number): void {
    this.#account = account;
    this.#answered = true;
    this.count = 0;
  }

  /** Adds a write that is concurrent, or was when the observation began. */
  add(row: number): void {
    if (this.count === this.#rows.length) this.#grow();
    const side = this.#table.first[row] === this.#account ? 0 : 1;
    const after = answerOf(this.#table, row, side);
    this.#rows[this.count] = row;
    this.#changes[this.count] = changeOf(this.#table, row, side);
    this.#afters[this.count] = after;
    this.#chosen[this.count] = 0;
    this.count += 1;
    if (Number.isNaN(after) && this.#table.optional[row] === 0) this.#answered = false;
  }

  row(member: number): number {
    return int(this.#rows, member);
  }

  isChosen(member: number): boolean {
    return this.#chosen[member] === 1;
  }

  /**
   * Explains that an observation found `found` where `base` was certain: chooses the candidates that
   * came before it. `unresolved` are writes of unknown outcome, oldest first.
   */
  explain(found: number, base: number, unresolved: readonly number[]): Answer {
    this.#certainCount = this.count;
    const before = this.#answered ? this.#goBack(found, base, unresolved) : undefined;
    if (before !== undefined) return before;
    this.#chosen.fill(0, 0, this.count);
    return this.#sum(found - base, unresolved);
  }

  /** From write to write, each of which left what the next one found. Undefined where that ends. */
  #goBack(found: number, base: number, unresolved: readonly number[]): "one" | undefined {
    let left = found;
    for (let steps = 0; steps <= this.#certainCount; steps++) {
      const before = this.#predecessor(left);
      if (left === base) return before === NOBODY ? "one" : undefined;
      if (before === SEVERAL) return undefined;
      if (before !== NOBODY) {
        this.#chosen[before] = 1;
        left -= float(this.#changes, before);
        continue;
      }
      const bridge = this.#bridge(left, base, unresolved);
      if (bridge === NOBODY) return undefined;
      left -= float(this.#changes, bridge);
    }
    return undefined;
  }

  /** The candidate, not yet chosen, that left a balance. */
  #predecessor(left: number): number {
    let before = NOBODY;
    for (let member = 0; member < this.#certainCount; member++) {
      if (this.#afters[member] !== left || this.#chosen[member] === 1) continue;
      if (before !== NOBODY) return SEVERAL;
      before = member;
    }
    return before;
  }

  /**
   * An unanswered write after which the account had `left`, and before which it had the base, or
   * what another candidate left. It is chosen.
   */
  #bridge(left: number, base: number, unresolved: readonly number[]): number {
    const connects = (before: number) => before === base || this.#predecessor(before) >= 0;
    for (let member = 0; member < this.count; member++) {
      if (!Number.isNaN(float(this.#afters, member)) || this.#chosen[member] === 1) continue;
      if (!connects(left - float(this.#changes, member))) continue;
      this.#chosen[member] = 1;
      return member;
    }
    const end = Math.max(0, unresolved.length - UNRESOLVED_ALONE_MAX);
    for (let index = unresolved.length - 1; index >= end; index--) {
      const row = unresolved[index] ?? 0;
      const side = this.#table.first[row] === this.#account ? 0 : 1;
      if (!connects(left - changeOf(this.#table, row, side)) || this.#has(row)) continue;
      this.add(row);
      this.#chosen[this.count - 1] = 1;
      return this.count - 1;
    }
    return NOBODY;
  }

  #has(row: number): boolean {
    for (let member = this.#certainCount; member < this.count; member++) {
      if (this.#rows[member] === row) return true;
    }
    return false;
  }

  #sum(target: number, unresolved: readonly number[]): Answer {
    this.count = this.#certainCount;
    this.#load(0);
    let answer = this.#subsets.solve(this.count, target);
    for (let more = UNRESOLVED_FIRST; answer === "none"; more *= 2) {
      const from = this.count;
      const left = unresolved.length - (from - this.#certainCount);
      if (left <= 0) break;
      const size = Math.min(more, left, CANDIDATES_MAX - from);
      if (size <= 0) return "too many";
      for (let taken = 1; taken <= size; taken++) this.add(unresolved[left - taken] ?? 0);
      this.#load(from);
      answer = this.#subsets.solve(this.count, target);
    }
    if (answer !== "one") return answer;
    for (let member = 0; member < this.count; member++) {
      this.#chosen[member] = this.#subsets.chosen(member) ? 1 : 0;
    }
    return answer;
  }

  #load(from: number): void {
    for (let member = from; member < this.count && member < CANDIDATES_MAX; member++) {
      this.#subsets.changes[member] = float(this.#changes, member);
    }
  }

  #grow(): void {
    const size = 2 * this.#rows.length;
    const [rows, changes] = [this.#rows, this.#changes];
    const [afters, chosen] = [this.#afters, this.#chosen];
    this.#rows = new Int32Array(size);
    this.#rows.set(rows);
    this.#changes = new Float64Array(size);
    this.#changes.set(changes);
    this.#afters = new Float64Array(size);
    this.#afters.set(afters);
    this.#chosen = new Uint8Array(size);
    this.#chosen.set(chosen);
  }
}

const NOBODY = -1;
const SEVERAL = -2;
