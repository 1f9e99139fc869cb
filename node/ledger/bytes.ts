// Reading and writing the ledger's binary forms: big-endian, lengths in front, nothing optional.
// A reader never throws: past the end it returns zeros and remembers that it failed, so a decoder
// reads straight through and asks once, at the end, whether all of it was there and nothing more.

const TWO_32 = 2 ** 32;
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of `value` in UTF-8, or undefined where it has no UTF-8 form (a lone surrogate). */
export function utf8(value: string): Uint8Array | undefined {
  const bytes = Buffer.from(value, "utf8");
  return bytes.toString("utf8") === value ? bytes : undefined;
}

/** Cursor over the bytes of a peer. After any failed read, `atEnd` stays false for good. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Everything read, nothing left, nothing failed. */
  get atEnd(): boolean {
    return !this.#failed && this.#offset === this.#bytes.length;
  }

  /** Bytes not read yet; 0 after a failure, so that "read until the end" ends. */
  get remaining(): number {
    return this.#failed ? 0 : this.#bytes.length - this.#offset;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at);
  }

  /** A safe integer in 8 bytes, two's complement; any other 8 bytes fail. */
  integer(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#view.getInt32(at) * TWO_32 + this.#view.getUint32(at + 4);
    if (Number.isSafeInteger(value)) return value;
    this.#failed = true;
    return 0;
  }

  /** A view into the source, not a copy. */
  take(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? new Uint8Array(0) : this.#bytes.subarray(at, at + length);
  }

  /** UTF-8 behind a length byte; malformed UTF-8 and more than `bytesMax` fail. */
  text(bytesMax: number): string {
    const length = this.u8();
    if (length > bytesMax) this.#failed = true;
    const bytes = this.take(length);
    try {
      return text.decode(bytes);
    } catch {
      this.#failed = true; // not UTF-8: the fatal decoder says so by throwing
      return "";
    }
  }

  /** Marks the input as malformed for a reason that only the decoder knows. */
  fail(): void {
    this.#failed = true;
  }

  /** The offset of `length` more bytes, or -1 where they are not there. */
  #take(length: number): number {
    const at = this.#offset;
    if (this.#failed || at + length > this.#bytes.length) {
      this.#failed = true;
      return -1;
    }
    this.#offset = at + length;
    return at;
  }
}

/** A growing buffer. `bytes()` is a copy; `view()` is valid until the next write. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#grow(1); // first: it may put another buffer in this one's place
    this.#buffer[at] = value;
  }

  u16(value: number): void {
    const at = this.#grow(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  /** Throws RangeError where `value` is not a safe integer. */
  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    const at = this.#grow(8);
    const high = Math.floor(value / TWO_32);
    this.#buffer.writeInt32BE(high, at);
    this.#buffer.writeUInt32BE(value - high * TWO_32, at + 4);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Lower-case hexadecimal, two characters a byte. */
  hex(digits: string): void {
    const at = this.#grow(digits.length / 2);
    this.#buffer.write(digits, at, "hex");
  }

  /** UTF-8 behind a length byte. Throws RangeError above 255 bytes. */
  text(value: string): void {
    const length = Buffer.byteLength(value, "utf8");
    if (length > 255) throw new RangeError(`text of ${length} bytes`);
    this.u8(length);
    const at = this.#grow(length);
    this.#buffer.write(value, at, "utf8");
  }

  clear(): void {
    this.#length = 0;
  }

  view(start = 0): Uint8Array {
    return this.#buffer.subarray(start, this.#length);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  #grow(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}
