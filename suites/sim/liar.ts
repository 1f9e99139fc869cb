// A liar in the simulation: the honest replica with a filter on what it sends, and a forge that holds its
// own keyring only. Which lies, and how often, is data of the fault list.

import type { Lie } from "../../nemesis/faults.js";
import type { Random } from "../../nemesis/random.js";
import type { Keyring } from "../../node/core/keyring.js";
import type {
  Checkpoint,
  Commit,
  Digest,
  Message,
  NewView,
  PrePrepare,
  Prepare,
  PrincipalId,
  ReplicaId,
  ViewChange,
} from "../../node/core/messages.js";
import { primaryOf } from "../../node/core/quorum.js";
import type { NodeBuild } from "./node-build.js";

/** What liars have agreed on: by view and seq, which batch replicas of even and of odd number are shown. */
export type Plot = Map<string, { even: Digest; odd: Digest }>;

/** Messages that a liar remembers, to say them again. */
const REMEMBERED = 64;
const OTHER_DIGEST = "ee".repeat(32);

type Signed = PrePrepare | Prepare | Commit | Checkpoint | ViewChange | NewView;

export class Liar {
  readonly #build: NodeBuild;
  readonly #cluster: string;
  readonly #n: number;
  readonly #id: ReplicaId;
  readonly #keyring: Keyring;
  readonly #random: Random;
  readonly #plot: Plot;
  readonly #old: Message[] = [];
  /** Lies that were told, by kind. */
  readonly told = new Map<Lie, number>();

  constructor(
    build: NodeBuild,
    { cluster, n }: { cluster: string; n: number },
    keyring: Keyring,
    random: Random,
    plot: Plot,
  ) {
    this.#build = build;
    this.#cluster = cluster;
    this.#n = n;
    this.#id = keyring.principal;
    this.#keyring = keyring;
    this.#random = random;
    this.#plot = plot;
  }

  /** What it sends to `to` in place of these messages. */
  filter(
    to: PrincipalId,
    messages: readonly Uint8Array[],
    lies: readonly { lie: Lie; percent: number }[],
  ): readonly Uint8Array[] {
    return messages.flatMap((bytes) => {
      const message = this.#build.decodeMessage(bytes);
      if (message === undefined) return [bytes];
      let said: readonly Message[] = [message];
      for (const { lie, percent } of lies) {
        if (!this.#random.chance(percent / 100)) continue;
        const lied = this.#lie(lie, to, message);
        if (lied === undefined) continue;
        said = lied;
        this.told.set(lie, (this.told.get(lie) ?? 0) + 1);
      }
      this.#remember(message);
      return said.map((one) => (one === message ? bytes : this.#build.encodeMessage(one)));
    });
  }

  /** Undefined where this lie has nothing to say about this message. */
  #lie(lie: Lie, to: PrincipalId, message: Message): readonly Message[] | undefined {
    switch (lie) {
      case "equivocate":
        if (message.kind === "pre-prepare") return this.#otherProposal(to, message);
        return message.kind === "prepare" || message.kind === "commit"
          ? this.#plottedVote(to, message)
          : undefined;
      case "double-vote":
        return message.kind === "prepare" || message.kind === "commit"
          ? this.#otherVotes(message)
          : undefined;
      case "forge-view-change":
        return this.#falseViewChange(message);
      case "forge-new-view":
        if (message.kind !== "new-view") return undefined;
        return [this.#signed({ ...message, prePrepares: message.prePrepares.slice(1) })];
      case "wrong-checkpoint":
        if (message.kind !== "checkpoint") return undefined;
        return [this.#signed({ ...message, digest: OTHER_DIGEST })];
      case "wrong-data":
        if (message.kind !== "data") return undefined;
        return [{ ...message, bytes: this.#spoiled(message.bytes) }];
      case "forge-sender":
        return this.#asAnother(message);
      case "replay":
        return this.#old.length === 0 ? undefined : [message, this.#random.pick(this.#old)];
      case "wrong-reply":
        if (message.kind !== "reply") return undefined;
        return [{ ...message, result: this.#spoiled(message.result) }];
      case "mute":
        return [];
      default:
        return lie satisfies never;
    }
  }

  /** Half of the replicas get the batch, the others another one, both under a true signature. */
  #otherProposal(to: PrincipalId, message: PrePrepare): readonly Message[] | undefined {
    if (primaryOf(message.view, this.#n) !== this.#id || to % 2 === 0) return undefined;
    const requests = message.requests.slice(1);
    if (requests.length === message.requests.length) return undefined;
    const digest = this.#build.batchDigest(requests);
    this.#plot.set(`${message.view} ${message.seq}`, { even: message.digest, odd: digest });
    return [this.#signed({ ...message, requests, digest })];
  }

  /** Tells everybody that it votes for the batch that they were shown. */
  #plottedVote(to: PrincipalId, message: Prepare | Commit): readonly Message[] | undefined {
    const shown = this.#plot.get(`${message.view} ${message.seq}`);
    const digest = to % 2 === 0 ? shown?.even : shown?.odd;
    if (digest === undefined || digest === message.digest) return undefined;
    return [this.#signed({ ...message, digest })];
  }

  #otherVotes(message: Prepare | Commit): readonly Message[] {
    const ahead = message.seq + 1 + this.#random.int(4);
    return [
      message,
      this.#signed({ ...message, digest: OTHER_DIGEST }),
      this.#signed({ ...message, seq: ahead, digest: OTHER_DIGEST }),
      this.#signed({ ...message, view: message.view + 1 }),
    ];
  }

  #falseViewChange(message: Message): readonly Message[] | undefined {
    if (message.kind === "status") {
      const { view } = message;
      const asked: ViewChange = {
        kind: "view-change",
        view: view + 1 + this.#random.int(3),
        replica: this.#id,
        stableSeq: 0,
        stableProof: [],
        prepared: [],
        signature: new Uint8Array(64),
      };
      return [message, this.#signed(asked)];
    }
    if (message.kind !== "view-change" || message.replica !== this.#id) return undefined;
    const { prepared } = message;
    const forged = prepared.map((certificate) => ({
      ...certificate,
      digest: OTHER_DIGEST,
      prepares: certificate.prepares.map((prepare) => ({ ...prepare, digest: OTHER_DIGEST })),
    }));
    const choice = this.#random.pick([
      prepared.slice(0, -1),
      [],
      [...prepared, ...prepared],
      forged,
    ]);
    return [this.#signed({ ...message, prepared: choice })];
  }

  /** The same vote in the name of everybody else; nobody else's signature is at hand. */
  #asAnother(message: Message): readonly Message[] | undefined {
    if (message.kind !== "prepare" && message.kind !== "commit" && message.kind !== "checkpoint") {
      return undefined;
    }
    const others = Array.from({ length: this.#n }, (_, id) => id).filter((id) => id !== this.#id);
    return [message, ...others.map((replica) => this.#signed({ ...message, replica }))];
  }

  #signed<M extends Signed>(message: M): M {
    const bytes = this.#build.signedBytes(this.#cluster, message);
    return { ...message, signature: this.#keyring.sign(bytes) };
  }

  #spoiled(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes);
    if (copy.length > 0) copy[this.#random.int(copy.length)] = this.#random.int(256);
    return copy;
  }

  #remember(message: Message): void {
    if (this.#old.length < REMEMBERED) this.#old.push(message);
    else this.#old[this.#random.int(REMEMBERED)] = message;
  }
}
