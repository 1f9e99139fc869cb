// Ed25519 (RFC 8032) by libsodium where its native module loads, by OpenSSL elsewhere.
// Both must say the same of every byte string, or a liar could split a cluster whose replicas use
// different ones. They differ on a commitment R of small order, which only the owner of a key can
// make: libsodium refuses it, so the OpenSSL half refuses it too.

import { sign as opensslSign, verify as opensslVerify } from "node:crypto";
import { createRequire } from "node:module";
import { SIGNATURE_BYTES } from "../core/keyring.js";
import type { Signature } from "../core/messages.js";
import { publicKey, secretKey } from "./keys.js";

export type SignatureBackend = "libsodium" | "openssl";
export type Signer = (bytes: Uint8Array) => Signature;
/** False for a signature of any wrong length or content; never throws. */
export type Verifier = (bytes: Uint8Array, signature: Uint8Array) => boolean;

export type SignatureScheme = {
  backend: SignatureBackend;
  /** From a seed in hexadecimal. */
  signer(seed: string): Signer;
  /** From a public key in hexadecimal. */
  verifier(key: string): Verifier;
};

/** The part of sodium-native that is used here; it ships no types. */
type Sodium = {
  crypto_sign_SECRETKEYBYTES: number;
  crypto_sign_PUBLICKEYBYTES: number;
  crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void;
  crypto_sign_detached(signature: Buffer, message: Uint8Array, secretKey: Buffer): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, key: Buffer): boolean;
};

/** The faster scheme that loads on this machine. */
export function loadSignatureScheme(): SignatureScheme {
  try {
    return libsodiumScheme();
  } catch {
    // No binary for this platform: the other scheme gives the same answers, three times slower.
    return opensslScheme;
  }
}

/** Throws where sodium-native has no binary for this platform. */
export function libsodiumScheme(): SignatureScheme {
  const sodium: Sodium = createRequire(import.meta.url)("sodium-native");
  return {
    backend: "libsodium",
    signer(seed) {
      const owner = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
      const secret = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
      sodium.crypto_sign_seed_keypair(owner, secret, Buffer.from(seed, "hex"));
      return (bytes) => {
        const signature = Buffer.allocUnsafeSlow(SIGNATURE_BYTES);
        sodium.crypto_sign_detached(signature, bytes, secret);
        return signature;
      };
    },
    verifier(key) {
      const owner = Buffer.from(key, "hex");
      return (bytes, signature) =>
        signature.length === SIGNATURE_BYTES &&
        sodium.crypto_sign_verify_detached(signature, bytes, owner);
    },
  };
}

export const opensslScheme: SignatureScheme = {
  backend: "openssl",
  signer(seed) {
    const key = secretKey("ed25519", seed);
    return (bytes) => opensslSign(null, bytes, key);
  },
  verifier(key) {
    const owner = publicKey("ed25519", key);
    return (bytes, signature) =>
      signature.length === SIGNATURE_BYTES &&
      !hasSmallOrder(signature.subarray(0, 32)) &&
      opensslVerify(null, bytes, owner, signature);
  },
};

// The y coordinates of the points of order 1, 2, 4 and 8, and their non-canonical twins, little
// endian, without the sign bit. Source: libsodium's ge25519_has_small_order, recomputed in the test.
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Whether a compressed point lies in the subgroup of order 8. */
export function hasSmallOrder(point: Uint8Array): boolean {
  const y = Buffer.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(y.toString("hex"));
}
