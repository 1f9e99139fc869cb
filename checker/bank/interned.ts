// Strings as small numbers, read from bytes.

/** Guards: equal strings have equal numbers, from 0 in the order of their first use. */
export class Interned {
  readonly texts: string[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #hashes: number[] = [];
  #slots = new Int32Array(64).fill(-1);

  /** Undefined where no string has this number. */
  text(number: number): string | undefined {
    return this.texts[number];
  }

  add(text: string): number {
    const bytes = new TextEncoder().encode(text);
    let hash = 0;
    for (const byte of bytes) hash = hashed(hash, byte);
    return this.find(bytes, 0, bytes.length, hash);
  }

  /** The string's number; `hash` is that of its bytes. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const number = this.#slots[slot] ?? -1;
      if (number < 0) return this.#insert(bytes.slice(start, end), hash, slot);
      if (equal(this.#bytes[number], bytes, start, end)) return number;
      slot = (slot + 1) & mask;
    }
  }

  #insert(bytes: Uint8Array, hash: number, slot: number): number {
    const number = this.#bytes.push(bytes) - 1;
    this.#hashes.push(hash);
    this.texts.push(new TextDecoder().decode(bytes));
    this.#slots[slot] = number;
    if (2 * this.#bytes.length > this.#slots.length) this.#grow();
    return number;
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (const [number, hash] of this.#hashes.entries()) {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while ((this.#slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number;
    }
  }
}

/** The hash of a string and one byte more; that of nothing is 0. */
export function hashed(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function equal(known: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number) {
  if (known === undefined || known.length !== end - start) return false;
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== bytes[start + index]) return false;
  }
  return true;
}
