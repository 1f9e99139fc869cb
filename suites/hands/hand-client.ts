// A client of the cluster for one invocation of the command line. Invocations that overlap take
// different principals; one that follows another never uses a timestamp again.

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { NodeName } from "../../nemesis/faults.js";
import { type Client, openClient } from "../../node/runtime/client.js";
import type { ClientAnswer } from "../../node/runtime/client-call.js";
import { readKeyFile } from "../../node/runtime/cluster-file.js";
import { sleep } from "../cluster/deadline.js";
import { clientNames, nodeFiles } from "../cluster/layout.js";
import { type ClusterFolder, HAND_CLIENTS } from "./cluster-folder.js";
import type { HandOperation } from "./hand-operation.js";
import { holdName } from "./held-name.js";

const TURN_MS_MAX = 10_000;
const TURN_POLL_MS = 50;

export type HandClient = {
  /** One operation after the other. */
  perform(operation: HandOperation): Promise<ClientAnswer>;
  close(): Promise<void>;
};

export type HandOptions = {
  timeoutMs: number;
  /** Replica asked first; absent: the presumed primary. */
  first?: number;
  /** How many operations at most will be performed. */
  operationCount: number;
};

export async function openHandClient(
  folder: ClusterFolder,
  { timeoutMs, first, operationCount }: HandOptions,
): Promise<HandClient> {
  const { node, release } = await holdClient(folder);
  try {
    const files = nodeFiles(folder.path, node);
    const client = await openClient({
      cluster: folder.file,
      key: readKeyFile(files.keyFile),
      listen: { host: "127.0.0.1", port: 0 },
      timestamp: reserveTimestamps(join(files.folder, "timestamp"), operationCount),
    });
    return handClient(client, release, timeoutMs, first);
  } catch (error) {
    release();
    throw error;
  }
}

function handClient(
  client: Client,
  release: () => void,
  timeoutMs: number,
  first: number | undefined,
): HandClient {
  let id = 0;
  return {
    perform: ({ f, value }) =>
      client.call({
        id: id++,
        session: 0,
        f,
        value,
        timeoutMs,
        ...(first !== undefined && { first }),
      }),
    async close() {
      await client.close();
      release();
    },
  };
}

/** A principal that no other invocation uses now; waits for one where all are at work. */
async function holdClient(folder: ClusterFolder): Promise<{ node: NodeName; release: () => void }> {
  const end = performance.now() + TURN_MS_MAX;
  for (;;) {
    for (const node of clientNames(folder.file.clients.length)) {
      const release = await holdName(`${folder.path} ${node}`);
      if (release !== undefined) return { node, release };
    }
    if (performance.now() >= end) {
      throw new Error(`${HAND_CLIENTS} clients are at work on this cluster already: try again`);
    }
    await sleep(TURN_POLL_MS);
  }
}

/**
 * The timestamp above which this invocation's lie. The highest that it may use is on disk before the
 * first is sent, so that neither a crash nor a clock that was set back brings one back.
 */
function reserveTimestamps(path: string, count: number): number {
  const kept = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  if (!Number.isSafeInteger(kept)) throw new Error(`${path}: want a whole number`);
  const start = Math.max(kept, Date.now() * 1_000);
  const file = openSync(`${path}.new`, "w");
  try {
    writeSync(file, `${start + count}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  return start;
}
