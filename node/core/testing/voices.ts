// One replica under test, and the voices of the others: messages signed with their modelled keys, true
// or not. What a test sends is what a faulty or honest peer could send.

import { PROTOCOL_DEFAULTS, type ProtocolConfig } from "../config.js";
import { batchDigest, sha256 } from "../digest.js";
import type { LogRecord } from "../log.js";
import type {
  Checkpoint,
  Commit,
  CommitCertificate,
  Digest,
  Message,
  MessageKind,
  NewView,
  PrePrepare,
  Prepare,
  PreparedCertificate,
  PrincipalId,
  ReplicaId,
  Request,
  Seq,
  View,
  ViewChange,
} from "../messages.js";
import { createReplica, type Replica, recover, step } from "../replica.js";
import type { Effect } from "../step.js";
import { encodeMessage, type Signable, signedBytes } from "../wire.js";
import { type ModelKeyring, modelKeyring } from "./model-keyring.js";
import { modelRequest } from "./model-request.js";
import { type ModelStateMachine, modelStateMachine } from "./model-state-machine.js";

export const CLIENT = 256 * 65536;

export type Subject = {
  replica: Replica;
  keyring: ModelKeyring;
  stateMachine: ModelStateMachine;
  config: ProtocolConfig;
};

export function createSubject(
  id: ReplicaId,
  overrides: Partial<ProtocolConfig> = {},
  records: readonly LogRecord[] = [],
): Subject {
  const config: ProtocolConfig = {
    cluster: "00112233445566aa",
    n: 4,
    ...PROTOCOL_DEFAULTS,
    checkpointInterval: 4,
    window: 8,
    statusIntervalMs: 1_000, // longer than the view time-out: tests fire timers by hand
    ...overrides,
  };
  const keyring = modelKeyring(id);
  const stateMachine = modelStateMachine(() => undefined);
  const replica = createReplica({ id, config, keyring, stateMachine, hollow: false });
  recover(replica, records);
  return { replica, keyring, stateMachine, config };
}

export function tell(subject: Subject, from: PrincipalId, message: Message): Effect[] {
  return step(subject.replica, { kind: "message", from, message });
}

/** The messages of a kind that the effects send. */
export function sentOf(effects: readonly Effect[], kind: MessageKind): Message[] {
  return effects.flatMap((effect) =>
    effect.kind === "send" && effect.message.kind === kind ? [effect.message] : [],
  );
}

/** Why the message was refused, or undefined where it was not. */
export function reasonOf(effects: readonly Effect[]): string | undefined {
  for (const effect of effects) {
    if (effect.kind === "event" && effect.event.kind === "ignored") return effect.event.reason;
  }
  return undefined;
}

/** What the others say. `config` must be the subject's. */
export class Voices {
  readonly config: ProtocolConfig;

  constructor(config: ProtocolConfig) {
    this.config = config;
  }

  signed<M extends Signable>(signer: ReplicaId, message: M): M & { signature: Uint8Array } {
    const bytes = signedBytes(this.config.cluster, message);
    return { ...message, signature: modelKeyring(signer).sign(bytes) };
  }

  request(session: number, timestamp: number, operation = "op"): Request {
    return modelRequest(this.config, CLIENT + session, timestamp, operation);
  }

  prePrepare(view: View, seq: Seq, requests: readonly Request[]): PrePrepare {
    const digest = batchDigest(requests);
    const about = { kind: "pre-prepare" as const, view, seq, digest };
    return { ...this.signed(view % this.config.n, about), requests };
  }

  prepare(replica: ReplicaId, view: View, seq: Seq, digest: Digest): Prepare {
    return this.signed(replica, { kind: "prepare", view, seq, digest, replica });
  }

  commit(replica: ReplicaId, view: View, seq: Seq, digest: Digest): Commit {
    return this.signed(replica, { kind: "commit", view, seq, digest, replica });
  }

  checkpoint(replica: ReplicaId, seq: Seq, digest: Digest): Checkpoint {
    return this.signed(replica, { kind: "checkpoint", seq, digest, replica });
  }

  commitCertificate(
    view: View,
    seq: Seq,
    requests: readonly Request[],
    voters: readonly ReplicaId[],
  ): CommitCertificate {
    const digest = batchDigest(requests);
    const commits = voters.map((voter) => this.commit(voter, view, seq, digest));
    return { kind: "commit-certificate", view, seq, digest, requests, commits };
  }

  prepared(
    view: View,
    seq: Seq,
    digest: Digest,
    voters: readonly ReplicaId[],
  ): PreparedCertificate {
    const about = { kind: "pre-prepare" as const, view, seq, digest };
    return {
      view,
      seq,
      digest,
      prePrepareSignature: this.signed(view % this.config.n, about).signature,
      prepares: voters.map((voter) => this.prepare(voter, view, seq, digest)),
    };
  }

  viewChange(
    replica: ReplicaId,
    view: View,
    prepared: readonly PreparedCertificate[] = [],
    stable: readonly Checkpoint[] = [],
  ): ViewChange {
    const stableSeq = stable[0]?.seq ?? 0;
    const kind = "view-change" as const;
    return this.signed(replica, { kind, view, replica, stableSeq, stableProof: stable, prepared });
  }

  newView(
    view: View,
    viewChanges: readonly ViewChange[],
    proposals: readonly { seq: Seq; digest: Digest }[],
  ): NewView {
    const replica = view % this.config.n;
    const named = viewChanges.map((one) => ({
      replica: one.replica,
      digest: sha256(encodeMessage(one)),
    }));
    const prePrepares = proposals.map(({ seq, digest }) => {
      const about = { kind: "pre-prepare" as const, view, seq, digest };
      return { seq, digest, signature: this.signed(replica, about).signature };
    });
    return this.signed(replica, {
      kind: "new-view",
      view,
      replica,
      viewChanges: named,
      prePrepares,
    });
  }
}
