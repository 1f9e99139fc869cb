// The arithmetic of n = 3f+1. Every count that decides something in the protocol comes from here.
// Source: Castro & Liskov, OSDI '99 §2 and §4.

import assert from "node:assert";
import type { ReplicaId, View } from "./messages.js";

/** The most replicas the codec can number (a replica id is one byte). */
export const REPLICAS_MAX = 255;

/** f, the faults that n replicas tolerate; throws where n is not 3f+1 for an f of at least 1. */
export function faultsTolerated(n: number): number {
  const f = (n - 1) / 3;
  assert(Number.isInteger(f) && f >= 1 && n <= REPLICAS_MAX, `n = ${n} is not 3f+1`);
  return f;
}

/** 2f+1: any two quorums share a correct replica. */
export function quorumOf(n: number): number {
  return 2 * faultsTolerated(n) + 1;
}

/** f+1: at least one correct replica is among them. */
export function weakQuorumOf(n: number): number {
  return faultsTolerated(n) + 1;
}

/** 2f: prepares of distinct backups that, with the pre-prepare, make a slot prepared. */
export function preparesNeeded(n: number): number {
  return 2 * faultsTolerated(n);
}

export function primaryOf(view: View, n: number): ReplicaId {
  return view % n;
}
