// Messages on their way in, piece by piece. Memory is bounded for each peer and for all together:
// the oldest message of the peer that holds most makes room, so a liar evicts its own first.

import { createHash } from "node:crypto";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "./messages.js";

/** Bytes of unfinished messages that are kept. */
export type ReassemblyLimits = {
  /** For one replica; as much as the largest message takes, or that one never gets through. */
  replica: number;
  /** For one client process. */
  client: number;
  all: number;
};

export const REASSEMBLY_LIMITS: ReassemblyLimits = {
  replica: 26 * 1024 * 1024,
  client: 128 * 1024,
  all: 64 * 1024 * 1024,
};
/** What a kept fragment is counted for beyond its bytes, and a message beyond its fragments. */
const FRAGMENT_OVERHEAD_BYTES = 128;
const ASSEMBLY_OVERHEAD_BYTES = 512;

export type Fragment = {
  /** First 16 bytes of the SHA-256 of the whole message, as latin1. */
  digest: string;
  /** Bytes of the whole message, above `stride`. */
  total: number;
  /** Bytes of every fragment but the last. */
  stride: number;
  index: number;
  bytes: Uint8Array;
};

type Assembly = {
  total: number;
  stride: number;
  /** Copies, by index. */
  readonly parts: Map<number, Uint8Array>;
  bytes: number;
};

/** `assemblies` is in order of age. */
type Peer = { readonly assemblies: Map<string, Assembly>; bytes: number };

export type Reassembly = {
  readonly limits: ReassemblyLimits;
  readonly peers: Map<PrincipalId, Peer>;
  bytes: number;
  /** Unfinished messages that had to make room. */
  evicted: number;
};

export function createReassembly(limits: ReassemblyLimits = REASSEMBLY_LIMITS): Reassembly {
  return { limits, peers: new Map(), bytes: 0, evicted: 0 };
}

/**
 * Takes an authenticated peer's fragment (well-formed by itself) and gives the message it completes.
 * "mixed-fragments": the peer contradicts itself; its message is forgotten.
 */
export function reassemble(
  reassembly: Reassembly,
  from: PrincipalId,
  fragment: Fragment,
): Uint8Array | "incomplete" | "mixed-fragments" {
  const peer = reassembly.peers.get(from) ?? { assemblies: new Map(), bytes: 0 };
  reassembly.peers.set(from, peer);
  const { digest, total, stride, index } = fragment;
  let assembly = peer.assemblies.get(digest);
  if (assembly === undefined) {
    assembly = { total, stride, parts: new Map(), bytes: 0 };
    peer.assemblies.set(digest, assembly);
    account(reassembly, peer, assembly, ASSEMBLY_OVERHEAD_BYTES);
  }
  if (assembly.total !== total || assembly.stride !== stride) {
    forget(reassembly, peer, digest, assembly);
    return "mixed-fragments";
  }
  if (!assembly.parts.has(index)) {
    assembly.parts.set(index, Uint8Array.from(fragment.bytes));
    account(reassembly, peer, assembly, fragment.bytes.length + FRAGMENT_OVERHEAD_BYTES);
  }
  if (assembly.parts.size === Math.ceil(total / stride)) {
    forget(reassembly, peer, digest, assembly);
    return whole(assembly, digest);
  }
  makeRoom(reassembly, from, peer);
  return "incomplete";
}

function whole(assembly: Assembly, digest: string): Uint8Array | "mixed-fragments" {
  const message = Buffer.allocUnsafe(assembly.total);
  for (const [index, bytes] of assembly.parts) message.set(bytes, index * assembly.stride);
  const actual = createHash("sha256").update(message).digest();
  return actual.toString("latin1", 0, 16) === digest ? message : "mixed-fragments";
}

function makeRoom(reassembly: Reassembly, from: PrincipalId, peer: Peer): void {
  const { replica, client, all } = reassembly.limits;
  const peerBytesMax = from < CLIENT_PRINCIPAL_MIN ? replica : client;
  while (peer.bytes > peerBytesMax) evictOldest(reassembly, peer);
  while (reassembly.bytes > all) {
    let largest = peer;
    for (const other of reassembly.peers.values()) if (other.bytes > largest.bytes) largest = other;
    evictOldest(reassembly, largest);
  }
}

function evictOldest(reassembly: Reassembly, peer: Peer): void {
  for (const [digest, assembly] of peer.assemblies) {
    forget(reassembly, peer, digest, assembly);
    reassembly.evicted += 1;
    return;
  }
}

function forget(reassembly: Reassembly, peer: Peer, digest: string, assembly: Assembly): void {
  peer.assemblies.delete(digest);
  account(reassembly, peer, assembly, -assembly.bytes);
}

function account(reassembly: Reassembly, peer: Peer, assembly: Assembly, bytes: number): void {
  assembly.bytes += bytes;
  peer.bytes += bytes;
  reassembly.bytes += bytes;
}
