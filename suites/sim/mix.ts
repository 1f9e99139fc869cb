// A fast hash of bytes to 64 bits, for modelled keys and for the trace: not cryptographic, but it
// changes with every bit. Source: MurmurHash3 (Austin Appleby), two lanes with different constants.

export type Lanes = { high: number; low: number };

/** Mixes the bytes from `start` on into the lanes, their number included. */
export function mixBytes(lanes: Lanes, bytes: Uint8Array, start = 0): void {
  let { high, low } = lanes;
  const end = bytes.length;
  const length = end - start;
  const whole = start + (length & ~3);
  for (let at = start; at < whole; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    high = absorb(high, word, 0xcc9e2d51);
    low = absorb(low, word, 0x9e3779b1);
  }
  let rest = length;
  for (let at = whole; at < end; at++) rest = (rest << 8) ^ (bytes[at] ?? 0);
  lanes.high = finish(absorb(high, rest, 0xcc9e2d51) ^ length);
  lanes.low = finish(absorb(low, rest, 0x9e3779b1) + length);
}

/** Mixes a number (its low 53 bits) into the lanes. */
export function mixNumber(lanes: Lanes, value: number): void {
  const below = value >>> 0;
  const above = Math.floor(value / 0x1_0000_0000) >>> 0;
  lanes.high = absorb(absorb(lanes.high, below, 0xcc9e2d51), above, 0x85ebca6b);
  lanes.low = absorb(absorb(lanes.low, below, 0x9e3779b1), above, 0xc2b2ae35);
}

function absorb(lane: number, word: number, factor: number): number {
  const scrambled = Math.imul(word, factor);
  const mixed = lane ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(lane: number): number {
  let mixed = lane ^ (lane >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
