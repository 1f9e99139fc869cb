// Drives the workload against the cluster: workers, each a process on a session, at a common rate.
// A worker whose operation ends as info crashes and goes on as a new process.
// Source: jepsen.generator.interpreter

import type { Random } from "../nemesis/random.js";
import type { ClientAnswer } from "../node/runtime/client-call.js";
import type { Time } from "./run-clock.js";
import { allocateSessions, type Calls, performOp, type Session, type Worker } from "./session.js";
import { accountName, type BankOp, bankOps, openingOps, readOp } from "./workload.js";

export type LoadOptions = {
  concurrency: number;
  /** Operations a second over all workers; 0: as many as the cluster takes. */
  rate: number;
  accounts: number;
  readShare: number;
  refusedShare: number;
  timeoutMs: number;
  /** The load ends after so many operations; absent: when the signal says so. */
  operationsMax?: number;
};

/** A worker that waits this long after an operation of unknown fate spins on no dead client. */
const INFO_PAUSE_MS = 20;
const OPENING_ATTEMPTS_MAX = 5;

export type Interpreter = {
  /** Opens every account and puts money in; stops early where the signal aborts. */
  openAccounts(signal: AbortSignal): Promise<void>;
  /** Runs the load until the signal aborts or the operations are spent. */
  load(signal: AbortSignal): Promise<void>;
  /** Demands progress: one fresh write on each worker's session. Resolves when all have ended. */
  demandProgress(timeoutMs: number): Promise<void>;
  /** Reads every account once. */
  finalReads(timeoutMs: number): Promise<void>;
};

/** Processes and sessions to begin with, where others were used before; absent: fresh ones from 0. */
export type Beginning = { process: number; sessions: readonly Session[] };

export function createInterpreter(
  calls: Calls,
  options: LoadOptions,
  random: Random,
  beginning: Beginning = { process: 0, sessions: [] },
): Interpreter {
  const { time } = calls.environment;
  const sessions = allocateSessions(calls.environment.clients, beginning.sessions);
  const workers: Worker[] = Array.from({ length: options.concurrency }, (_, index) => ({
    process: beginning.process + index,
    session: beginning.sessions[index] ?? sessions.open(index),
    random: random.fork(`worker ${index}`),
  }));

  const perform = async (worker: Worker, op: BankOp, timeoutMs: number): Promise<ClientAnswer> => {
    const answer = await performOp(calls, worker, op, timeoutMs);
    if (answer.type === "info") {
      worker.process += options.concurrency;
      if (worker.random.chance(0.5)) worker.session = sessions.open(worker.random.int(1 << 16));
      await time.sleep(INFO_PAUSE_MS);
    }
    return answer;
  };
  const spread = (count: number, work: (worker: Worker, index: number) => Promise<void>) =>
    allWorkers(workers, async (worker, position) => {
      for (let index = position; index < count; index += workers.length) await work(worker, index);
    });

  return {
    openAccounts: (signal) =>
      spread(options.accounts, async (worker, index) => {
        for (const op of openingOps(index, random.fork(`account ${index}`))) {
          for (let attempt = 0; attempt < OPENING_ATTEMPTS_MAX && !signal.aborted; attempt++) {
            const answer = await perform(worker, op, options.timeoutMs);
            if (answer.type !== "info") break;
          }
        }
      }),

    async load(signal) {
      const pace = pacer(options.rate, random.fork("pace"), time);
      const ended = new AbortController();
      const stop = AbortSignal.any([signal, ended.signal]);
      let left = options.operationsMax ?? Number.POSITIVE_INFINITY;
      await allWorkers(
        workers,
        async (worker, index) => {
          const next = bankOps(options, random.fork(`operations ${index}`));
          for (;;) {
            await pace(stop);
            if (stop.aborted || left <= 0) return;
            left -= 1;
            await perform(worker, next(), options.timeoutMs);
          }
        },
        () => ended.abort(),
      );
    },

    demandProgress: (timeoutMs) =>
      allWorkers(workers, async (worker) => {
        const account = accountName(worker.random.int(options.accounts));
        const amount = 1 + worker.random.int(2 ** 32);
        await perform(worker, { f: "deposit", value: { account, amount } }, timeoutMs);
      }),

    finalReads: (timeoutMs) =>
      spread(options.accounts, async (worker, index) => {
        await perform(worker, readOp(accountName(index)), timeoutMs);
      }),
  };
}

/** Waits for every worker to end, also after one has thrown; then throws what the first threw. */
async function allWorkers(
  workers: readonly Worker[],
  work: (worker: Worker, index: number) => Promise<void>,
  onFailure: () => void = () => undefined,
): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(
    workers.map((worker, index) =>
      work(worker, index).catch((error: unknown) => {
        failures.push(error);
        onFailure();
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

/** Lets operations through at random instants of this mean rate; after a stall it does not rush. */
function pacer(rate: number, random: Random, time: Time): (signal: AbortSignal) => Promise<void> {
  let next = time.nowMs();
  return async (signal) => {
    if (rate === 0) return;
    const now = time.nowMs();
    next = Math.max(next, now - 1_000 / rate) + random.exponential(1_000 / rate);
    if (next > now) await time.sleep(next - now, signal);
  };
}
