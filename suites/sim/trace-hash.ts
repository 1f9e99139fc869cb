// The fingerprint of a simulation: two runs that did the same things at the same moments have the same
// one. A datagram enters by its MAC, which covers all of its bytes.

import { type Lanes, mixBytes, mixNumber } from "./mix.js";

export class TraceHash {
  readonly #lanes: Lanes = { high: 0x243f6a88, low: 0x13198a2e };

  number(value: number): void {
    mixNumber(this.#lanes, value);
  }

  /** Those from `start` on. */
  bytes(bytes: Uint8Array, start = 0): void {
    mixBytes(this.#lanes, bytes, start);
  }

  text(text: string): void {
    for (let index = 0; index < text.length; index++) this.number(text.charCodeAt(index));
  }

  /** 16 hexadecimal characters. */
  get digest(): string {
    const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, "0");
    return hex(this.#lanes.high) + hex(this.#lanes.low);
  }
}
