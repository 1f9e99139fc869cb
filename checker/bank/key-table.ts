// The keys that lines of a history have, told apart by comparing four bytes at a time.

const KEY_BYTES_MAX = 16;
const WORDS_A_KEY = KEY_BYTES_MAX / 4;
const SLOT_COUNT = 64;

/** How far `find` may read past the place it is given. */
export const KEY_REACH = KEY_BYTES_MAX;

/** Guards: a key is found by its number only if every byte of it is there, up to its colon. */
export class KeyTable {
  /** By key: its bytes with the quote and the colon behind it, and their count. */
  readonly #words: Int32Array;
  readonly #masks: Int32Array;
  readonly #lengths: Int32Array;
  /** By the first three bytes, the first key that has them; by key, the next one. */
  readonly #first = new Int32Array(SLOT_COUNT).fill(-1);
  readonly #next: Int32Array;

  /** `keys` are of 1 to 14 bytes. */
  constructor(keys: readonly string[]) {
    this.#words = new Int32Array(keys.length * WORDS_A_KEY);
    this.#masks = new Int32Array(keys.length * WORDS_A_KEY);
    this.#lengths = new Int32Array(keys.length);
    this.#next = new Int32Array(keys.length).fill(-1);
    for (const [key, name] of keys.entries()) this.#add(key, name);
  }

  /** The key whose first byte is at an offset; -1 where none of them is there. */
  find(text: DataView, at: number): number {
    const start = text.getInt32(at, true);
    let key = this.#first[slotOf(start)] ?? -1;
    while (key >= 0 && !this.#matches(text, at, key)) key = this.#next[key] ?? -1;
    return key;
  }

  /** In bytes, with the quote and the colon behind it. */
  lengthOf(key: number): number {
    return this.#lengths[key] ?? 0;
  }

  #matches(text: DataView, at: number, key: number): boolean {
    const base = key * WORDS_A_KEY;
    const length = this.#lengths[key] ?? 0;
    for (let word = 0; 4 * word < length; word++) {
      const bytes = text.getInt32(at + 4 * word, true) & (this.#masks[base + word] ?? 0);
      if (bytes !== this.#words[base + word]) return false;
    }
    return true;
  }

  #add(key: number, name: string): void {
    const bytes = new TextEncoder().encode(`${name}":`);
    const padded = new DataView(new ArrayBuffer(KEY_BYTES_MAX));
    const mask = new DataView(new ArrayBuffer(KEY_BYTES_MAX));
    for (const [index, byte] of bytes.entries()) {
      padded.setUint8(index, byte);
      mask.setUint8(index, 0xff);
    }
    for (let word = 0; word < WORDS_A_KEY; word++) {
      this.#words[key * WORDS_A_KEY + word] = padded.getInt32(4 * word, true);
      this.#masks[key * WORDS_A_KEY + word] = mask.getInt32(4 * word, true);
    }
    this.#lengths[key] = bytes.length;
    const slot = slotOf(padded.getInt32(0, true));
    this.#next[key] = this.#first[slot] ?? -1;
    this.#first[slot] = key;
  }
}

/** A key has three bytes at least, with its quote and its colon. */
function slotOf(word: number): number {
  return (Math.imul(word & 0xffffff, 0x9e3779b1) >>> 26) & (SLOT_COUNT - 1);
}
