// HMAC-SHA256 (RFC 2104) truncated to 16 bytes, from the one-shot crypto.hash: `createHmac` builds a
// stream object for every call and takes several times longer. Two scratch buffers a key hold the
// padded keys, so that a MAC costs two hashes and one copy of the message.

import assert from "node:assert";
import { hash } from "node:crypto";
import { MAC_BYTES } from "../core/keyring.js";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const SCRATCH_BYTES_MIN = 2048;

export type HmacKey = { inner: Buffer; outer: Buffer };

/** Prepares a key of at most 64 bytes. */
export function hmacKey(key: Uint8Array): HmacKey {
  assert(key.length <= BLOCK_BYTES, "hmac: key longer than a block");
  const inner = Buffer.alloc(BLOCK_BYTES + SCRATCH_BYTES_MIN, 0);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0);
  for (let index = 0; index < BLOCK_BYTES; index++) {
    const byte = key[index] ?? 0;
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  return { inner, outer };
}

/** The first 16 bytes of HMAC-SHA256; uses the key's scratch buffers. */
export function hmac(key: HmacKey, bytes: Uint8Array): Uint8Array {
  const length = BLOCK_BYTES + bytes.length;
  if (key.inner.length < length) key.inner = grown(key.inner, length);
  key.inner.set(bytes, BLOCK_BYTES);
  // A digest as a one-byte-a-character string is cheaper to make than a Buffer.
  const inside = hash("sha256", key.inner.subarray(0, length), "binary");
  key.outer.write(inside, BLOCK_BYTES, "latin1");
  return Buffer.from(hash("sha256", key.outer, "binary"), "latin1").subarray(0, MAC_BYTES);
}

/** Compares in a time that depends on nothing but the length. */
export function equalMacs(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== MAC_BYTES || other.length !== MAC_BYTES) return false;
  let difference = 0;
  for (let index = 0; index < MAC_BYTES; index++) {
    difference |= (one[index] ?? 0) ^ (other[index] ?? 0);
  }
  return difference === 0;
}

function grown(inner: Buffer, length: number): Buffer {
  const larger = Buffer.alloc(2 ** Math.ceil(Math.log2(length)));
  inner.copy(larger, 0, 0, BLOCK_BYTES);
  return larger;
}
