// Histories of an imaginary cluster for tests: a correct bank with concurrency, batches, refusals
// and operations of unknown outcome, and the ledgers it ends with. All from one seed.

import type { HistoryOp } from "../history.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import { type BankOperation, bankOperation } from "./bank-operation.js";
import { type Bank, perform, refuses } from "./model.js";

export type SimulationOptions = {
  seed: number;
  operations: number;
  accounts: number;
  processes: number;
  /** Share of operations whose outcome nobody learns, 0..1. */
  infoShare: number;
  /** Share of reads, 0..1. */
  readShare: number;
  /** Share of statements among the reads, 0..1. */
  statementShare: number;
  /** Amounts are 1 to this. */
  amountMax: number;
  /** Whether accounts are opened first, and given money; otherwise openings are drawn like the rest. */
  opened: boolean;
};

export const SIMULATION_DEFAULTS: SimulationOptions = {
  seed: 1,
  operations: 200,
  accounts: 4,
  processes: 5,
  infoShare: 0.02,
  readShare: 0.4,
  statementShare: 0.1,
  amountMax: 2 ** 32,
  opened: true,
};

/** Uniform in 0..1, from a 32-bit state. Source: Tommy Ettinger's mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Pending = {
  op: HistoryOp;
  asked: BankOperation;
  client: number;
  timestamp: number;
  /** Set once the cluster executed it. */
  done?: { seq: number; error?: string; value: unknown };
  /** Whether nobody will learn its outcome. */
  info: boolean;
};

const REFUSALS = ["no-such-account", "account-exists", "insufficient-funds", "overflow"] as const;

/** A run that every check must pass; `history` is in order of time, one event a nanosecond. */
export function simulate(overrides: Partial<SimulationOptions> = {}): RunRecord {
  return new Simulation({ ...SIMULATION_DEFAULTS, ...overrides }).run();
}

/** Guards: an operation is executed once, between its invocation and its completion. */
class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: () => number;
  readonly #history: HistoryOp[] = [];
  readonly #bank: Bank = new Map();
  readonly #entries: LedgerEntry[] = [];
  readonly #names = new Map<string, { name: string; address: string }>();
  readonly #sessions = new Map<number, { timestamp: number; seq: number }>();
  #waiting: Pending[] = [];
  /** Given up by their clients, and not executed so far. */
  #stragglers: Pending[] = [];
  #free: number[] = [];
  #processNext: number;
  #seq = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.#free = Array.from({ length: options.processes }, (_, process) => process);
    this.#processNext = options.processes;
  }

  run(): RunRecord {
    const { operations, accounts, opened } = this.#options;
    let left = operations;
    if (opened) {
      for (let account = 0; account < accounts; account++) {
        this.#alone("open", { account: `a${account}`, name: `Name ${account}`, address: "Street" });
        this.#alone("deposit", { account: `a${account}`, amount: 4 * this.#options.amountMax });
      }
    }
    while (left > 0 || this.#waiting.length > 0) {
      const draw = this.#random();
      if (draw < 0.4 && left > 0 && this.#free.length > 0) {
        left -= 1;
        const [f, value] = this.#draw();
        this.#invoke(f, value);
      } else if (draw < 0.7) this.#execute();
      else this.#answer();
    }
    const ledgers = ["r0", "r1", "r2", "r3"].map((node) => this.#dump(node));
    return {
      history: this.#history,
      faults: [],
      ledgers,
      correctReplicas: ledgers.map(({ node }) => node),
      healedAt: 0,
      recoveryBoundNs: 1e9,
      quiescence: { reached: true, detail: "simulated" },
      expectedFaults: [],
    };
  }

  /** One operation with nothing else going on. */
  #alone(f: string, value: unknown): void {
    const pending = this.#invoke(f, value, "answered");
    this.#executeAll([pending]);
    while (this.#waiting.includes(pending)) this.#answer();
  }

  #invoke(f: string, value: unknown, outcome?: "answered"): Pending {
    const process = this.#take(this.#free) ?? 0;
    const client = 256 * 65536 + (process % this.#options.processes);
    const session = this.#sessions.get(client) ?? { timestamp: 0, seq: 0 };
    const timestamp = session.timestamp + 1;
    this.#sessions.set(client, { ...session, timestamp });
    const op = this.#record({ type: "invoke", process, f, value, node: "c0", client });
    const asked = bankOperation(f, value) ?? { kind: "malformed" };
    const info = outcome === undefined && this.#random() < this.#options.infoShare;
    const pending: Pending = { op, asked, client, timestamp, info };
    this.#waiting.push(pending);
    return pending;
  }

  /** A batch of operations that wait, at one seq. */
  #execute(): void {
    const ready = this.#waiting.filter(({ done }) => done === undefined);
    const batch = ready.filter(() => this.#random() < 0.6);
    // What nobody waits for any more may still be executed, soon, late or never.
    const straggler = this.#random() < 0.1 ? this.#take(this.#stragglers) : undefined;
    if (straggler !== undefined) batch.push(straggler);
    if (batch.length > 0) this.#executeAll(batch);
  }

  #executeAll(batch: Pending[]): void {
    this.#seq += 1;
    for (const pending of batch) {
      const session = this.#sessions.get(pending.client);
      if (session !== undefined) session.seq = this.#seq;
      pending.done = this.#perform(pending);
    }
  }

  #perform({ asked, client, timestamp, op }: Pending): {
    seq: number;
    error?: string;
    value: unknown;
  } {
    const seq = this.#seq;
    const error = REFUSALS.find((refusal) => refuses(this.#bank, asked, refusal));
    if (asked.kind === "malformed") return { seq, error: "bad-operation", value: op.value };
    if (error !== undefined) return { seq, error, value: op.value };
    if (!perform(this.#bank, asked)) throw new Error(`the model refuses ${op.f} without a reason`);
    this.#post(asked, client, timestamp, op.value);
    return { seq, value: this.#answerTo(asked, op.value) };
  }

  #post(asked: BankOperation, client: number, timestamp: number, value: unknown): void {
    if (asked.kind === "balance" || asked.kind === "statement" || asked.kind === "malformed")
      return;
    const account = "account" in asked ? asked.account : "";
    const debit =
      asked.kind === "move" ? asked.from : asked.kind === "withdraw" ? account : "@cash";
    const credit = asked.kind === "move" ? asked.to : asked.kind === "withdraw" ? "@cash" : account;
    const amount = "amount" in asked ? asked.amount : 0;
    if (asked.kind === "open") {
      const fields = new Map<string, unknown>(Object.entries(value ?? {}));
      const name = String(fields.get("name") ?? "");
      this.#names.set(account, { name, address: String(fields.get("address") ?? "") });
    }
    const index = this.#entries.length;
    const { kind } = asked;
    this.#entries.push({ index, seq: this.#seq, client, timestamp, kind, debit, credit, amount });
  }

  #answerTo(asked: BankOperation, value: unknown): unknown {
    const fields = Object.fromEntries(Object.entries(value ?? {}));
    const balance = (account: string) => this.#bank.get(account)?.balance ?? -1;
    if (asked.kind === "move") {
      return { ...fields, fromBalance: balance(asked.from), toBalance: balance(asked.to) };
    }
    if (asked.kind === "open" || asked.kind === "malformed") return fields;
    if (asked.kind !== "statement") return { ...fields, balance: balance(asked.account) };
    const amounts = this.#bank.get(asked.account)?.amounts ?? [];
    const newest = amounts.slice(Math.max(0, amounts.length - asked.limit));
    return {
      ...fields,
      balance: balance(asked.account),
      entryCount: amounts.length,
      amounts: newest,
    };
  }

  /** Completes one operation, if it may be: answered where it was executed, or given up. */
  #answer(): void {
    const pending = this.#waiting[Math.floor(this.#random() * this.#waiting.length)];
    if (pending === undefined) return;
    const { op, done, client, timestamp } = pending;
    const { process, f, value } = op;
    const identity = { process, f, node: "c0", client, timestamp };
    if (pending.info) {
      this.#waiting.splice(this.#waiting.indexOf(pending), 1);
      if (done === undefined) this.#stragglers.push(pending);
      this.#record({ ...identity, type: "info", value, error: "timeout" });
      this.#free.push(this.#processNext);
      this.#processNext += 1;
      return;
    }
    if (done === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(pending), 1);
    const { seq, error } = done;
    if (error === undefined) {
      this.#record({ ...identity, type: "ok", value: done.value, seq });
    } else {
      this.#record({ ...identity, type: "fail", value, error, seq });
    }
    if (typeof process === "number") this.#free.push(process);
  }

  #record(event: Omit<HistoryOp, "index" | "time">): HistoryOp {
    const index = this.#history.length;
    const op: HistoryOp = { index, time: index, ...event };
    this.#history.push(op);
    return op;
  }

  /** Takes one out of the list; undefined where it is empty. */
  #take<T>(list: T[]): T | undefined {
    return list.splice(Math.floor(this.#random() * list.length), 1)[0];
  }

  #account(): string {
    return `a${Math.floor(this.#random() * this.#options.accounts)}`;
  }

  #draw(): [string, unknown] {
    const { readShare, statementShare, amountMax, opened } = this.#options;
    const account = this.#random() < 0.03 ? "nobody" : this.#account();
    const amount = 1 + Math.floor(this.#random() * amountMax);
    if (this.#random() < readShare) {
      if (this.#random() >= statementShare) return ["balance", { account }];
      return ["statement", { account, limit: 1 + Math.floor(this.#random() * 5) }];
    }
    const draw = this.#random();
    if (draw < (opened ? 0.03 : 0.3)) return ["open", { account, name: "Again", address: "" }];
    if (draw < 0.35) return ["deposit", { account, amount }];
    if (draw < 0.6) return ["withdraw", { account, amount }];
    let to = this.#account();
    while (to === account && this.#options.accounts > 1) to = this.#account();
    return to === account
      ? ["deposit", { account, amount }]
      : ["move", { from: account, to, amount }];
  }

  #dump(node: string): LedgerDump {
    const accounts = [...this.#bank].map(([id, { balance }]) => {
      const { name, address } = this.#names.get(id) ?? { name: "", address: "" };
      return { id, name, address, balance };
    });
    const sum = accounts.reduce((total, { balance }) => total + balance, 0);
    const cash = { id: "@cash", name: "", address: "", balance: -sum };
    const sessions = [...this.#sessions].map(([client, { timestamp, seq }]) => {
      return { client, timestamp, seq, resultDigest: `result of ${client}:${timestamp}` };
    });
    return {
      node,
      seq: this.#seq,
      digest: `digest at ${this.#seq}`,
      chain: `chain at ${this.#entries.length}`,
      accounts: sum === 0 ? accounts : [cash, ...accounts],
      entries: [...this.#entries],
      sessions,
    };
  }
}
