// Strings as small numbers, found by comparing four bytes at a time.

const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** A quote, and a one, in each byte. */
const QUOTES = 0x22222222;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080;
/** By count of bytes: the mask of so many, in a word. */
const MASKS = Int32Array.of(0, 0xff, 0xffff, 0xffffff);

/** Guards: equal strings have equal numbers, from 0 in the order of their first use. */
export class Interned {
  readonly texts: string[] = [];
  /** Where the string that was found last ends, behind its quote. */
  end = 0;
  /** By string: where its words begin in `#words`, its length in bytes, its hash. */
  #starts = new Int32Array(32);
  #lengths = new Int32Array(32);
  #hashes = new Int32Array(32);
  #words = new Int32Array(128);
  #wordCount = 0;
  #slots = new Int32Array(64).fill(-1);

  /** Undefined where no string has this number. */
  text(number: number): string | undefined {
    return this.texts[number];
  }

  /**
   * The number of the string whose first byte is at an offset, and whose end is the next quote; -1
   * where there is none, or it holds an escape or a control character. Sets `end`.
   */
  find(bytes: Uint8Array, text: DataView, at: number): number {
    let hash = 0;
    let next = at;
    for (;;) {
      if (next + 4 > text.byteLength) return -1;
      const word = text.getInt32(next, true);
      const found = quoteIn(word);
      if (found === 4) {
        hash = hashed(hash, word);
        next += 4;
        continue;
      }
      hash = hashed(hash, word & (MASKS[found] ?? 0));
      next += found;
      break;
    }
    this.end = next + 1;
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? -1;
      if (number < 0) return this.#insert(bytes, at, next, hash, slot);
      if (this.#hashes[number] === hash && this.#equals(number, text, at, next)) return number;
    }
  }

  #equals(number: number, text: DataView, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths[number] !== length) return false;
    let word = this.#starts[number] ?? 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      if (this.#words[word] !== text.getInt32(at, true)) return false;
      word += 1;
    }
    const rest = MASKS[end - at] ?? 0;
    return rest === 0 || this.#words[word] === (text.getInt32(at, true) & rest);
  }

  #insert(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    // Escapes have rules of their own, which somebody slower knows.
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === BACKSLASH || byte < SPACE) return -1;
    }
    const number = this.texts.push(new TextDecoder().decode(bytes.subarray(start, end))) - 1;
    if (number === this.#starts.length) this.#growStrings();
    this.#starts[number] = this.#wordCount;
    this.#lengths[number] = end - start;
    this.#hashes[number] = hash;
    this.#append(bytes.subarray(start, end));
    this.#slots[slot] = number;
    if (2 * this.texts.length > this.#slots.length) this.#growSlots();
    return number;
  }

  #append(bytes: Uint8Array): void {
    const count = (bytes.length + 3) >> 2;
    while (this.#wordCount + count > this.#words.length) {
      this.#words = grown(this.#words);
    }
    const padded = new Uint8Array(4 * count);
    padded.set(bytes);
    const words = new DataView(padded.buffer);
    for (let word = 0; word < count; word++) {
      this.#words[this.#wordCount++] = words.getInt32(4 * word, true);
    }
  }

  #growStrings(): void {
    this.#starts = grown(this.#starts);
    this.#lengths = grown(this.#lengths);
    this.#hashes = grown(this.#hashes);
  }

  #growSlots(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.texts.length; number++) {
      let slot = (this.#hashes[number] ?? 0) & mask;
      while ((this.#slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number;
    }
  }
}

/** How many bytes of a word stand before its first quote; 4 where it has none. */
function quoteIn(word: number): number {
  const zeroed = word ^ QUOTES;
  // The lowest bit set is in the first byte that was a quote; those above may be carries.
  const found = (zeroed - ONES) & ~zeroed & HIGH_BITS;
  return found === 0 ? 4 : (31 - Math.clz32(found & -found)) >> 3;
}

function hashed(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x9e3779b1) ^ (hash >>> 13);
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(2 * column.length);
  bigger.set(column);
  return bigger;
}
