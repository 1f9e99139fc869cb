// Modelled keys: a signature is a hash over the signer and the bytes. Nobody here forges what he does
// not hold the keyring of, so it stands for Ed25519 at a hundredth of the cost.

import { hash } from "node:crypto";
import type { Keyring } from "../keyring.js";
import type { PrincipalId } from "../messages.js";

export type ModelKeyring = Keyring & { verifications: number };

function keyedHash(key: string, bytes: Uint8Array): Buffer {
  const digest = hash("sha256", Buffer.concat([Buffer.from(key), bytes]), "hex");
  return Buffer.from(digest, "hex");
}

function signatureOf(principal: PrincipalId, bytes: Uint8Array): Uint8Array {
  const half = keyedHash(`sign ${principal} `, bytes);
  return Uint8Array.from(Buffer.concat([half, half]));
}

function macOf(a: PrincipalId, b: PrincipalId, bytes: Uint8Array): Uint8Array {
  const key = `mac ${Math.min(a, b)} ${Math.max(a, b)} `;
  return Uint8Array.from(keyedHash(key, bytes).subarray(0, 16));
}

export function modelKeyring(principal: PrincipalId): ModelKeyring {
  const keyring: ModelKeyring = {
    principal,
    verifications: 0,
    sign: (bytes) => signatureOf(principal, bytes),
    verify: (signer, bytes, signature) => {
      keyring.verifications += 1;
      return Buffer.compare(signatureOf(signer, bytes), signature) === 0;
    },
    mac: (peer, bytes) => macOf(principal, peer, bytes),
    verifyMac: (peer, bytes, mac) => Buffer.compare(macOf(principal, peer, bytes), mac) === 0,
  };
  return keyring;
}
