// Keys as they lie in files: raw 32-byte Ed25519 and X25519 keys in hexadecimal, and their DER
// envelopes, which node:crypto wants. A secret signing key is the RFC 8032 seed.

import assert from "node:assert";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import type { PrincipalId } from "../core/messages.js";

/** Length of every raw key, public or secret. */
export const KEY_BYTES = 32;

/** What a node keeps to itself; hexadecimal. */
export type SecretKeys = { principal: PrincipalId; signingSecret: string; exchangeSecret: string };
/** What everybody knows of a node; hexadecimal. */
export type PublicKeys = { signingKey: string; exchangeKey: string };

type Curve = "ed25519" | "x25519";

// RFC 8410: the object identifiers are 1.3.101.112 (Ed25519) and 1.3.101.110 (X25519).
const SECRET_PREFIX: Record<Curve, string> = {
  ed25519: "302e020100300506032b657004220420",
  x25519: "302e020100300506032b656e04220420",
};
const PUBLIC_PREFIX: Record<Curve, string> = {
  ed25519: "302a300506032b6570032100",
  x25519: "302a300506032b656e032100",
};

/** Fresh keys for one principal from the operating system's randomness. */
export function generateKeys(principal: PrincipalId): { secret: SecretKeys; public: PublicKeys } {
  const signing = generateKeyPairSync("ed25519");
  const exchange = generateKeyPairSync("x25519");
  return {
    secret: {
      principal,
      signingSecret: rawSecret(signing.privateKey),
      exchangeSecret: rawSecret(exchange.privateKey),
    },
    public: {
      signingKey: rawPublic(signing.publicKey),
      exchangeKey: rawPublic(exchange.publicKey),
    },
  };
}

/** The public halves of secret keys. */
export function publicKeysOf(secret: SecretKeys): PublicKeys {
  return {
    signingKey: rawPublic(createPublicKey(secretKey("ed25519", secret.signingSecret))),
    exchangeKey: rawPublic(createPublicKey(secretKey("x25519", secret.exchangeSecret))),
  };
}

/** A raw secret key as node:crypto wants it; throws unless it is 64 hexadecimal characters. */
export function secretKey(curve: Curve, hex: string): KeyObject {
  assert(isKeyHex(hex), "secret key: want 64 hexadecimal characters");
  return createPrivateKey({
    key: Buffer.from(SECRET_PREFIX[curve] + hex, "hex"),
    format: "der",
    type: "pkcs8",
  });
}

/** A raw public key as node:crypto wants it; throws unless it is 64 hexadecimal characters. */
export function publicKey(curve: Curve, hex: string): KeyObject {
  assert(isKeyHex(hex), "public key: want 64 hexadecimal characters");
  return createPublicKey({
    key: Buffer.from(PUBLIC_PREFIX[curve] + hex, "hex"),
    format: "der",
    type: "spki",
  });
}

/** Whether this is a raw key in lowercase hexadecimal. */
export function isKeyHex(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function rawSecret(key: KeyObject): string {
  return key.export({ format: "der", type: "pkcs8" }).subarray(-KEY_BYTES).toString("hex");
}

function rawPublic(key: KeyObject): string {
  return key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES).toString("hex");
}
