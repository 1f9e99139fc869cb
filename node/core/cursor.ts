// Writing and reading at fixed offsets, big-endian. A Writer fills one scratch buffer that lives as
// long as the process, and `finish` copies it out: one allocation a message. A Reader never reads
// past its end and never throws: the first bad read marks it malformed, and it yields zeros from then on.

import assert from "node:assert";
import type { Digest, Signature } from "./messages.js";

const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;
const WORD = 0x1_0000_0000;

let scratch = Buffer.allocUnsafeSlow(65_536);

export class Writer {
  private at = 0;

  private reserve(bytes: number): number {
    const at = this.at;
    if (at + bytes > scratch.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + bytes));
      larger.set(scratch.subarray(0, at));
      scratch = larger;
    }
    this.at = at + bytes;
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    scratch.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.reserve(2);
    scratch.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    scratch.writeUInt32BE(value, at);
  }

  /** A safe integer, in eight bytes. */
  integer(value: number): void {
    const at = this.reserve(8);
    scratch.writeUInt32BE(Math.floor(value / WORD), at);
    scratch.writeUInt32BE(value % WORD, at + 4);
  }

  digest(digest: Digest): void {
    assert(digest.length === 2 * DIGEST_BYTES, `a digest of ${digest.length} characters`);
    const at = this.reserve(DIGEST_BYTES);
    scratch.write(digest, at, DIGEST_BYTES, "hex");
  }

  /** A cluster id: sixteen hexadecimal characters. */
  cluster(cluster: string): void {
    const at = this.reserve(8);
    scratch.write(cluster, at, 8, "hex");
  }

  /** Exactly these bytes, without their length. */
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    scratch.set(bytes, at);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.at);
    scratch.copy(bytes, 0, 0, this.at);
    return bytes;
  }
}

export class Reader {
  private readonly buffer: Buffer;
  private at = 0;
  /** Set by the first read that failed. */
  malformed = false;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** True when everything was read, and nothing failed. */
  get complete(): boolean {
    return !this.malformed && this.at === this.buffer.length;
  }

  private take(bytes: number): number {
    const at = this.at;
    if (this.malformed || at + bytes > this.buffer.length) {
      this.malformed = true;
      return -1;
    }
    this.at = at + bytes;
    return at;
  }

  /** Marks the message malformed where the fact does not hold. */
  require(fact: boolean): void {
    if (!fact) this.malformed = true;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.buffer.readUInt8(at);
  }

  u16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : this.buffer.readUInt16BE(at);
  }

  u32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.buffer.readUInt32BE(at);
  }

  /** Eight bytes that must hold a safe integer. */
  integer(): number {
    const at = this.take(8);
    if (at < 0) return 0;
    const value = this.buffer.readUInt32BE(at) * WORD + this.buffer.readUInt32BE(at + 4);
    this.require(value <= Number.MAX_SAFE_INTEGER);
    return value;
  }

  digest(): Digest {
    const at = this.take(DIGEST_BYTES);
    return at < 0 ? "" : this.buffer.toString("hex", at, at + DIGEST_BYTES);
  }

  signature(): Signature {
    return this.raw(SIGNATURE_BYTES);
  }

  /** A view of the next bytes: it shares memory with what is read. */
  raw(bytes: number): Uint8Array {
    const at = this.take(bytes);
    const from = Math.max(at, 0);
    const length = at < 0 ? 0 : bytes;
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + from, length);
  }

  /** A list length; malformed where the rest could not hold that many. No allocation before it. */
  count(entryBytesMin: number): number {
    const count = this.u16();
    this.require(count * entryBytesMin <= this.buffer.length - this.at);
    return this.malformed ? 0 : count;
  }
}
