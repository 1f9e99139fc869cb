// A PBFT replica as a pure machine: createReplica, recover once, then step for every input. Handlers
// record facts; `advance` then draws, in one fixed order, everything that follows from them.
// Source: Castro & Liskov, OSDI '99 and TOCS '02; deviations are listed in node/README.md.

import { onCheckpoint, onCheckpointProof } from "./checkpoint.js";
import { executeNext, onCommitCertificate } from "./execution.js";
import { onData, onFetch, updateFetch } from "./fetch.js";
import type { LogRecord } from "./log.js";
import type { Message, PrincipalId } from "./messages.js";
import { adoptPending, announceNewView, onNewView } from "./new-view.js";
import { onCommit, onPrePrepare, onPrepare, propose } from "./normal-case.js";
import { Outbox } from "./outbox.js";
import { replay } from "./recovery.js";
import { onRequest } from "./request.js";
import { onStatus, onTimeout, sendEarlyStatus, startStatus } from "./retransmission.js";
import {
  createState,
  highWatermark,
  ignored,
  lowWatermark,
  type Outcome,
  type Replica,
  type ReplicaOptions,
} from "./state.js";
import { advanceTransfer } from "./state-transfer.js";
import type { Effect, Input, ReplicaStatus } from "./step.js";
import { joinViewChange, onViewChange, updateViewTimer } from "./view-change.js";
import { completeLog, resignIfForgotten } from "./votes-ahead.js";

export type { Replica } from "./state.js";

/** Throws where n is not 3f+1. Nothing happens before `recover`. */
export function createReplica(options: ReplicaOptions): Replica {
  return createState(options);
}

/** Called once, with the records of the log in order (none at the first start). Arms the timers. */
export function recover(replica: Replica, records: readonly LogRecord[]): Effect[] {
  const out = new Outbox(replica);
  replay(replica, records, out);
  startStatus(replica, out);
  resignIfForgotten(replica, out);
  advance(replica, out);
  return out.effects;
}

/** Mutates the replica; the same inputs in the same order give the same effects. */
export function step(replica: Replica, input: Input): Effect[] {
  const out = new Outbox(replica);
  if (input.kind === "stop") {
    completeLog(replica, out);
    return out.effects;
  }
  if (input.kind === "timeout") {
    onTimeout(replica, input.timer, out);
  } else {
    const outcome = onMessage(replica, input.from, input.message, out);
    if (outcome.kind === "ignored") out.ignored(input.message.kind, input.from, outcome.reason);
  }
  advance(replica, out);
  return out.effects;
}

export function statusOf(replica: Replica): ReplicaStatus {
  return {
    replica: replica.id,
    view: replica.view,
    viewActive: replica.viewActive,
    executedSeq: replica.executedSeq,
    stableSeq: replica.stable.seq,
    stableDigest: replica.stable.digest,
    lowWatermark: lowWatermark(replica),
    highWatermark: highWatermark(replica),
    transferring: replica.transfer !== undefined,
  };
}

function onMessage(replica: Replica, from: PrincipalId, message: Message, out: Outbox): Outcome {
  if (from === replica.id) return ignored("from-ourselves");
  if (message.kind === "request") return onRequest(replica, from, message, out);
  if (from >= replica.config.n) return ignored("not-a-replica");
  switch (message.kind) {
    case "reply":
      return ignored("for-a-client");
    case "pre-prepare":
      return onPrePrepare(replica, message, out);
    case "prepare":
      return onPrepare(replica, from, message, out);
    case "commit":
      return onCommit(replica, from, message, out);
    case "checkpoint":
      return onCheckpoint(replica, from, message, out);
    case "view-change":
      return onViewChange(replica, from, message);
    case "new-view":
      return onNewView(replica, from, message, out);
    case "status":
      return onStatus(replica, from, message, out);
    case "fetch":
      return onFetch(replica, from, message, out);
    case "data":
      return onData(replica, from, message, out);
    case "checkpoint-proof":
      return onCheckpointProof(replica, message, out);
    case "commit-certificate":
      return onCommitCertificate(replica, message);
    default:
      message satisfies never;
      return ignored("unknown");
  }
}

/** Everything that follows from what is known, until nothing more does. */
function advance(replica: Replica, out: Outbox): void {
  while (
    joinViewChange(replica, out) ||
    announceNewView(replica, out) ||
    adoptPending(replica, out) ||
    executeNext(replica, out) ||
    advanceTransfer(replica, out) ||
    propose(replica, out)
  );
  updateViewTimer(replica, out);
  updateFetch(replica, out);
  sendEarlyStatus(replica, out);
}
