// One client session of PBFT: a request at a time, to the presumed primary first and to all replicas
// when no answer comes, until f+1 replicas say the same. Pure: time and datagrams are inputs.
// Source: Castro & Liskov, OSDI '99 §4.1.

import assert from "node:assert";
import type { Keyring } from "../core/keyring.js";
import {
  type ClientId,
  type PrincipalId,
  principalOfClient,
  type ReplicaId,
  type Reply,
  type Request,
  type Seq,
  type View,
} from "../core/messages.js";
import { primaryOf, weakQuorumOf } from "../core/quorum.js";
import { requestBytes } from "../core/wire.js";

/** When no answer has come, ask all; doubles up to the maximum. */
export const RETRY_MS = 250;
export const RETRY_MS_MAX = 1_000;

export type SessionOptions = {
  cluster: string;
  /** Replicas. */
  n: number;
  client: ClientId;
  /** Of the process that hosts this session. */
  keyring: Keyring;
  /**
   * The first request's timestamp is above this. A session that lived before must start above all
   * that it ever used: from the wall clock in µs, or from a value that was kept.
   */
  timestamp: number;
};

export type SessionInput =
  /** `view` is the best guess of it; `first` overrides the replica asked first. */
  | { kind: "submit"; operation: Uint8Array; view: View; first?: ReplicaId }
  | { kind: "reply"; from: PrincipalId; reply: Reply }
  /** The retry timer fired. */
  | { kind: "timeout" }
  /** The caller waits no longer; the request may still be executed. */
  | { kind: "abandon" };

export type SessionEffect =
  | { kind: "send"; to: readonly ReplicaId[]; request: Request }
  | { kind: "set-timer"; delayMs: number }
  | { kind: "cancel-timer" }
  | { kind: "done"; timestamp: number; seq: Seq; result: Uint8Array; view: View }
  | { kind: "ignored"; reason: "idle" | "not-the-sender" | "other-request" };

type Outstanding = {
  request: Request;
  retryMs: number;
  /** The latest reply of each replica. */
  replies: Map<ReplicaId, Reply>;
};

export type Session = {
  readonly options: SessionOptions;
  readonly replicas: readonly ReplicaId[];
  timestamp: number;
  outstanding: Outstanding | undefined;
};

export function createSession(options: SessionOptions): Session {
  const { client, keyring, n, timestamp } = options;
  assert(principalOfClient(client) === keyring.principal, `session ${client}: not of this process`);
  assert(Number.isSafeInteger(timestamp) && timestamp >= 0, `session ${client}: bad timestamp`);
  const replicas = Array.from({ length: n }, (_, id) => id);
  return { options, replicas, timestamp, outstanding: undefined };
}

/** The session's next state and what to do about it. Throws on a second submit: ask `isIdle`. */
export function stepSession(session: Session, input: SessionInput): SessionEffect[] {
  switch (input.kind) {
    case "submit":
      return onSubmit(
        session,
        input.operation,
        input.first ?? primaryOf(input.view, session.options.n),
      );
    case "reply":
      return onReply(session, input.from, input.reply);
    case "timeout":
      return onTimeout(session);
    case "abandon":
      session.outstanding = undefined;
      return [{ kind: "cancel-timer" }];
    default:
      return input satisfies never;
  }
}

export function isIdle(session: Session): boolean {
  return session.outstanding === undefined;
}

function onSubmit(session: Session, operation: Uint8Array, first: ReplicaId): SessionEffect[] {
  assert(session.outstanding === undefined, "session: a request is outstanding");
  assert(first >= 0 && first < session.options.n, `session: no replica ${first}`);
  session.timestamp += 1;
  const request = authenticated(session, session.timestamp, operation);
  session.outstanding = { request, retryMs: RETRY_MS, replies: new Map() };
  return [
    { kind: "send", to: [first], request },
    { kind: "set-timer", delayMs: RETRY_MS },
  ];
}

function authenticated(session: Session, timestamp: number, operation: Uint8Array): Request {
  const { cluster, client, keyring } = session.options;
  const bytes = requestBytes(cluster, { client, timestamp, operation });
  const macs = session.replicas.map((replica) => keyring.mac(replica, bytes));
  return {
    kind: "request",
    client,
    timestamp,
    operation,
    authenticator: Uint8Array.from(Buffer.concat(macs)),
    signature: keyring.sign(bytes),
  };
}

function onTimeout(session: Session): SessionEffect[] {
  const { outstanding } = session;
  if (outstanding === undefined) return [];
  outstanding.retryMs = Math.min(2 * outstanding.retryMs, RETRY_MS_MAX);
  return [
    { kind: "send", to: session.replicas, request: outstanding.request },
    { kind: "set-timer", delayMs: outstanding.retryMs },
  ];
}

function onReply(session: Session, from: PrincipalId, reply: Reply): SessionEffect[] {
  const { outstanding } = session;
  if (from !== reply.replica) return [{ kind: "ignored", reason: "not-the-sender" }];
  if (outstanding === undefined) return [{ kind: "ignored", reason: "idle" }];
  if (
    reply.client !== session.options.client ||
    reply.timestamp !== outstanding.request.timestamp
  ) {
    return [{ kind: "ignored", reason: "other-request" }];
  }

  outstanding.replies.set(reply.replica, reply);
  const same = [...outstanding.replies.values()].filter((other) => isSameAnswer(other, reply));
  if (same.length < weakQuorumOf(session.options.n)) return [];

  session.outstanding = undefined;
  // One of the f+1 is correct and has been in the view it names, so the least of them is no liar's
  // dream of a far view; that a liar can hold it back costs one retry.
  const view = Math.min(...same.map((other) => other.view));
  return [
    { kind: "cancel-timer" },
    { kind: "done", timestamp: reply.timestamp, seq: reply.seq, result: reply.result, view },
  ];
}

function isSameAnswer(one: Reply, other: Reply): boolean {
  return one.seq === other.seq && Buffer.compare(one.result, other.result) === 0;
}
