// What this machine gives at this hour to any PBFT of our shape: four replica processes on loopback that
// do the normal case only. Requests are batched, one batch outstanding; pre-prepare, prepare, commit with
// counted quorums; one SQLite transaction a batch, synced before its replies; f+1 matching replies.
// Datagrams have MACs and are coalesced, as ours are. Votes are signed or not: with signatures, of which no
// more are verified than quorums need, it is what any PBFT that can prove who lied must cost at the least.
//
// Absent: authenticators of requests (backups believe the primary about what clients asked), view changes,
// checkpoints, retransmission, votes on disk, recovery. A ratio to it says what those cost, and means the
// same on a slow day.

import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../node/runtime/free-ports.js";
import { generateKeys } from "../../node/runtime/keys.js";
import { openSkeletonClient, type SkeletonClient } from "./client.js";
import { REPLICAS } from "./wire.js";

const MAIN = fileURLToPath(new URL("./replica-main.js", import.meta.url));

export type Skeleton = {
  client: SkeletonClient;
  pids: readonly number[];
  /** Of the replica's SQLite file. */
  databaseOf(id: number): string;
  /** The first call counts. */
  stop(signal?: NodeJS.Signals): Promise<void>;
};

/** Starts replicas with new files in the directory, which it makes, and a client. */
export async function startSkeleton(
  directory: string,
  { accounts, signed }: { accounts: number; signed: boolean },
): Promise<Skeleton> {
  mkdirSync(directory);
  const databaseOf = (id: number) => join(directory, `r${id}.sqlite`);
  const ports = await freePorts(REPLICAS + 1, "127.0.0.1");
  const seed = randomBytes(32).toString("hex");
  const owners = Array.from({ length: REPLICAS }, (_, id) => generateKeys(id));
  const publics = owners.map((keys) => keys.public.signingKey);
  const children: ChildProcess[] = [];
  const stop = async (signal?: NodeJS.Signals) => {
    const running = children.filter(
      ({ exitCode, signalCode }) => (exitCode ?? signalCode) === null,
    );
    await Promise.all(
      running.map(async (child) => {
        const ended = once(child, "exit");
        child.kill(signal);
        await ended;
      }),
    );
  };
  try {
    for (const [id, { secret }] of owners.entries()) {
      const keys = signed ? [secret.signingSecret, ...publics].join(",") : "";
      children.push(fork(MAIN, [seed, databaseOf(id), keys, id, accounts, ...ports].map(String)));
    }
    await Promise.all(children.map(ready));
    const client = await openSkeletonClient({ ports, seed });
    let stopped: Promise<void> | undefined;
    return {
      client,
      pids: children.map(({ pid }) => pid ?? -1),
      databaseOf,
      stop(signal) {
        if (stopped === undefined) client.close();
        stopped ??= stop(signal);
        return stopped;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(child: ChildProcess): Promise<void> {
  await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => {
      throw new Error(`skeleton: a replica ended with ${code} before it was ready`);
    }),
  ]);
}
