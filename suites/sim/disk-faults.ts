// What is wrong with a modelled disk now, and what a power cut takes. Drawn from the node's own forks of
// the seed, so that one disk's bad luck moves nobody else's.

/** Absent fields mean: nothing is wrong. */
export type DiskFlaws = {
  /** Mean of the exponential latency of a write and of a sync, µs. */
  writeUs: number;
  syncUs: number;
  /** No byte can be added. */
  full: boolean;
  /** No file can be opened, for want of descriptors. */
  noneOpens: boolean;
  /** Writes, reads or syncs fail with EIO. */
  failing: "none" | "write" | "read" | "sync";
};

export const SOUND: DiskFlaws = {
  writeUs: 10,
  syncUs: 150,
  full: false,
  noneOpens: false,
  failing: "none",
};

/** What flaws have done so far: names as nemesis/host/disk counts them. */
export type DiskBites = {
  writesFailed: number;
  readsFailed: number;
  syncsFailed: number;
  refusedForSpace: number;
  slowed: number;
};

export const NO_BITES: DiskBites = {
  writesFailed: 0,
  readsFailed: 0,
  syncsFailed: 0,
  refusedForSpace: 0,
  slowed: 0,
};

/** The error of a system call, as node:fs throws it. */
export function systemError(code: "EIO" | "ENOSPC" | "ENOENT" | "EMFILE", call: string): Error {
  return Object.assign(new Error(`${code}: ${call}`), { code });
}
