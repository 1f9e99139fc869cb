// Exact search for a linearization. An order is built one operation at a time; only operations that
// were invoked before the earliest return still open (the deadline) can come next, and only those
// that share accounts with the deadline's operation, directly or through others in the window, need
// to. What has no effect is taken as soon as it fits: that never closes a way. Configurations
// already seen (set of operations, and order where a statement shows it) are not entered again.
// Source: Wing & Gong, JPDC '93; Lowe, CCPE '17 (just-in-time linearization, the cache)

import assert from "node:assert/strict";
import { Configurations, mix } from "../configurations.js";
import { AccountTable } from "./account-table.js";
import type { BankAnswer, BankOperation } from "./bank-operation.js";
import { answers, type Bank, perform, refuses, undo } from "./model.js";
import { type Orders, PostingOrders } from "./posting-orders.js";

export type SearchOp = {
  operation: BankOperation;
  /** What the bank answered; undefined where nobody knows. */
  answer: BankAnswer | undefined;
  /** Whether it may never have taken effect. */
  optional: boolean;
  call: number;
  ret: number;
  /** Those with a low hint are tried first; where hints are right, there is no backtracking. */
  hint: number;
};

export type SearchLimits = {
  /** Operations tried and windows looked at. */
  steps: number;
  /** Configurations remembered, 8 to 32 bytes each. */
  configurations: number;
};

export type SearchResult =
  /** `order` holds positions in the ops searched; the bank is left in the state it leads to. */
  | { found: true; order: number[]; steps: number }
  /**
   * No order exists. `blocked` cannot be placed in time, whatever comes before it; `longest` is an
   * order of everything that had to be placed sooner, and of nothing that need not be.
   */
  | { found: false; blocked: number; longest: number[]; steps: number }
  | { found: "unknown"; cause: "steps" | "configurations"; steps: number };

/**
 * `ops` stand in the order of their calls. `bank` is the state before all of them; it is restored
 * unless an order is found. `watch` is told of each configuration in which there is a choice, and of
 * the operation that returns next there.
 */
export function search(
  ops: readonly SearchOp[],
  bank: Bank,
  limits: SearchLimits,
  watch?: (deadline: number, bank: Bank) => void,
): SearchResult {
  return new Search(ops, bank, limits, watch).run();
}

/** Whether an operation of this answer has no effect, in whatever state it is performed. */
export function isEffectFree({ operation, answer }: SearchOp): boolean {
  return (
    answer?.kind === "refused" || operation.kind === "balance" || operation.kind === "statement"
  );
}

/** Whether an effect-free operation gets its answer from the bank as it is. */
export function fits(bank: Bank, { operation, answer }: SearchOp): boolean {
  if (answer?.kind === "refused") return refuses(bank, operation, answer.refusal);
  if (!perform(bank, operation)) return false;
  return answer === undefined || answers(bank, operation, answer);
}

/** Whether an operation's answer depends on accounts that it does not name. */
export function concernsAllAccounts({ operation, answer }: SearchOp): boolean {
  return (
    operation.kind === "deposit" && answer?.kind === "refused" && answer.refusal === "overflow"
  );
}

const LOW_SALT = 0x2545f491;
const HIGH_SALT = 0x6c62272e;

/**
 * A place where the order could go on in several ways. Most choices are right at once, so the one
 * candidate likeliest to be is tried before all of them are listed.
 */
type Choice = { deadline: number; candidates: readonly number[]; next: number; all: boolean };

/** An operation placed. `choice` is where it was chosen; undefined where it was taken for free. */
type Placed = { op: number; choice: Choice | undefined; deadline: number; before: Before };

/** The order hashes before an operation with effects was placed. */
type Before = { low: Orders; high: Orders } | undefined;

/** Guards: bank, lists, fingerprint and order hashes always describe the operations on the stack. */
class Search {
  readonly #ops: readonly SearchOp[];
  readonly #bank: Bank;
  readonly #limits: SearchLimits;
  readonly #watch: ((deadline: number, bank: Bank) => void) | undefined;
  readonly #seen = new Configurations();
  readonly #stack: Placed[] = [];
  readonly #accounts: AccountTable;
  readonly #lowOrders: PostingOrders;
  readonly #highOrders: PostingOrders;
  readonly #placed: Uint8Array;
  readonly #free: Uint8Array;
  /** Mandatory operations not yet placed, by call: a ring whose head is at ops.length. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #optionals: readonly number[];
  /** Whether any two accounts may depend on each other. */
  readonly #connected: boolean;
  /** Mandatory operations by return, and how many of the first of them are placed. */
  readonly #returns: readonly number[];
  #deadline = 0;
  #furthest = 0;
  /** The order that got furthest; the stack is equal to it below `#common`. */
  readonly #longest: number[] = [];
  #common = 0;
  #low = 0;
  #high = 0;
  #steps = 0;

  constructor(
    ops: readonly SearchOp[],
    bank: Bank,
    limits: SearchLimits,
    watch: ((deadline: number, bank: Bank) => void) | undefined,
  ) {
    this.#ops = ops;
    this.#bank = bank;
    this.#limits = limits;
    this.#watch = watch;
    this.#connected = ops.some(concernsAllAccounts);
    const operations = ops.map(({ operation }) => operation);
    this.#accounts = new AccountTable(operations);
    this.#lowOrders = new PostingOrders(operations, this.#accounts, LOW_SALT);
    this.#highOrders = new PostingOrders(operations, this.#accounts, HIGH_SALT);
    this.#placed = new Uint8Array(ops.length);
    this.#free = Uint8Array.from(ops, (op) => (isEffectFree(op) ? 1 : 0));
    this.#next = new Int32Array(ops.length + 1);
    this.#previous = new Int32Array(ops.length + 1);
    const positions = ops.map((_, op) => op);
    const mandatory = positions.filter((op) => !this.#op(op).optional);
    let last = ops.length;
    for (const op of [...mandatory, ops.length]) {
      this.#next[last] = op;
      this.#previous[op] = last;
      last = op;
    }
    this.#returns = mandatory.sort((a, b) => compare(this.#op(a).ret, this.#op(b).ret) || a - b);
    // An operation that may never have happened, and changes nothing, says nothing.
    this.#optionals = positions.filter((op) => this.#op(op).optional && this.#free[op] === 0);
  }

  run(): SearchResult {
    for (;;) {
      this.#advance();
      const deadline = this.#returns[this.#deadline];
      if (deadline === undefined) {
        return { found: true, order: this.#stack.map(({ op }) => op), steps: this.#steps };
      }
      const cause = this.#exhausted();
      if (cause !== undefined) {
        while (this.#stack.length > 0) this.#takeBack();
        return { found: "unknown", cause, steps: this.#steps };
      }
      if (this.#takeFree(deadline)) continue;
      this.#watch?.(deadline, this.#bank);
      let choice: Choice | undefined = this.#choose(deadline);
      while (choice !== undefined && !this.#takeNext(choice)) choice = this.#takeBack();
      if (choice === undefined) {
        const blocked = this.#returns[this.#furthest];
        assert(blocked !== undefined, "a refuted search has an operation that it could not place");
        return { found: false, blocked, longest: this.#longest, steps: this.#steps };
      }
    }
  }

  /** Moves the deadline past what is placed. */
  #advance(): void {
    for (;;) {
      const op = this.#returns[this.#deadline];
      if (op === undefined || this.#placed[op] === 0) break;
      this.#deadline += 1;
    }
    if (this.#deadline > this.#furthest) this.#keepLongest();
  }

  /** Copies what has changed since the last copy. */
  #keepLongest(): void {
    this.#furthest = this.#deadline;
    this.#longest.length = this.#common;
    for (const { op } of this.#stack.slice(this.#common)) this.#longest.push(op);
    this.#common = this.#stack.length;
  }

  #exhausted(): "steps" | "configurations" | undefined {
    if (this.#steps > this.#limits.steps) return "steps";
    return this.#seen.count > this.#limits.configurations ? "configurations" : undefined;
  }

  /** Places an operation of the window that fits now and can never have an effect. */
  #takeFree(deadline: number): boolean {
    for (const op of this.#window(deadline)) {
      if (this.#free[op] === 0) continue;
      this.#steps += 1;
      if (!fits(this.#bank, this.#op(op))) continue;
      this.#place(op, undefined);
      return true;
    }
    return false;
  }

  /** Begins with the likeliest of those that share an account with the deadline's operation. */
  #choose(deadline: number): Choice {
    let likeliest: number | undefined;
    for (const op of this.#window(deadline)) {
      if (this.#free[op] === 1 || !this.#accounts.share(op, deadline)) continue;
      if (likeliest === undefined || likelihood(this.#op(op), this.#op(likeliest)) < 0) {
        likeliest = op;
      }
    }
    const candidates = likeliest === undefined ? [] : [likeliest];
    return { deadline, candidates, next: 0, all: false };
  }

  /**
   * All operations with effects that may come next, the likeliest first and those that may never
   * have happened last. What shares no account with the deadline's operation, not even through
   * others in the window, can as well come after it: the two commute.
   */
  #candidates(deadline: number): readonly number[] {
    const { ret } = this.#op(deadline);
    const window = this.#window(deadline);
    for (const op of this.#optionals) {
      if (this.#placed[op] === 0 && this.#op(op).call < ret) window.push(op);
    }
    this.#steps += window.length;
    const near = this.#connected ? window : this.#accounts.connectedTo(deadline, window);
    return near
      .filter((op) => this.#free[op] === 0)
      .sort((a, b) => likelihood(this.#op(a), this.#op(b)) || a - b);
  }

  /** Mandatory operations that were invoked before the deadline's operation returns. */
  #window(deadline: number): number[] {
    const { ret } = this.#op(deadline);
    const head = this.#ops.length;
    const window: number[] = [];
    for (let op = this.#nextOf(head); op !== head; op = this.#nextOf(op)) {
      if (this.#op(op).call >= ret) break;
      window.push(op);
    }
    return window;
  }

  /** Places the next candidate that leads to a new configuration; false where none is left. */
  #takeNext(choice: Choice): boolean {
    for (;;) {
      const op = choice.candidates[choice.next];
      if (op === undefined) {
        if (choice.all) return false;
        choice.candidates = this.#candidates(choice.deadline);
        choice.next = 0;
        choice.all = true;
        continue;
      }
      choice.next += 1;
      this.#steps += 1;
      const { operation, answer } = this.#op(op);
      if (!perform(this.#bank, operation)) continue;
      if (answer !== undefined && !answers(this.#bank, operation, answer)) {
        undo(this.#bank, operation);
        continue;
      }
      this.#place(op, choice);
      if (this.#seen.add(this.#low, this.#high)) return true;
      this.#takeBack();
    }
  }

  /** Puts an operation on the stack that the bank has already performed. */
  #place(op: number, choice: Choice | undefined): void {
    const before =
      this.#free[op] === 1
        ? undefined
        : { low: this.#lowOrders.post(op), high: this.#highOrders.post(op) };
    this.#stack.push({ op, choice, deadline: this.#deadline, before });
    this.#toggle(op, before);
    this.#placed[op] = 1;
    if (this.#op(op).optional) return;
    this.#next[this.#previousOf(op)] = this.#nextOf(op);
    this.#previous[this.#nextOf(op)] = this.#previousOf(op);
  }

  /** Takes operations off the stack, down to one that was chosen; returns its choice, if any. */
  #takeBack(): Choice | undefined {
    for (;;) {
      const placed = this.#stack.pop();
      if (placed === undefined) return undefined;
      this.#common = Math.min(this.#common, this.#stack.length);
      const { op, choice, deadline, before } = placed;
      this.#toggle(op, before);
      if (before !== undefined) {
        this.#lowOrders.restore(op, before.low);
        this.#highOrders.restore(op, before.high);
      }
      this.#placed[op] = 0;
      this.#deadline = deadline;
      if (this.#free[op] === 0) undo(this.#bank, this.#op(op).operation);
      if (!this.#op(op).optional) {
        this.#next[this.#previousOf(op)] = op;
        this.#previous[this.#nextOf(op)] = op;
      }
      if (choice !== undefined) return choice;
    }
  }

  /** Moves the fingerprint between the configurations without and with `op`. */
  #toggle(op: number, before: Before): void {
    this.#low ^= mix(op, LOW_SALT);
    this.#high ^= mix(op, HIGH_SALT);
    if (before === undefined) return;
    this.#low ^= this.#lowOrders.change(op, before.low);
    this.#high ^= this.#highOrders.change(op, before.high);
  }

  #op(op: number): SearchOp {
    const found = this.#ops[op];
    assert(found !== undefined, `operation ${op} is among those searched`);
    return found;
  }

  #nextOf(op: number): number {
    return this.#next[op] ?? 0;
  }

  #previousOf(op: number): number {
    return this.#previous[op] ?? 0;
  }
}

/** Sorts what may never have happened last, and otherwise by hint, then by return. */
function likelihood(a: SearchOp, b: SearchOp): number {
  if (a.optional !== b.optional) return a.optional ? 1 : -1;
  return compare(a.hint, b.hint) || compare(a.ret, b.ret);
}

/** As a subtraction would, but infinities are equal to themselves. */
function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
