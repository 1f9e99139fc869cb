// Liars: honest replicas with a filter on what they send. A liar signs with its own key only.

import { batchDigest } from "../digest.js";
import type { Message, PrePrepare, ReplicaId, ViewChange } from "../messages.js";
import { type Signable, signedBytes } from "../wire.js";
import type { Liar } from "./cluster.js";
import { modelKeyring } from "./model-keyring.js";
import type { Random } from "./random.js";

const KEPT_MAX = 40;
const OTHER_DIGEST = "ee".repeat(32);

export type LiarOptions = {
  id: ReplicaId;
  cluster: string;
  n: number;
  /** How often it lies where it could. */
  probability: number;
};

/** Equivocates, withholds, replays, hides certificates, corrupts data, asks for views of its own. */
export function createLiar(options: LiarOptions): Liar {
  const kept: Message[] = [];
  return ({ to, message }, random) => {
    if (to >= options.n && message.kind !== "reply") return undefined;
    if (kept.length < KEPT_MAX) kept.push(message);
    else kept[random.below(KEPT_MAX)] = message;
    if (!random.chance(options.probability)) return undefined;
    if (random.chance(0.15)) return [];
    if (random.chance(0.1)) return [message, random.pick(kept)];
    return lie(options, message, random);
  };
}

function lie(options: LiarOptions, message: Message, random: Random): readonly Message[] {
  switch (message.kind) {
    case "pre-prepare":
      return [otherProposal(options, message, random)];
    case "prepare":
    case "commit":
      return [
        signed(options, { ...message, digest: OTHER_DIGEST }),
        ...votesAhead(options, message),
      ];
    case "checkpoint":
      return [signed(options, { ...message, digest: OTHER_DIGEST })];
    case "view-change":
      return [hiding(options, message, random)];
    case "new-view":
      return [signed(options, { ...message, prePrepares: message.prePrepares.slice(1) })];
    case "status":
      return [
        { ...message, executedSeq: message.executedSeq + random.below(50) },
        emptyViewChange(options, message.view + 1 + random.below(3)),
      ];
    case "data":
      return [{ ...message, bytes: corrupted(message.bytes, random) }];
    case "reply":
      return [{ ...message, result: Buffer.from("a lie") }];
    default:
      return [message];
  }
}

function signed<M extends Signable & Message>(options: LiarOptions, message: M): M {
  const bytes = signedBytes(options.cluster, message);
  return { ...message, signature: modelKeyring(options.id).sign(bytes) };
}

function otherProposal(options: LiarOptions, message: PrePrepare, random: Random): PrePrepare {
  if (message.view % options.n !== options.id) return message; // it cannot sign for another
  const requests = random.chance(0.5) ? [] : [...message.requests].reverse().slice(0, 2);
  return signed(options, { ...message, requests, digest: batchDigest(requests) });
}

function votesAhead(options: LiarOptions, message: Message): Message[] {
  if (message.kind !== "prepare" && message.kind !== "commit") return [];
  return [
    signed(options, { ...message, seq: message.seq + 3, digest: OTHER_DIGEST }),
    signed(options, { ...message, seq: message.seq + 1_000_000 }),
    signed(options, { ...message, view: message.view + 1 }),
  ];
}

/** Shows fewer certificates than it holds, or one twice. */
function hiding(options: LiarOptions, message: ViewChange, random: Random): ViewChange {
  const { prepared } = message;
  if (random.chance(0.5)) return signed(options, { ...message, prepared: prepared.slice(0, -1) });
  if (random.chance(0.5))
    return signed(options, { ...message, prepared: [...prepared, ...prepared] });
  const forged = prepared.map((certificate) => ({ ...certificate, digest: OTHER_DIGEST }));
  const relabelled = forged.map((certificate) => ({
    ...certificate,
    prepares: certificate.prepares.map((prepare) => ({ ...prepare, digest: OTHER_DIGEST })),
  }));
  return signed(options, { ...message, prepared: relabelled });
}

function emptyViewChange(options: LiarOptions, view: number): ViewChange {
  return signed(options, {
    kind: "view-change",
    view,
    replica: options.id,
    stableSeq: 0,
    stableProof: [],
    prepared: [],
    signature: new Uint8Array(64),
  });
}

function corrupted(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes); // the slice of a Buffer would share its memory
  if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
  return copy;
}
