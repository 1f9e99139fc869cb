// The bytes of a file that grows. Room is made by doubling, so that appending costs what is appended,
// however large the file is.

export class GrowingBytes {
  #room: Buffer;
  #length: number;

  /** Holds a copy. */
  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#room = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** A view of them as they are now, which the next write may leave behind. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** A gap before the position is filled with zeros. */
  write(fresh: Uint8Array, position: number): void {
    const end = position + fresh.length;
    if (end > this.#room.length) {
      const room = Buffer.alloc(2 * end);
      room.set(this.bytes);
      this.#room = room;
    }
    this.#room.set(fresh, position);
    this.#length = Math.max(this.#length, end);
  }
}
