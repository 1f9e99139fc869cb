// The load of a simulation: workers in a closed loop with pauses, each a process on a session, as the
// interpreter of real runs drives them, but in virtual time and without waiting for anybody.

import { createRandom, type Random } from "../../nemesis/random.js";
import type { ClientAnswer } from "../../node/runtime/client-call.js";
import type { HistoryRecorder } from "../history-recorder.js";
import { allocateSessions, clientIdOf, type SessionAllocator, type Worker } from "../session.js";
import { accountName, type BankOp, bankOps, openingOps, readOp } from "../workload.js";
import { principalOf } from "./names.js";
import type { Scenario } from "./scenario.js";
import type { World } from "./world.js";

const READ_SHARE = 0.5;
/** A worker whose operation ended with unknown fate goes on after this, ms. */
const INFO_PAUSE_MS = 20;
const OPENING_ATTEMPTS_MAX = 50;

type Seat = Worker & { index: number; busy: boolean };

/** What a worker does next; undefined: it is done. */
type Next = (seat: Seat) => BankOp | undefined;

export class Load {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #recorder: HistoryRecorder;
  readonly #random: Random;
  readonly #sessions: SessionAllocator;
  readonly #seats: Seat[];
  #callId = 0;
  #working = 0;

  constructor(world: World, scenario: Scenario, recorder: HistoryRecorder) {
    this.#world = world;
    this.#scenario = scenario;
    this.#recorder = recorder;
    this.#random = createRandom(scenario.seed).fork("load");
    this.#sessions = allocateSessions(world.clientNames);
    this.#seats = Array.from({ length: scenario.sessions }, (_, index) => ({
      index,
      process: index,
      session: this.#sessions.open(index),
      random: this.#random.fork(`worker ${index}`),
      busy: false,
    }));
  }

  /** No worker has anything to do any more. */
  get idle(): boolean {
    return this.#working === 0;
  }

  /** Operations that wait for an answer, for the story of a hang. */
  get waiting(): readonly string[] {
    return this.#seats.flatMap(({ busy, process, session }) =>
      busy ? [`process ${process} on ${session.node}/${session.index}`] : [],
    );
  }

  /** Opens every account and puts money in. */
  openAccounts(): void {
    const { accounts, sessions, timeoutMs } = this.#scenario;
    this.#start((seat) => {
      let index = seat.index;
      let attempts = 0;
      let ops = index < accounts ? [...this.#opening(index)] : [];
      return {
        timeoutMs,
        pauseMs: 0,
        next: () => {
          if (ops.length === 0) {
            index += sessions;
            if (index >= accounts) return undefined;
            ops = [...this.#opening(index)];
          }
          return ops[0];
        },
        // An account that may not be there is opened again.
        after: ({ type }) => {
          attempts = type === "info" ? attempts + 1 : 0;
          if (type !== "info" || attempts >= OPENING_ATTEMPTS_MAX) ops.shift();
        },
      };
    });
  }

  /** The operations of the scenario, shared by all. */
  work(): void {
    const { accounts, operations, thinkMs, timeoutMs, refusedShare } = this.#scenario;
    const mix = { accounts, readShare: READ_SHARE, refusedShare };
    let left = operations;
    this.#start((seat) => {
      const draw = bankOps(mix, this.#random.fork(`operations ${seat.index}`));
      return {
        timeoutMs,
        pauseMs: thinkMs,
        next: () => (left-- > 0 ? draw() : undefined),
        after: () => undefined,
      };
    });
  }

  /** Nothing new is begun. */
  stop(): void {
    this.#stopped = true;
  }

  /** One fresh write on every session. */
  demandProgress(timeoutMs: number): void {
    this.#stopped = false;
    this.#start((seat) => {
      const account = accountName(seat.random.int(this.#scenario.accounts));
      const ops: BankOp[] = [
        { f: "deposit", value: { account, amount: 1 + seat.random.int(2 ** 32) } },
      ];
      return { timeoutMs, pauseMs: 0, next: () => ops.shift(), after: () => undefined };
    });
  }

  /** Every account once. */
  finalReads(timeoutMs: number): void {
    const { accounts, sessions } = this.#scenario;
    this.#start((seat) => {
      let index = seat.index - sessions;
      return {
        timeoutMs,
        pauseMs: 0,
        next: () => {
          index += sessions;
          return index < accounts ? readOp(accountName(index)) : undefined;
        },
        after: () => undefined,
      };
    });
  }

  #stopped = false;

  #opening(index: number): readonly BankOp[] {
    return openingOps(index, this.#random.fork(`account ${index}`));
  }

  #start(plan: (seat: Seat) => Task): void {
    for (const seat of this.#seats) {
      this.#working += 1;
      this.#go(seat, plan(seat), 0);
    }
  }

  #go(seat: Seat, task: Task, pauseMs: number): void {
    const delayUs = pauseMs === 0 ? 0 : seat.random.exponential(pauseMs) * 1_000;
    this.#world.queue.after(delayUs, () => {
      const op = this.#stopped ? undefined : task.next(seat);
      if (op === undefined) {
        this.#working -= 1;
        return;
      }
      this.#perform(seat, op, task);
    });
  }

  #perform(seat: Seat, op: BankOp, task: Task): void {
    const { clients, clientNames } = this.#world;
    const { process, session } = seat;
    const client = clientIdOf(session, clientNames);
    this.#recorder.invoke({ process, f: op.f, value: op.value, node: session.node, client });
    seat.busy = true;
    const call = {
      id: this.#callId++,
      session: session.index,
      f: op.f,
      value: op.value,
      timeoutMs: task.timeoutMs,
    };
    const host = clients.find(({ principal }) => principal === principalOf(session.node));
    host?.call(call, (answer) => {
      seat.busy = false;
      this.#recorder.complete(process, answer);
      task.after(answer);
      if (answer.type === "info") this.#crash(seat);
      this.#go(seat, task, answer.type === "info" ? INFO_PAUSE_MS : task.pauseMs);
    });
  }

  /** The fate of its operation is not known: it goes on as another process. */
  #crash(seat: Seat): void {
    seat.process += this.#scenario.sessions;
    if (seat.random.chance(0.5)) seat.session = this.#sessions.open(seat.random.int(1 << 16));
  }
}

type Task = {
  timeoutMs: number;
  /** Mean pause between two operations, ms. */
  pauseMs: number;
  next: Next;
  after: (answer: ClientAnswer) => void;
};
