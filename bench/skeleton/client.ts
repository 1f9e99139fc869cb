// The skeleton's client: many sessions in one process, each with one operation at a time.

import { openChannel } from "./channel.js";
import {
  CLIENT,
  decodeReply,
  encodeRequest,
  F,
  PRIMARY,
  REPLICAS,
  REPLY,
  type Reply,
  type Transfer,
} from "./wire.js";

const RETRY_MS = 1_000;
const TIMEOUT_MS = 30_000;

export type SkeletonClient = {
  /** Resolves with f+1 matching replies; rejects after 30 s. */
  call(session: number, transfer: Transfer): Promise<Reply>;
  close(): void;
};

type Pending = {
  timestamp: number;
  request: Buffer;
  startedMs: number;
  /** Those who replied, by what they replied. */
  voters: Map<string, Set<number>>;
  done: (reply: Reply) => void;
  failed: (error: Error) => void;
};

export async function openSkeletonClient(options: {
  ports: readonly number[];
  seed: string;
}): Promise<SkeletonClient> {
  const pending = new Map<number, Pending>();
  const timestamps = new Map<number, number>();

  const onMessage = (from: number, message: Buffer) => {
    if (message[0] !== REPLY) return;
    const reply = decodeReply(message);
    const call = pending.get(reply.session);
    if (call?.timestamp !== reply.timestamp) return;
    const said = `${reply.seq} ${reply.applied}`;
    const voters = call.voters.get(said) ?? new Set();
    call.voters.set(said, voters.add(from));
    if (voters.size < F + 1) return;
    pending.delete(reply.session);
    call.done(reply);
  };
  const channel = await openChannel({ self: CLIENT, ...options, onMessage });
  const retries = setInterval(() => {
    const now = performance.now();
    for (const [session, { startedMs, request, failed }] of pending) {
      if (now - startedMs > TIMEOUT_MS) {
        pending.delete(session);
        failed(new Error(`skeleton: session ${session} waited ${TIMEOUT_MS} ms in vain`));
      } else if (now - startedMs > RETRY_MS) {
        for (let id = 0; id < REPLICAS; id++) channel.post(id, request);
      }
    }
  }, RETRY_MS);

  return {
    call: (session, transfer) =>
      new Promise((done, failed) => {
        const timestamp = (timestamps.get(session) ?? 0) + 1;
        timestamps.set(session, timestamp);
        const request = encodeRequest({ session, timestamp, ...transfer });
        const startedMs = performance.now();
        pending.set(session, { timestamp, request, startedMs, voters: new Map(), done, failed });
        channel.post(PRIMARY, request);
      }),
    close() {
      clearInterval(retries);
      channel.close();
    },
  };
}
