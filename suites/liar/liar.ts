// A liar, in the simulation and in a real process: the honest replica with a filter on what it sends, and
// a forge that holds its own keyring only. Which lies, and how often, is data of the fault list; the lies
// themselves stand in lies-of-*.ts.

import type { Lie } from "../../nemesis/faults.js";
import type { Random } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import { HEADER_BYTES } from "../../node/core/datagram.js";
import { type Keyring, MAC_BYTES } from "../../node/core/keyring.js";
import type { Message, PrincipalId } from "../../node/core/messages.js";
import type { LiarCodec } from "../../node/runtime/lying.js";
import type { Forge, Plot, Said } from "./forge.js";
import { garbage, madeUpRequest, wrongData, wrongReply } from "./lies-of-data.js";
import { badProposal, equivocation, plottedVote, proposalOfBackup } from "./lies-of-proposals.js";
import { falseNewView, falseViewChange } from "./lies-of-views.js";
import {
  flood,
  forgedCertificate,
  NEVER_WHOLE_BYTES,
  otherBody,
  otherVotes,
  votesOfOthers,
} from "./lies-of-votes.js";

/** Messages that a liar remembers, to say them again. */
const REMEMBERED = 64;
const OTHER_DIGEST = "ee".repeat(32);
/** Where a datagram of fragments has what: node/core/datagram.ts. */
const FRAME_AT = HEADER_BYTES;
const FRAGMENT = 1;
const DIGEST_AT = FRAME_AT + 3;
const DIGEST_BYTES = 16;
const TOTAL_AT = DIGEST_AT + 16;
const INDEX_AT = DIGEST_AT + 22;
const BYTES_AT = DIGEST_AT + 24;

export type ToldLie = { lie: Lie; percent: number };

type Chance = {
  random: Random;
  plot: Plot;
  /** Whether the lie of this name is told. */
  happens: (name: string) => boolean;
};

export class Liar {
  readonly #forge: Forge;
  readonly #random: Random;
  readonly #codec: LiarCodec;
  readonly #happens: (name: string) => boolean;
  /** Lies thought of so far, told or not. */
  #thought = 0;
  readonly #keyring: Keyring;
  readonly #old: Message[] = [];
  /** Messages, by receiver and digest, of which a wrong first fragment was sent. */
  readonly #poisoned = new Set<string>();
  /** Lies that were told, by kind. */
  readonly told = new Map<Lie, number>();

  constructor(
    codec: LiarCodec,
    config: Pick<ProtocolConfig, "cluster" | "n" | "checkpointInterval">,
    keyring: Keyring,
    { random, plot, happens }: Chance,
  ) {
    this.#happens = happens;
    this.#codec = codec;
    this.#keyring = keyring;
    this.#random = random;
    this.#forge = {
      id: keyring.principal,
      n: config.n,
      checkpointInterval: config.checkpointInterval,
      random,
      old: this.#old,
      plot,
      batchDigest: codec.batchDigest,
      signed: (message) => {
        const bytes = codec.signedBytes(config.cluster, message);
        return { ...message, signature: keyring.sign(bytes) };
      },
    };
  }

  /** What it sends to `to` in place of these messages. */
  filter(
    to: PrincipalId,
    messages: readonly Uint8Array[],
    lies: readonly ToldLie[],
  ): readonly Uint8Array[] {
    return messages.flatMap((bytes) => {
      const message = this.#codec.decodeMessage(bytes);
      if (message === undefined) return [bytes];
      let said: Said = [message];
      for (const { lie, percent } of lies) {
        if (!this.#random.chance(percent / 100)) continue;
        const lied = this.#lie(lie, to, message);
        if (lied === undefined || !this.#tells(lie)) continue;
        said = lied;
      }
      this.#remember(message);
      return said.map((one) => {
        if (one instanceof Uint8Array) return one;
        return one === message ? bytes : this.#codec.encodeMessage(one);
      });
    });
  }

  /** What it sends in place of a datagram; undefined: nothing. */
  spoil(to: PrincipalId, datagram: Uint8Array, lies: readonly ToldLie[]): Uint8Array | undefined {
    if (datagram[FRAME_AT] !== FRAGMENT) return datagram;
    const view = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const isFirst = view.readUInt16BE(INDEX_AT) === 0;
    if (isFirst && view.readUInt32BE(TOTAL_AT) === NEVER_WHOLE_BYTES) return undefined;
    const poison = lies.find(({ lie }) => lie === "poison-fragments");
    if (poison === undefined) return datagram;
    const message = `${to} ${view.toString("latin1", DIGEST_AT, DIGEST_AT + DIGEST_BYTES)}`;
    if (!isFirst) return this.#poisoned.has(message) ? undefined : datagram;
    if (!this.#random.chance(poison.percent / 100) || !this.#tells("poison-fragments")) {
      this.#poisoned.delete(message);
      return datagram;
    }
    this.#poisoned.add(message);
    const spoiled = Uint8Array.from(datagram);
    spoiled[BYTES_AT] = (spoiled[BYTES_AT] ?? 0) ^ 1;
    const content = spoiled.subarray(0, spoiled.length - MAC_BYTES);
    spoiled.set(this.#keyring.mac(to, content), content.length);
    return spoiled;
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
        if (message.kind === "status") return forgedCertificate(forge, message);
        return message.kind === "commit-certificate" ? otherBody(forge, message) : undefined;
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
        return garbage(forge, message, this.#codec.encodeMessage);
      case "poison-fragments":
        return undefined; // Of datagrams: see spoil.
      case "mute":
        return [];
      default:
        return lie satisfies never;
    }
  }

  /** Whether the next lie is told; then it is counted. */
  #tells(lie: Lie): boolean {
    if (!this.#happens(`r${this.#forge.id}!${this.#thought++}`)) return false;
    this.told.set(lie, (this.told.get(lie) ?? 0) + 1);
    return true;
  }

  #remember(message: Message): void {
    if (this.#old.length < REMEMBERED) this.#old.push(message);
    else this.#old[this.#random.int(REMEMBERED)] = message;
  }
}
