// A liar in the simulation: the honest replica with a filter on what it sends, and a forge that holds its
// own keyring only. Which lies, and how often, is data of the fault list; the lies themselves stand in
// lies-of-*.ts.

import type { Lie } from "../../nemesis/faults.js";
import type { Random } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import type { Keyring } from "../../node/core/keyring.js";
import type { Message, PrincipalId } from "../../node/core/messages.js";
import type { Forge, Plot, Said } from "./forge.js";
import { garbage, madeUpRequest, wrongData, wrongReply } from "./lies-of-data.js";
import { badProposal, equivocation, plottedVote, proposalOfBackup } from "./lies-of-proposals.js";
import { falseNewView, falseViewChange } from "./lies-of-views.js";
import { flood, forgedCertificate, otherVotes, votesOfOthers } from "./lies-of-votes.js";
import type { NodeBuild } from "./node-build.js";

/** Messages that a liar remembers, to say them again. */
const REMEMBERED = 64;
const OTHER_DIGEST = "ee".repeat(32);

export class Liar {
  readonly #forge: Forge;
  readonly #random: Random;
  readonly #build: NodeBuild;
  readonly #old: Message[] = [];
  /** Lies that were told, by kind. */
  readonly told = new Map<Lie, number>();

  constructor(
    build: NodeBuild,
    config: Pick<ProtocolConfig, "cluster" | "n" | "checkpointInterval">,
    keyring: Keyring,
    random: Random,
    plot: Plot,
  ) {
    this.#build = build;
    this.#random = random;
    this.#forge = {
      id: keyring.principal,
      n: config.n,
      checkpointInterval: config.checkpointInterval,
      random,
      old: this.#old,
      plot,
      batchDigest: build.batchDigest,
      signed: (message) => {
        const bytes = build.signedBytes(config.cluster, message);
        return { ...message, signature: keyring.sign(bytes) };
      },
    };
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
      let said: Said = [message];
      for (const { lie, percent } of lies) {
        if (!this.#random.chance(percent / 100)) continue;
        const lied = this.#lie(lie, to, message);
        if (lied === undefined) continue;
        said = lied;
        this.told.set(lie, (this.told.get(lie) ?? 0) + 1);
      }
      this.#remember(message);
      return said.map((one) => {
        if (one instanceof Uint8Array) return one;
        return one === message ? bytes : this.#build.encodeMessage(one);
      });
    });
  }

  /** Undefined where this lie has nothing to say about this message. */
  #lie(lie: Lie, to: PrincipalId, message: Message): Said | undefined {
    const forge = this.#forge;
    switch (lie) {
      case "equivocate":
        if (message.kind === "pre-prepare") return equivocation(forge, to, message);
        return message.kind === "prepare" || message.kind === "commit"
          ? plottedVote(forge, to, message)
          : undefined;
      case "bad-proposal":
        return message.kind === "pre-prepare" ? badProposal(forge, to, message) : undefined;
      case "propose-as-backup":
        return message.kind === "prepare" ? proposalOfBackup(forge, message) : undefined;
      case "double-vote":
        if (message.kind !== "prepare" && message.kind !== "commit") return undefined;
        return otherVotes(forge, message);
      case "forge-certificate":
        return message.kind === "status" ? forgedCertificate(forge, message) : undefined;
      case "forge-view-change":
        return falseViewChange(forge, message);
      case "forge-new-view":
        return message.kind === "new-view" ? falseNewView(forge, message) : undefined;
      case "wrong-checkpoint":
        if (message.kind !== "checkpoint") return undefined;
        return [forge.signed({ ...message, digest: OTHER_DIGEST })];
      case "wrong-data":
        return message.kind === "data" ? wrongData(forge, message) : undefined;
      case "forge-sender":
        return votesOfOthers(forge, message);
      case "forge-request":
        return message.kind === "status" ? madeUpRequest(forge, message) : undefined;
      case "replay":
        return this.#old.length === 0 ? undefined : [message, this.#random.pick(this.#old)];
      case "wrong-reply":
        return message.kind === "reply" ? wrongReply(forge, message) : undefined;
      case "flood":
        return message.kind === "status" ? flood(forge, message) : undefined;
      case "garbage":
        return garbage(forge, message, this.#build.encodeMessage);
      case "mute":
        return [];
      default:
        return lie satisfies never;
    }
  }

  #remember(message: Message): void {
    if (this.#old.length < REMEMBERED) this.#old.push(message);
    else this.#old[this.#random.int(REMEMBERED)] = message;
  }
}
