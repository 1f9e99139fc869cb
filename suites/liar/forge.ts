// What a lie is made with: one replica's own key, its memory, and chance.

import type { Random } from "../../nemesis/random.js";
import type { Digest, Message, ReplicaId, Request, Seq } from "../../node/core/messages.js";
import type { Signable } from "../../node/core/wire.js";

/** Messages, or bytes that may be none. */
export type Said = readonly (Message | Uint8Array)[];

/** What liars have agreed on: by view and seq, which batch replicas of even and of odd number are shown. */
export type Plot = Map<string, { even: Digest; odd: Digest }>;

export type Forge = {
  readonly id: ReplicaId;
  readonly n: number;
  readonly checkpointInterval: Seq;
  readonly random: Random;
  /** Some of what it sent before. */
  readonly old: readonly Message[];
  readonly plot: Plot;
  batchDigest: (requests: readonly Request[]) => Digest;
  /** With its own key, whoever the message names. */
  signed: <M extends Signable>(message: M) => M & { signature: Uint8Array };
};

/** One of the remembered messages of this kind. */
export function remembered<Kind extends Message["kind"]>(
  { old, random }: Forge,
  kind: Kind,
): Extract<Message, { kind: Kind }> | undefined {
  const found = old.filter((message): message is Extract<Message, { kind: Kind }> => {
    return message.kind === kind;
  });
  return found.length === 0 ? undefined : random.pick(found);
}
