// What a datagram says of its content, in its header, for whoever watches the wire: the kinds of its
// messages, and the range of their views and seqs. No replica decides anything by it. It is there so
// that a fault can choose among datagrams by what they carry, and it can be believed: the MAC of the
// link covers it, and what describes itself wrongly is refused (datagram.ts).
//
//   kinds 2, a bit for each · lowest view 4 · highest view 4 · lowest seq 4 · highest seq 4
// A range that is empty has its lowest above its highest. Numbers beyond 32 bits are written as the
// largest one.

import { TAGS } from "./wire.js";

export type Description = {
  /** Bit tag − 1 for each kind of wire.ts; OTHER_KIND for bytes that are no message. */
  kinds: number;
  viewLowest: number;
  viewHighest: number;
  seqLowest: number;
  seqHighest: number;
};

export const DESCRIPTION_BYTES = 18;

const OTHER_KIND = 0x8000;
const LARGEST = 0xffff_ffff;
const TAG_LARGEST = 13;

/** Where a kind's view and seq stand in its encoding (wire-messages.ts), by tag; undefined: it has none. */
const VIEW_AT: readonly (number | undefined)[] = offsets({
  [TAGS.reply]: 1,
  [TAGS["pre-prepare"]]: 1,
  [TAGS.prepare]: 1,
  [TAGS.commit]: 1,
  [TAGS["view-change"]]: 1,
  [TAGS["new-view"]]: 1,
  [TAGS.status]: 2,
  [TAGS["commit-certificate"]]: 1,
});
const SEQ_AT: readonly (number | undefined)[] = offsets({
  [TAGS.reply]: 22,
  [TAGS["pre-prepare"]]: 9,
  [TAGS.prepare]: 9,
  [TAGS.commit]: 9,
  [TAGS.checkpoint]: 1,
  [TAGS["commit-certificate"]]: 9,
});

/** Of encoded messages, or of any bytes. */
export function describe(messages: readonly Uint8Array[]): Description {
  const said: Description = {
    kinds: 0,
    viewLowest: LARGEST,
    viewHighest: 0,
    seqLowest: LARGEST,
    seqHighest: 0,
  };
  for (const message of messages) {
    const tag = message[0] ?? 0;
    said.kinds |= tag >= 1 && tag <= TAG_LARGEST ? 1 << (tag - 1) : OTHER_KIND;
    const view = numberAt(message, VIEW_AT[tag]);
    if (view !== undefined) {
      said.viewLowest = Math.min(said.viewLowest, view);
      said.viewHighest = Math.max(said.viewHighest, view);
    }
    const seq = numberAt(message, SEQ_AT[tag]);
    if (seq !== undefined) {
      said.seqLowest = Math.min(said.seqLowest, seq);
      said.seqHighest = Math.max(said.seqHighest, seq);
    }
  }
  return said;
}

export function writeDescription(buffer: Buffer, at: number, said: Description): void {
  buffer.writeUInt16BE(said.kinds, at);
  buffer.writeUInt32BE(said.viewLowest, at + 2);
  buffer.writeUInt32BE(said.viewHighest, at + 6);
  buffer.writeUInt32BE(said.seqLowest, at + 10);
  buffer.writeUInt32BE(said.seqHighest, at + 14);
}

/** Whether these bytes are how the description is written. */
export function isDescription(buffer: Buffer, at: number, said: Description): boolean {
  return (
    buffer.readUInt16BE(at) === said.kinds &&
    buffer.readUInt32BE(at + 2) === said.viewLowest &&
    buffer.readUInt32BE(at + 6) === said.viewHighest &&
    buffer.readUInt32BE(at + 10) === said.seqLowest &&
    buffer.readUInt32BE(at + 14) === said.seqHighest
  );
}

function offsets(byTag: Readonly<Record<number, number>>): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, tag) => byTag[tag]);
}

/** Eight bytes, big endian; undefined where they are not there. */
function numberAt(bytes: Uint8Array, at: number | undefined): number | undefined {
  if (at === undefined || at + 8 > bytes.length) return undefined;
  const high = wordAt(bytes, at);
  return high > 0 ? LARGEST : wordAt(bytes, at + 4);
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
