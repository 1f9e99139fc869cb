// A small store with versions of lists, at a chosen level of isolation, for histories whose anomalies
// nobody wrote by hand. Transactions run step by step, interleaved; all from one seed.

import { randomOf } from "../../bank/simulate-bank.js";
import type { MicroOp, Transaction } from "../transactions.js";

export const LEVELS = [
  /** Each transaction at one instant. */
  "strict-serializable",
  /** Serializable, but readers may be given a state from before. */
  "serializable",
  /** Reads from a snapshot; the first committer of a key wins. */
  "snapshot-isolation",
  /** The same, but whoever comes last wins as well. */
  "consistent-read",
  /** Reads what is committed at each moment; a key that it wrote is locked until its end. */
  "read-committed",
  /** Reads and writes whatever is there; aborts take nothing back. */
  "read-uncommitted",
] as const;
export type Level = (typeof LEVELS)[number];

export type StoreOptions = {
  seed: number;
  level: Level;
  transactions: number;
  processes: number;
  keys: number;
  microOpsMax: number;
  /** Shares of transactions that end as info (whether they committed or not), and that abort, 0..1. */
  infoShare: number;
  abortShare: number;
  /** Whether a last transaction reads every key, after all others. */
  finalRead: boolean;
};

type Lists = Map<string, readonly number[]>;

type Running = {
  process: number;
  call: number;
  index: number;
  todo: { f: "append" | "r"; key: string }[];
  done: MicroOp[];
  /** What was committed when it began (or before, for a stale reader). */
  snapshot: Lists;
  /** How often each key had been written then. */
  since: ReadonlyMap<string, number>;
  own: Map<string, number[]>;
  aborts: boolean;
};

export function runStore(options: StoreOptions): Transaction[] {
  return new Store(options).run();
}

class Store {
  readonly #options: StoreOptions;
  readonly #random: () => number;
  readonly #committed: Lists = new Map();
  readonly #old: Lists[] = [new Map()];
  readonly #writes = new Map<string, number>();
  readonly #values = new Map<string, number>();
  readonly #locks = new Map<string, Running>();
  readonly #done: Transaction[] = [];
  #rank = 0;
  #begun = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
  }

  run(): Transaction[] {
    const { transactions, processes, keys, finalRead } = this.#options;
    const running: Running[] = [];
    let process = 0;
    const free = Array.from({ length: processes }, () => process++);
    while (this.#begun < transactions || running.length > 0) {
      const begins = this.#begun < transactions && free.length > 0 && this.#chance(0.4);
      if (begins) {
        const number = free.splice(Math.floor(this.#random() * free.length), 1)[0] ?? 0;
        running.push(this.#begin(number, this.#draw()));
        continue;
      }
      const at = Math.floor(this.#random() * running.length);
      const one = running[at];
      if (one === undefined) continue;
      const ended = this.#step(one);
      if (ended === undefined) continue;
      running.splice(at, 1);
      // A process whose transaction ended as info is not used again.
      free.push(ended === "info" ? process++ : one.process);
    }
    if (finalRead) {
      const all = Array.from({ length: keys }, (_, key) => ({ f: "r" as const, key: `k${key}` }));
      const one = this.#begin(process, all);
      one.aborts = false;
      one.snapshot = this.#committed;
      const microOps = all.map(({ key }): MicroOp => ["r", key, this.#committed.get(key) ?? []]);
      this.#record(one, "ok", microOps);
    }
    return this.#done;
  }

  #draw(): Running["todo"] {
    const { microOpsMax, keys } = this.#options;
    return Array.from({ length: 1 + Math.floor(this.#random() * microOpsMax) }, () => ({
      f: this.#chance(0.5) ? ("append" as const) : ("r" as const),
      key: `k${Math.floor(this.#random() * keys)}`,
    }));
  }

  #begin(process: number, todo: Running["todo"]): Running {
    const writes = todo.some(({ f }) => f === "append");
    const stale = this.#options.level === "serializable" && !writes && this.#chance(0.5);
    const snapshot = stale
      ? (this.#old[Math.floor(this.#random() * this.#old.length)] ?? new Map())
      : new Map(this.#committed);
    return {
      process,
      call: this.#rank++,
      index: this.#begun++,
      todo,
      done: [],
      snapshot,
      since: new Map(this.#writes),
      own: new Map(),
      aborts: this.#chance(this.#options.abortShare),
    };
  }

  /** One micro-op, or the end; tells how it ended. */
  #step(one: Running): Transaction["outcome"] | undefined {
    const { level } = this.#options;
    const atOnce = level === "strict-serializable" || level === "serializable";
    if (atOnce && one.done.length === 0 && one.todo.length > 0) {
      if (level === "strict-serializable" || one.todo.some(({ f }) => f === "append")) {
        one.snapshot = new Map(this.#committed);
      }
      while (one.todo.length > 0) this.#perform(one);
      if (!one.aborts) this.#commit(one);
      return undefined;
    }
    if (one.todo.length > 0) {
      this.#perform(one);
      return undefined;
    }
    let failed = one.aborts;
    if (level === "snapshot-isolation") {
      const changed = [...one.own.keys()].some(
        (key) => one.since.get(key) !== this.#writes.get(key),
      );
      failed ||= changed;
    }
    if (!atOnce && level !== "read-uncommitted" && !failed) this.#commit(one);
    for (const [key, owner] of this.#locks) if (owner === one) this.#locks.delete(key);
    const info = this.#chance(this.#options.infoShare);
    return this.#record(one, info ? "info" : failed ? "fail" : "ok", one.done);
  }

  #perform(one: Running): void {
    const { level } = this.#options;
    const next = one.todo.shift();
    if (next === undefined) return;
    const { f, key } = next;
    if (f === "append") {
      if (level === "read-committed" && (this.#locks.get(key) ?? one) !== one) {
        // Instead of waiting, which could deadlock.
        one.aborts = true;
        one.todo = [];
        return;
      }
      this.#locks.set(key, one);
      const value = (this.#values.get(key) ?? 0) + 1;
      this.#values.set(key, value);
      one.own.set(key, [...(one.own.get(key) ?? []), value]);
      one.done.push(["append", key, value]);
      if (level === "read-uncommitted") this.#append(key, [value]);
      return;
    }
    const fresh = level === "read-committed" || level === "read-uncommitted";
    const before = (fresh ? this.#committed : one.snapshot).get(key) ?? [];
    const own = level === "read-uncommitted" ? [] : (one.own.get(key) ?? []);
    one.done.push(["r", key, [...before, ...own]]);
  }

  #commit(one: Running): void {
    for (const [key, values] of one.own) this.#append(key, values);
    this.#old.push(new Map(this.#committed));
  }

  #append(key: string, values: readonly number[]): void {
    this.#committed.set(key, [...(this.#committed.get(key) ?? []), ...values]);
    this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
  }

  #record(
    { process, call, index }: Running,
    outcome: Transaction["outcome"],
    microOps: readonly MicroOp[],
  ): Transaction["outcome"] {
    this.#done.push({ outcome, process, call, ret: this.#rank++, index, microOps });
    return outcome;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }
}

/** The same history over registers: an append writes, and a read shows what was appended last. */
export function asRegisters(history: readonly Transaction[]): Transaction[] {
  return history.map((txn) => ({
    ...txn,
    microOps: txn.microOps.map(([f, key, value]): MicroOp => {
      if (f === "append") return ["w", key, value];
      return ["r", key, Array.isArray(value) ? (value.at(-1) ?? null) : null];
    }),
  }));
}
