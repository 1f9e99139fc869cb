// A long run of an imaginary correct bank, one event after the other in the order of time: clients
// that ask, wait and ask again, operations that take effect at one moment of their window, and some
// of which nobody learns whether they did. For benchmarks, and for comparison with other checkers.
// Needs memory for what is going on only.

import type { HistoryOp } from "../history.js";
import { randomOf } from "./simulate-bank.js";

export type LoadOptions = {
  seed: number;
  operations: number;
  /** Clients; each has one operation open at a time. */
  concurrency: number;
  /** At least 2. */
  accounts: number;
  /** Share of operations whose outcome nobody learns, 0..1; half of those take effect, late. */
  infoShare: number;
  /** Amounts are 1 to this. */
  amountMax: number;
  readShare: number;
  /** Whether replies to writes name the balance afterwards, as the ledger's do. */
  balances: "in every reply" | "in reads only";
};

export const LOAD_DEFAULTS: LoadOptions = {
  seed: 1,
  operations: 10_000,
  concurrency: 5,
  accounts: 10,
  infoShare: 0,
  amountMax: 2 ** 32,
  readShare: 0.4,
  balances: "in every reply",
};

/** An operation under way; times in units of a mean latency. */
type Going = {
  process: number;
  f: string;
  account: string;
  to: string;
  amount: number;
  info: boolean;
  timestamp: number;
  reply: Partial<HistoryOp> | undefined;
};

type Event = { time: number; what: "invoke" | "execute" | "complete"; going: Going };

const TIMEOUT = 2;
const NS = 1_000_000;
const SESSION_BASE = 256 * 65_536;

/** Yields invocations and completions; the first 2 × accounts operations open and fund accounts. */
export function* simulateLoad(overrides: Partial<LoadOptions> = {}): Generator<HistoryOp> {
  const load = new Load({ ...LOAD_DEFAULTS, ...overrides });
  let index = 0;
  for (const event of load.events()) yield { index: index++, ...event };
}

/** Guards: an operation takes effect between its invocation and its completion, or after its client gave up. */
class Load {
  readonly #options: LoadOptions;
  readonly #random: () => number;
  readonly #balances = new Map<string, number>();
  readonly #queue: Event[] = [];
  #seq = 0;
  #asked = 0;
  #processNext: number;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.#processNext = options.concurrency;
  }

  *events(): Generator<Omit<HistoryOp, "index">> {
    let time = 0;
    for (const going of this.#openings()) {
      yield this.#event({ time: time++, what: "invoke", going });
      this.#execute(going);
      yield this.#event({ time: time++, what: "complete", going });
    }
    for (let process = 0; process < this.#options.concurrency; process++) {
      this.#next(process, time + this.#random());
    }
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.what === "execute") this.#execute(event.going);
      else yield this.#event(event);
      if (event.what !== "complete") continue;
      const { process, info } = event.going;
      this.#next(info ? this.#processNext++ : process, event.time);
    }
  }

  *#openings(): Generator<Going> {
    for (let account = 0; account < this.#options.accounts; account++) {
      for (const f of ["open", "deposit"]) {
        const amount = 4 * this.#options.amountMax;
        const timestamp = ++this.#asked;
        const name = `a${account}`;
        yield { process: 0, f, account: name, to: "", amount, info: false, timestamp, reply: {} };
      }
    }
  }

  /** Draws a process's next operation, unless enough were asked. */
  #next(process: number, time: number): void {
    const { operations, accounts, readShare, amountMax, infoShare } = this.#options;
    if (this.#asked >= operations) return;
    const timestamp = ++this.#asked;
    const draw = this.#random();
    const write = (draw - readShare) / (1 - readShare);
    const f =
      draw < readShare
        ? "balance"
        : write < 1 / 4
          ? "deposit"
          : write < 1 / 2
            ? "withdraw"
            : "move";
    const account = Math.floor(this.#random() * accounts);
    const other = (account + 1 + Math.floor(this.#random() * (accounts - 1))) % accounts;
    const amount = 1 + Math.floor(this.#random() * amountMax);
    const info = this.#random() < infoShare;
    const latency = 0.2 + this.#exponential(0.5) + (this.#random() < 0.02 ? 3 * this.#random() : 0);
    const names = { account: `a${account}`, to: `a${other}` };
    const going: Going = { process, f, ...names, amount, info, timestamp, reply: undefined };
    const after = info ? 3 * TIMEOUT * this.#random() : latency * this.#random();
    const happens = !info || this.#random() < 0.5;
    this.#push({ time, what: "invoke", going });
    if (happens) this.#push({ time: time + after, what: "execute", going });
    this.#push({ time: time + (info ? TIMEOUT : latency), what: "complete", going });
  }

  #exponential(mean: number): number {
    return -Math.log(1 - this.#random()) * mean;
  }

  #execute(going: Going): void {
    const { f, account, to, amount } = going;
    const seq = ++this.#seq;
    const balance = this.#balances.get(account) ?? 0;
    if ((f === "withdraw" || f === "move") && balance < amount) {
      going.reply = { type: "fail", error: "insufficient-funds", seq };
      return;
    }
    const after = f === "deposit" ? balance + amount : f === "balance" ? balance : balance - amount;
    if (f !== "balance") this.#balances.set(account, f === "open" ? 0 : after);
    if (f === "move") this.#balances.set(to, (this.#balances.get(to) ?? 0) + amount);
    going.reply = { type: "ok", seq, value: this.#answer(going) };
  }

  #answer(going: Going): unknown {
    const { f, account, to } = going;
    const asked = askedOf(going);
    const balance = this.#balances.get(account) ?? 0;
    if (f === "open" || (f !== "balance" && this.#options.balances === "in reads only"))
      return asked;
    if (f !== "move") return { ...asked, balance };
    return { ...asked, fromBalance: balance, toBalance: this.#balances.get(to) ?? 0 };
  }

  #event({ time, what, going }: Event): Omit<HistoryOp, "index"> {
    const { process, f, info, timestamp } = going;
    const event = { time: Math.floor(time * NS), process, f, node: "c0" };
    const client = SESSION_BASE + process;
    const value = askedOf(going);
    if (what === "invoke") return { ...event, type: "invoke", value, client };
    const identity = { client, timestamp };
    const reply = info ? { type: "info" as const, error: "timeout" } : going.reply;
    return { ...event, type: "info", value, ...reply, ...identity };
  }

  #push(event: Event): void {
    const queue = this.#queue;
    let at = queue.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = queue[parent];
      if (above === undefined || above.time <= event.time) break;
      queue[at] = above;
      at = parent;
    }
    queue[at] = event;
  }

  #pop(): Event | undefined {
    const queue = this.#queue;
    const [top] = queue;
    const last = queue.pop();
    if (top === undefined || last === undefined || queue.length === 0) return top;
    let at = 0;
    for (let child = 1; child < queue.length; child = 2 * at + 1) {
      const [left, right] = [queue[child], queue[child + 1]];
      if (left === undefined) break;
      const least = right !== undefined && right.time < left.time ? right : left;
      if (least.time >= last.time) break;
      queue[at] = least;
      at = least === left ? child : child + 1;
    }
    queue[at] = last;
    return top;
  }
}

function askedOf({ f, account, to, amount }: Going): Readonly<Record<string, string | number>> {
  if (f === "open") return { account, name: account, address: "Street" };
  if (f === "balance") return { account };
  return f === "move" ? { from: account, to, amount } : { account, amount };
}
