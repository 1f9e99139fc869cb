// Whether an Ed25519 signature holds, by a library that the system under test does not use.

import { createHash } from "node:crypto";
import { hashes, verify } from "@noble/ed25519";

hashes.sha512 = (message) => Uint8Array.from(createHash("sha512").update(message).digest());

/** All in hexadecimal. Strict (RFC 8032): no key makes a signature that holds of two contents. About 1 ms. */
export function signatureHolds(key: string, bytes: string, signature: string): boolean {
  const raw = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
  return verify(raw(signature), raw(bytes), raw(key), { zip215: false });
}
