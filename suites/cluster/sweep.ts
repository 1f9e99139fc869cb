// Removes what dead runs left: the runner that registered it is gone. What belongs to a runner that lives,
// or that cannot be judged from here, is left alone.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { observe } from "../../nemesis/host/process.js";
import { localShell, type Shell } from "../../nemesis/host/shell.js";
import { messageOf } from "../../node/runtime/ordeal-error.js";
import { describeLeftover, type Leftover } from "./leftover.js";
import { type Owner, REMOVAL_ORDER, removerOf } from "./leftover-removers.js";
import {
  identityOf,
  ownIdentity,
  type RunnerIdentity,
  readRegistered,
  registryFolder,
  runIdOf,
} from "./registry.js";

/** "elsewhere": in another pid namespace, where only somebody in there can tell. */
export type RunnerState = "alive" | "dead" | "elsewhere";

export type RegisteredRun = {
  file: string;
  runner: RunnerIdentity;
  state: RunnerState;
  /** Its kernel still runs. */
  sameBoot: boolean;
};

/** What was found of the leftovers of a run, and what could not be removed and why: a line each. */
export type Swept = { found: readonly string[]; failed: readonly string[] };

/** One that is being killed may register a little more until it ends. */
const ROUNDS_MAX = 5;

/** All runs that have registered anything. Of no run: well under a millisecond. */
export function registeredRuns(folder = registryFolder()): readonly RegisteredRun[] {
  const own = ownIdentity();
  return readdirSync(folder).flatMap((name) => {
    const runner = identityOf(name);
    if (runner === undefined) return [];
    const sameBoot = runner.bootId === own.bootId;
    return [{ file: join(folder, name), runner, state: stateOf(runner, own), sameBoot }];
  });
}

/** Removes what all dead runs left. Throws for none of it; what failed is tried again next time. */
export async function sweepDeadRuns(): Promise<Swept> {
  const all: Swept[] = [];
  for (const run of registeredRuns()) {
    if (run.state === "dead") all.push(await sweepRun(run));
  }
  return {
    found: all.flatMap(({ found }) => found),
    failed: all.flatMap(({ failed }) => failed),
  };
}

/** What `sweepRun` would remove. */
export async function findLeftovers(run: RegisteredRun): Promise<Swept> {
  const found: string[] = [];
  const failed: string[] = [];
  for (const { leftover } of inRemovalOrder(readRegistered(run.file))) {
    const { find } = removerOf(leftover, ownerOf(run), localShell());
    try {
      found.push(...(await find()));
    } catch (error) {
      failed.push(complaint(leftover, error));
    }
  }
  return { found, failed };
}

/**
 * Removes what the run has registered and not released, then its file, unless something failed. Two
 * sweepers may be at it at once.
 */
export async function sweepRun(run: RegisteredRun): Promise<Swept> {
  const found: string[] = [];
  const failed: string[] = [];
  const done = new Set<string>();
  const shell = localShell();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const left = readRegistered(run.file).filter(({ id }) => !done.has(id));
    if (left.length === 0) break;
    for (const { id, leftover } of inRemovalOrder(left)) {
      done.add(id);
      const outcome = await sweepOne(leftover, ownerOf(run), shell);
      found.push(...outcome.found);
      failed.push(...outcome.failed);
    }
  }
  if (failed.length === 0) rmSync(run.file, { force: true });
  return { found, failed };
}

async function sweepOne(leftover: Leftover, owner: Owner, shell: Shell): Promise<Swept> {
  const remover = removerOf(leftover, owner, shell);
  let found: readonly string[] = [];
  try {
    found = await remover.find();
    if (found.length > 0) await remover.remove();
    return { found, failed: [] };
  } catch (error) {
    // Another sweeper may have been quicker; what is gone is gone.
    const isGone = found.length > 0 && (await remover.find().catch(() => found)).length === 0;
    return { found, failed: isGone ? [] : [complaint(leftover, error)] };
  }
}

function inRemovalOrder<T extends { leftover: Leftover }>(entries: readonly T[]): readonly T[] {
  const rank = ({ leftover }: T) => REMOVAL_ORDER.indexOf(leftover.kind);
  // Of one kind the newest first: it may lie in what is older.
  return entries.toReversed().sort((a, b) => rank(a) - rank(b));
}

function stateOf(runner: RunnerIdentity, own: RunnerIdentity): RunnerState {
  if (runner.bootId !== own.bootId) return "dead";
  if (runner.pidNamespace !== own.pidNamespace) return "elsewhere";
  return observe(runner) === "gone" ? "dead" : "alive";
}

function ownerOf({ file, sameBoot }: RegisteredRun): Owner {
  return { runId: runIdOf(file), sameBoot };
}

function complaint(leftover: Leftover, error: unknown): string {
  return `${describeLeftover(leftover)}: ${messageOf(error)}`;
}
