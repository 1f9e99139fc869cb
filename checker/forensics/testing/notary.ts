// Writes and signs what replicas of a made-up cluster say, by the format that statement.ts describes.

import { createHash } from "node:crypto";
import { getPublicKey, sign } from "@noble/ed25519";
import "../ed25519.js"; // It gives the library its hash.
import type { Signers } from "../journals.js";
import type { StatementKind } from "../statement.js";

export const CLUSTER = "00112233aabbccdd";
const OF_REPLICAS = 4;
const TAGS: Readonly<Record<StatementKind, number>> = {
  "pre-prepare": 3,
  prepare: 4,
  commit: 5,
  checkpoint: 6,
  "view-change": 7,
  "new-view": 8,
};

/** What is said; a view where the kind has one, and a seq. `about` stands for the batch or the state. */
export type Said = {
  signer: number;
  kind: StatementKind;
  view?: number;
  seq?: number;
  about: string;
  cluster?: string;
  /** Whose key signs; absent: the signer's own. */
  key?: number;
};

export const SIGNERS: Signers = {
  cluster: CLUSTER,
  replicas: Array.from({ length: OF_REPLICAS }, (_, id) => {
    return { name: `r${id}`, signingKey: Buffer.from(getPublicKey(secretOf(id))).toString("hex") };
  }),
};

function secretOf(replica: number): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(`secret of ${replica}`).digest());
}

export function digestOf(about: string): string {
  return createHash("sha256").update(about).digest("hex");
}

/** The line of a journal, as an object. */
export function entry({ signer, kind, view, seq, about, cluster = CLUSTER, key = signer }: Said) {
  const digest = digestOf(about);
  const bytes = Buffer.concat([
    Buffer.from(cluster, "hex"),
    Buffer.of(TAGS[kind]),
    ...[view, seq].map((each) => (each === undefined ? Buffer.alloc(0) : integer(each))),
    // A view-change and a new-view name their replica first.
    ...(seq === undefined ? [Buffer.of(signer)] : []),
    Buffer.from(digest, "hex"),
    ...(seq === undefined || kind === "pre-prepare" ? [] : [Buffer.of(signer)]),
  ]);
  const signature = Buffer.from(sign(Uint8Array.from(bytes), secretOf(key))).toString("hex");
  return { signer, kind, view, seq, digest, bytes: bytes.toString("hex"), signature };
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function line(said: Said): string {
  return JSON.stringify(entry(said));
}
