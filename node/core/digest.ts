// SHA-256 digests: of bytes, and of batches. A digest binds what a request asks, not how it was
// authenticated: two copies of a request with different authenticators are the same request.

import { hash } from "node:crypto";
import type { Digest, Request } from "./messages.js";

const REQUEST_HEAD_BYTES = 16;

/** SHA-256 of the bytes, as 64 lowercase hexadecimal characters. */
export function sha256(bytes: Uint8Array): Digest {
  return hash("sha256", bytes, "hex");
}

/**
 * Digest of a batch: one hash over client, timestamp and operation of its requests, in order. Every
 * field has a fixed width or its length in front, so two batches never share their bytes.
 */
export function batchDigest(requests: readonly Request[]): Digest {
  let bytes = 0;
  for (const request of requests) bytes += REQUEST_HEAD_BYTES + request.operation.length;
  const buffer = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { client, timestamp, operation } of requests) {
    buffer.writeUInt32BE(client, at);
    buffer.writeUInt32BE(Math.floor(timestamp / 0x1_0000_0000), at + 4);
    buffer.writeUInt32BE(timestamp % 0x1_0000_0000, at + 8);
    buffer.writeUInt32BE(operation.length, at + 12);
    buffer.set(operation, at + REQUEST_HEAD_BYTES);
    at += REQUEST_HEAD_BYTES + operation.length;
  }
  return sha256(buffer);
}

/** Digest of the null request: the empty batch that fills a gap in a new view. */
export const NULL_DIGEST: Digest = batchDigest([]);
