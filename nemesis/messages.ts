// Faults that choose among messages: what a datagram's header says is inside, and whether a rule means
// it. The header is read here as anybody on the wire may read it; it is described in
// node/core/datagram.ts and node/core/description.ts, and suites/cluster/messages.test.ts holds the two
// against each other.
//
// A rule means a datagram as a whole. Where messages share one, those beside the meant ones are struck
// with it; with the protocol number datagramMessagesMax = 1 every message travels alone.

import {
  MESSAGE_KINDS,
  type MessageEffect,
  type MessageKind,
  type MessageMatch,
} from "./faults.js";

/** Of the messages in one datagram. A range is empty where its lowest is above its highest. */
export type DatagramDescription = {
  /** A bit for each kind, in the order of MESSAGE_KINDS. */
  kinds: number;
  viewLowest: number;
  viewHighest: number;
  seqLowest: number;
  seqHighest: number;
};

/** Offsets from the start of a datagram, bytes; all numbers are big endian, ranges of four bytes. */
export const HEADER = {
  /** Magic and version: three bytes. */
  start: 0x4f52_02,
  /** Two bytes. */
  kinds: 23,
  viewLowest: 25,
  viewHighest: 29,
  seqLowest: 33,
  seqHighest: 37,
  bytes: 41,
} as const;

/** The largest number that a range holds; in an empty range it is the lowest. */
export const NUMBER_MAX = 0xffff_ffff;
/** Rules of packet filters count by having one rule for each of the first so many. */
export const FIRST_MAX = 32;

/** Undefined where the bytes do not begin as a datagram does. */
export function readDescription(bytes: Uint8Array): DatagramDescription | undefined {
  if (bytes.length < HEADER.bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) >>> 8 !== HEADER.start) return undefined;
  return {
    kinds: view.getUint16(HEADER.kinds),
    viewLowest: view.getUint32(HEADER.viewLowest),
    viewHighest: view.getUint32(HEADER.viewHighest),
    seqLowest: view.getUint32(HEADER.seqLowest),
    seqHighest: view.getUint32(HEADER.seqHighest),
  };
}

/** Whether the datagram carries what is meant; `first` is for those who count. */
export function matches(match: MessageMatch, datagram: DatagramDescription): boolean {
  const { view, viewParity, seqs } = match;
  const { kinds, viewLowest, viewHighest, seqLowest, seqHighest } = datagram;
  if ((kinds & bitsOf(match.kinds)) === 0) return false;
  if (view !== undefined && (viewLowest > view || viewHighest < view)) return false;
  if (viewParity !== undefined) {
    if (viewLowest === NUMBER_MAX || viewLowest % 2 !== (viewParity === "odd" ? 1 : 0))
      return false;
  }
  return seqs === undefined || (seqLowest <= seqs.to && seqHighest >= seqs.from);
}

export function bitsOf(kinds: readonly MessageKind[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << MESSAGE_KINDS.indexOf(kind)), 0);
}

/** Throws a RangeError that says what is wrong with it. */
export function requireMatch({ kinds, view, seqs, first }: MessageMatch): void {
  if (kinds.length === 0)
    throw new RangeError("a message fault wants at least one kind of message");
  const numbers = [view, seqs?.from, seqs?.to].filter((one) => one !== undefined);
  for (const one of numbers) {
    if (Number.isInteger(one) && one >= 0 && one < NUMBER_MAX) continue;
    throw new RangeError(`views and seqs of a message fault are below 2^32 - 1, found ${one}`);
  }
  if (seqs !== undefined && seqs.from > seqs.to) {
    throw new RangeError(`no seq is from ${seqs.from} to ${seqs.to}`);
  }
  if (first !== undefined && !(Number.isInteger(first) && first >= 1 && first <= FIRST_MAX)) {
    throw new RangeError(`a message fault takes the first 1 to ${FIRST_MAX}, found ${first}`);
  }
}

/** "commit in view 3", "the first 2 new-view": what is meant, for people. */
export function describeMatch({ kinds, view, viewParity, seqs, first }: MessageMatch): string {
  const words = [kinds.join("+")];
  if (first !== undefined) words.unshift(first === 1 ? "the first" : `the first ${first}`);
  if (view !== undefined) words.push(`of view ${view}`);
  if (viewParity !== undefined) words.push(`of ${viewParity} views`);
  if (seqs !== undefined) words.push(`of seqs ${seqs.from} to ${seqs.to}`);
  return words.join(" ");
}

/** What was done to them: "dropped". */
export function wordOfEffect(effect: MessageEffect): string {
  if (effect === "drop") return "dropped";
  return effect === "duplicate" ? "duplicated" : "delayed";
}
